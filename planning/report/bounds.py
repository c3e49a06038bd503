"""What keeps a version within its part of a GPU's memory."""

from hardware import InstanceType
from planning.capacity.gpu_shares import GpuShare, MigInstances, TimeSlices
from planning.report.content import Held, MemoryBound
from planning.server import ModelPlan
from planning.servers import Server
from planning.text_generation_servers import TextGenerationPlan
from planning.torchserve_servers import TorchServeModelPlan, TorchServePlan

_NEIGHBOURS = "a fault of one of its processes ends its neighbours' too"


def memory_bound(
    server: Server, model: ModelPlan, kind: InstanceType, share: GpuShare | None
) -> MemoryBound | None:
    """Of one version in the server. None where it has no GPU.

    A version that shares a TorchServe server and has our handler is held by PyTorch's allocator, which the handler
    tells its part before it loads: a limit that code keeps and hardware does not, as vLLM's arguments are. An archive
    that brings its own handler is told nothing.
    """
    if kind.gpu is None or not server.resources.gpus:
        return None
    match server, share:
        case TorchServePlan(models=models), _ if len(models) > 1:
            if isinstance(model, TorchServeModelPlan) and model.gpu_memory_fraction is not None:
                return MemoryBound(
                    held=Held.ENFORCED,
                    by=f"PyTorch's allocator as our handler sets it, not hardware: {model.gpu_memory_fraction:.1%} of "
                    "the GPU for each worker, its CUDA context beside that",
                )
            return MemoryBound(
                held=Held.TRUSTED,
                by=f"{len(models)} versions share one server, and TorchServe limits none whose archive brings its own "
                "handler",
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
