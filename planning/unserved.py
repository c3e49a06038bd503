"""Versions that are placed and paid for, and that their server leaves out until somebody completes the catalog."""

from collections.abc import Mapping

from model_catalog import Selector, unservable
from planning.server import ServerPlan
from planning.text_generation_servers import TextGenerationPlan
from planning.torchserve_servers import TorchServePlan


def unserved(server: ServerPlan) -> Mapping[Selector, str]:
    """Version → why, in the order of the plan."""
    match server:
        case TorchServePlan():
            return _left_out(server)
        case TextGenerationPlan() if why := unservable(server.selector, server.version):
            return {server.selector: f"not served: {why}"}
        case _:
            return {}


def running_replicas(server: ServerPlan) -> int:
    """Replicas that the server's Deployment asks for.

    None of a language model that cannot be served, whose pods could never start. TorchServe runs without models, and
    takes them as they come.
    """
    return 0 if isinstance(server, TextGenerationPlan) and unserved(server) else server.replicas


def _left_out(server: TorchServePlan) -> Mapping[Selector, str]:
    """Without its default a variant is left out whole: its unversioned requests would reach one that nobody chose."""
    own = {model.selector: unservable(model.selector, model.triple) for model in server.models}
    defaults = {model.selector.variant: model for model in server.default_models if own[model.selector]}
    found: dict[Selector, str] = {}
    for model in server.models:
        if why := own[model.selector]:
            found[model.selector] = f"not served: {why}"
        elif default := defaults.get(model.selector.variant):
            found[model.selector] = f"not served: its default, version {default.version}, is not"
    return found
