"""What of a plan reaches a server's pods: where it differs, Kubernetes replaces them (components/server_deployment.py).

Pods are made of their template and of what it names. What is only around them (replicas, the Service, a PodMonitor,
alerts, the AWS role) changes without a restart, and so do TorchServe's models: its agent reads them from a ConfigMap
whose name stays (planning/changes/live.py). The trap: this repeats what components do with a plan, so a test changes
every field and compares with the pods that they build.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from planning.launch import launch
from planning.server import ServerPlan
from planning.servers import Server
from planning.text_generation_servers import TextGenerationPlan
from planning.torchserve_servers import TorchServePlan


class PodPart(StrEnum):
    """What a pod is made of, in the order in which people read it."""

    MODELS = "models"
    """A language model's: which it fetches, how it loads and serves it."""
    SETTINGS = "settings"
    """TorchServe's: what a release overrides and a running server cannot change."""
    IMAGE = "image"
    RESOURCES = "resources"
    POOL = "pool"
    IDENTITY = "identity"
    """Its labels and its account."""
    STARTUP = "startup"
    """A language model's: how long it may be loading."""


def changed_parts(old: Server, new: Server) -> tuple[PodPart, ...]:
    """Those that differ; () where all pods stay. A budget that differs counts, though probes round it to seconds."""
    before, after = _parts(old), _parts(new)
    return tuple(part for part in PodPart if before[part] != after[part])


def _parts(server: Server) -> Mapping[PodPart, Any]:
    common = {
        PodPart.RESOURCES: (
            server.resources.millicores,
            server.resources.memory.kubernetes,
            server.resources.gpus,
        ),
        PodPart.POOL: server.pool,
        PodPart.IDENTITY: (_labels(server), server.ports),
    }
    match server:
        case TorchServePlan():
            # Its probes ask the agent, and wait as long for any server.
            return {
                **dict.fromkeys(PodPart),
                **common,
                PodPart.SETTINGS: server.fixed_overrides,
                PodPart.IMAGE: server.image,
            }
        case TextGenerationPlan():
            return {
                **dict.fromkeys(PodPart),
                **common,
                # Which version is the default is not among it: that decides where callers are sent.
                PodPart.MODELS: (launch(server, "/models", "/home"), server.weights),
                PodPart.IMAGE: (server.image, server.fetch_image),
                PodPart.STARTUP: server.startup_budget,
            }


def _labels(server: ServerPlan) -> tuple[str, ...]:
    common = (server.name, server.environment, server.engine, server.engine_version)
    if not isinstance(server, TextGenerationPlan):
        return common
    (model,) = server.models
    return (*common, str(model.selector.task), str(model.selector.model), model.owner)
