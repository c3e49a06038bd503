"""What of a plan reaches a server's pods: where it differs, Kubernetes replaces them (components/server_deployment.py).

Pods are made of their template and of the ConfigMap that it names. What is only around them (replicas, the Service, a
PodMonitor, alerts, the AWS role) changes without a restart. The trap: this repeats what components do with a plan, so
a test changes every field and compares with the pods that they build.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from engines.torchserve import ServedVersion, model_snapshot
from planning.launch import launch
from planning.server import ServerPlan
from planning.servers import Server
from planning.text_generation_servers import TextGenerationPlan
from planning.torchserve_servers import TorchServePlan


class PodPart(StrEnum):
    """What a pod is made of, in the order in which people read it."""

    MODELS = "models"
    """Which it fetches, how it loads and serves them, and which is the default."""
    IMAGE = "image"
    RESOURCES = "resources"
    POOL = "pool"
    IDENTITY = "identity"
    """Its labels and its account."""
    STARTUP = "startup"
    """How long it may be loading."""


def changed_parts(old: Server, new: Server) -> tuple[PodPart, ...]:
    """Those that differ; () where all pods stay. A budget that differs counts, though probes round it to seconds."""
    before, after = _parts(old), _parts(new)
    return tuple(part for part in PodPart if before[part] != after[part])


def _parts(server: Server) -> Mapping[PodPart, Any]:
    return {
        PodPart.MODELS: _models(server),
        PodPart.IMAGE: (server.image, server.fetch_image),
        PodPart.RESOURCES: (
            server.resources.millicores,
            server.resources.memory.kubernetes,
            server.resources.gpus,
        ),
        PodPart.POOL: server.pool,
        PodPart.IDENTITY: (_labels(server), server.ports),
        PodPart.STARTUP: server.startup_budget,
    }


def _models(server: Server) -> Any:
    match server:
        case TorchServePlan():
            served = [
                ServedVersion(
                    name=model.name,
                    version=model.version,
                    archive=model.archive,
                    default=model.default,
                    options=model.options,
                )
                for model in server.models
            ]
            return model_snapshot(served), [(model.archive_key, model.archive) for model in server.models]
        case TextGenerationPlan():
            # Which version is the default is not among it: that decides where callers are sent.
            return launch(server, "/models", "/home"), server.artifact_prefixes


def _labels(server: ServerPlan) -> tuple[str, ...]:
    common = (server.name, server.environment, server.engine, server.engine_version)
    if not isinstance(server, TextGenerationPlan):
        return common
    (model,) = server.models
    return (*common, str(model.selector.task), str(model.selector.model), model.owner)
