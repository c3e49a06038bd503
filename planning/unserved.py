"""Versions that are placed and paid for, and that their server leaves out until somebody mends the catalog."""

from collections.abc import Mapping

from model_catalog import Selector, not_served_because
from planning.server import ServerPlan
from planning.torchserve_servers import TorchServePlan


def unserved(server: ServerPlan) -> Mapping[Selector, str]:
    """Version → why, sorted. Without its default a variant is left out whole: requests without a version would reach
    one that nobody chose.
    """
    if not isinstance(server, TorchServePlan):
        return {}
    broken = {model.selector: not_served_because(model.triple) for model in server.models}
    without = {
        model.selector.variant: model.version for model in server.default_models if broken[model.selector]
    }
    found = {
        model.selector: broken[model.selector]
        or (
            f"its default, version {without[model.selector.variant]}, is not"
            if model.selector.variant in without
            else None
        )
        for model in server.models
    }
    return {selector: f"not served: {why}" for selector, why in found.items() if why}
