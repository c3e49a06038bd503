"""Versions that are placed and paid for, and that their server leaves out until somebody mends the catalog."""

from collections.abc import Mapping

from model_catalog import Selector, unservable
from planning.server import ServerPlan
from planning.torchserve_servers import TorchServePlan


def unserved(server: ServerPlan) -> Mapping[Selector, str]:
    """Version → why, in the order of the plan. Without its default a variant is left out whole: requests that name no
    version would reach one that nobody chose.
    """
    if not isinstance(server, TorchServePlan):
        return {}
    own = {model.selector: unservable(model.triple) for model in server.models}
    defaults = {model.selector.variant: model for model in server.default_models if own[model.selector]}
    found: dict[Selector, str] = {}
    for model in server.models:
        if why := own[model.selector]:
            found[model.selector] = f"not served: {why}"
        elif default := defaults.get(model.selector.variant):
            found[model.selector] = f"not served: its default, version {default.version}, is not"
    return found
