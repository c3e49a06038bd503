"""CPU, memory and GPUs: what a server asks for and what a node has left to give."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from engines.torchserve import FRONTEND_MEMORY, WORKER_MEMORY
from hardware import InstanceType
from model_catalog import RunningVersion
from quantities import Bytes

FRONTEND_MILLICORES: Final = 250
WORKER_MILLICORES: Final = 500
"""Requests, not limits: a worker's pre- and post-processing is single-threaded Python beside its GPU work,
and may use what is idle. Chosen, not measured; a load test of the model replaces it."""

MEMORY_HEADROOM_PERCENT: Final = 25
"""On top of what was measured, because memory has a limit and passing it kills the server."""

NODE_RESERVED_MILLICORES: Final = 500
"""kubelet and system (at most 310m up to 48 vCPUs by EKS's formula) and the DaemonSets every node runs."""
NODE_RESERVED_MEMORY: Final = Bytes.mebibytes(1280)
"""EKS keeps 255 MiB + 11 MiB per pod that the node can hold, and 100 MiB for eviction: 993 MiB with 58 pods
(https://github.com/awslabs/amazon-eks-ami, kubelet's kubeReserved), and the DaemonSets take some."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """An amount of what the scheduler counts."""

    millicores: int
    memory: Bytes
    gpus: int

    def fits(self, room: "Resources") -> bool:
        """Whether this much is within `room`."""
        return self.millicores <= room.millicores and self.memory <= room.memory and self.gpus <= room.gpus

    def __sub__(self, other: "Resources") -> "Resources":
        return Resources(
            millicores=self.millicores - other.millicores,
            memory=Bytes(self.memory - other.memory),
            gpus=self.gpus - other.gpus,
        )

    def __str__(self) -> str:
        return f"{self.millicores}m CPU, {self.memory.kubernetes} memory, {self.gpus} GPU"


def server_resources(running: Iterable[RunningVersion], *, gpus: int) -> Resources:
    """What one replica of a server with these versions requests.

    Each worker holds its own copy of the weights: on the host while loading, on the device afterwards. The
    host's share is requested in either case, since a restarting worker needs it again.
    """
    millicores, memory = FRONTEND_MILLICORES, FRONTEND_MEMORY
    for version in running:
        workers = version.version.serving.worker_limit
        batch = version.version.memory.per_request * version.version.serving.batch_size
        memory += (WORKER_MEMORY + version.version.memory.weights + batch) * workers
        millicores += WORKER_MILLICORES * workers
    with_headroom = Bytes(-(-memory * (100 + MEMORY_HEADROOM_PERCENT) // 100))
    return Resources(millicores=millicores, memory=with_headroom, gpus=gpus)


def node_resources(kind: InstanceType) -> Resources:
    """What pods can request on one node of this type."""
    return Resources(
        millicores=kind.vcpus * 1000 - NODE_RESERVED_MILLICORES,
        memory=Bytes(kind.memory - NODE_RESERVED_MEMORY),
        gpus=kind.gpu_count,
    )
