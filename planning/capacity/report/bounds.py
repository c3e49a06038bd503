"""What keeps a server within its part of a GPU's memory."""

from hardware import InstanceType
from planning.capacity.report.content import Held, MemoryBound
from planning.gpu_shares import GpuShare, MigInstances, TimeSlices
from planning.servers import Server
from planning.text_generation_servers import TextGenerationPlan
from planning.torchserve_servers import TorchServePlan

_NEIGHBOURS = "a fault of one of its processes ends its neighbours' too"


def memory_bound(server: Server, kind: InstanceType, share: GpuShare | None) -> MemoryBound | None:
    """Of every version in the server. None where it has no GPU."""
    if kind.gpu is None or not server.resources.gpus:
        return None
    match server, share:
        case TorchServePlan(models=models), _ if len(models) > 1:
            return MemoryBound(
                held=Held.TRUSTED,
                by=f"{len(models)} versions share one server, and TorchServe limits none of them",
            )
        case TextGenerationPlan(), TimeSlices():
            return MemoryBound(
                held=Held.ENFORCED,
                by=f"vLLM's arguments, not hardware: {share}, and {_NEIGHBOURS}",
            )
        case _, MigInstances():
            return MemoryBound(held=Held.ENFORCED, by=f"hardware: {share}")
        case _:
            gpus = server.resources.gpus
            return MemoryBound(
                held=Held.ENFORCED, by=f"hardware: {gpus} whole GPUs" if gpus > 1 else "hardware: a whole GPU"
            )
