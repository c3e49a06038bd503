"""The labels of a server's objects: by which its pods are selected, and by which people find them."""

from types import MappingProxyType
from typing import Final

from planning.observability import SERVER_LABEL
from planning.servers import Server
from planning.text_generation_servers import TextGenerationPlan

COMPONENT_LABELS: Final = MappingProxyType({"app.kubernetes.io/component": "inference-server"})
"""The pods of every server have it."""


def selecting_labels(server: str) -> dict[str, str]:
    """Select the pods of this server and no others. It cannot change without replacing the Deployment."""
    return {SERVER_LABEL: server}


def server_labels(server: Server) -> dict[str, str]:
    """Say whose server it is. The pods of a shared server name no model: they would change with each of them."""
    return {
        **COMPONENT_LABELS,
        "app.kubernetes.io/instance": server.name,
        "app.kubernetes.io/managed-by": "pulumi",
        "app.kubernetes.io/name": server.engine,
        "app.kubernetes.io/part-of": "slipway",
        "app.kubernetes.io/version": server.engine_version,
        "slipway.dev/environment": server.environment,
        **(_model_labels(server) if isinstance(server, TextGenerationPlan) else {}),
        **selecting_labels(server.name),
    }


def _model_labels(server: TextGenerationPlan) -> dict[str, str]:
    (model,) = server.models
    return {
        "slipway.dev/model": model.selector.model or "",
        "slipway.dev/owner": model.owner,
        "slipway.dev/task": model.selector.task,
    }
