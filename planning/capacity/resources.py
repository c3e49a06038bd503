"""CPU, memory and GPUs: what a server asks for and what a node has left to give."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from engines import tgi, vllm
from engines.torchserve import FRONTEND_MEMORY, WORKER_MEMORY
from hardware import InstanceType
from model_catalog import TgiVersion, TorchServeVersion, VllmVersion
from planning.capacity.memory.files import weight_files
from quantities import Bytes

FRONTEND_MILLICORES: Final = 250
WORKER_MILLICORES: Final = 500
"""Requests, not limits: a worker's pre- and post-processing is single-threaded Python beside its GPU work,
and may use what is idle. Chosen, not measured; a load test of the model replaces it."""
ROUTER_MILLICORES: Final = 1000
SHARD_MILLICORES: Final = 1000
"""TGI's router or vLLM's API server: validation and tokenization; and one Python process for each GPU. Chosen, not
measured."""

AGENT_MILLICORES: Final = 100
AGENT_MEMORY: Final = Bytes.mebibytes(192)
"""Of the agent beside TorchServe (workloads/agent), a request and a limit of its own. 52 MiB resident with boto3 loaded
and nothing to do (measured 2026-11-23, Python 3.11); the rest is for what it reads and hashes at a time. Its CPU is
chosen."""

MEMORY_HEADROOM_PERCENT: Final = 25
"""On top of what was measured, because memory has a limit and passing it kills the server."""

NODE_RESERVED_MILLICORES: Final = 500
"""kubelet and system (310m at 96 vCPUs by EKS's formula) and the DaemonSets every node runs."""
NODE_RESERVED_MILLICORES_PER_2_VCPUS: Final = 5
"""EKS's, for every two vCPUs above 96: a 192-vCPU machine keeps 550m for kubelet and system."""
NODE_MEMORY_PER_MILLE: Final = 925
"""Of what EC2 calls an instance's memory, what its kernel reports at least: firmware and hypervisor keep the rest.
Karpenter's default for it, vmMemoryOverheadPercent 0.075 (https://karpenter.sh/docs/reference/settings/)."""
NODE_RESERVED_MEMORY: Final = Bytes.mebibytes(255 + 100 + 256)
"""EKS's own 255 MiB (https://github.com/awslabs/amazon-eks-ami, nodeadm/internal/kubelet), 100 MiB for eviction, and
256 MiB for the DaemonSets that every node runs (chosen)."""
NODE_RESERVED_MEMORY_PER_POD: Final = Bytes.mebibytes(11)
"""EKS's, for each pod that the node can hold."""


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


AGENT_RESOURCES: Final = Resources(millicores=AGENT_MILLICORES, memory=AGENT_MEMORY, gpus=0)
"""What the agent's container requests of what its pod does."""


def torchserve_resources(versions: Iterable[TorchServeVersion], *, gpus: int) -> Resources:
    """What one replica of a TorchServe server with these versions requests.

    The agent's part is in it. Each worker holds its own copy of the weights: on the host while loading, on the device
    afterwards. The host's share is requested in either case, since a restarting worker needs it again.
    """
    millicores, memory = FRONTEND_MILLICORES, FRONTEND_MEMORY
    for version in versions:
        workers = version.serving.worker_limit
        batch = version.memory.per_request * version.serving.batch_size
        memory += (WORKER_MEMORY + version.memory.weights + batch) * workers
        millicores += WORKER_MILLICORES * workers
    return Resources(
        millicores=millicores + AGENT_MILLICORES,
        memory=Bytes(_with_headroom(memory) + AGENT_MEMORY),
        gpus=gpus,
    )


def torchserve_share(versions: Iterable[TorchServeVersion]) -> Resources:
    """What these versions add to a TorchServe server that runs anyway, memory in whole Mi as pods request it.

    The shares of several variants and an empty server are never less than what the server of all requests.
    """
    with_server = torchserve_resources(versions, gpus=0)
    empty = torchserve_resources((), gpus=0)
    own = with_server - empty
    return Resources(millicores=own.millicores, memory=own.memory.whole_mebibytes, gpus=0)


def llm_resources(version: TgiVersion | VllmVersion) -> Resources:
    """What one replica of a language model's server requests: a GPU a shard, and room on the host for the files of
    the weights as they are read (planning/capacity/memory/files.py).

    /dev/shm is memory of the container. Requests live on the device and are not counted here.
    """
    match version:
        case TgiVersion():
            shards = version.serving.num_shard
            own = tgi.ROUTER_MEMORY + tgi.SHARED_MEMORY + tgi.SHARD_MEMORY * shards
        case VllmVersion():
            shards = version.serving.tensor_parallel_size
            own = vllm.API_SERVER_MEMORY + vllm.SHARED_MEMORY + vllm.WORKER_MEMORY * shards
    return Resources(
        millicores=ROUTER_MILLICORES + SHARD_MILLICORES * shards,
        memory=_with_headroom(own + weight_files(version).memory),
        gpus=shards,
    )


def _with_headroom(memory: Bytes) -> Bytes:
    return Bytes(-(-memory * (100 + MEMORY_HEADROOM_PERCENT) // 100))


def node_resources(kind: InstanceType) -> Resources:
    """What pods can request on one node of this type; never more than the node will offer."""
    reserved = NODE_RESERVED_MEMORY + NODE_RESERVED_MEMORY_PER_POD * kind.max_pods
    beyond = max(0, kind.vcpus - 96) // 2 * NODE_RESERVED_MILLICORES_PER_2_VCPUS
    return Resources(
        millicores=kind.vcpus * 1000 - NODE_RESERVED_MILLICORES - beyond,
        memory=Bytes(kind.memory * NODE_MEMORY_PER_MILLE // 1000 - reserved),
        gpus=kind.gpu_count,
    )
