"""One door for every engine."""

from engines import tgi, vllm
from model_catalog import TgiVersion, TorchServeVersion, Version, VllmVersion
from planning.capacity.memory.breakdown import MemoryEstimate
from planning.capacity.memory.gpu import GpuMemory
from planning.capacity.memory.tgi import estimate_tgi
from planning.capacity.memory.torchserve import estimate_torchserve
from planning.capacity.memory.vllm import estimate_vllm


def estimate(
    version: Version, gpu: GpuMemory, *, gpus: int | None = None, share: float = 1.0, concurrency: int = 1
) -> MemoryEstimate:
    """What `version` needs on each of its GPUs.

    `gpus` are those of one server: left out, one for TorchServe, and as many as the version splits its model over for
    TGI and vLLM, which use no others. `share`, above 0 and up to 1, is what the server may take of each.
    `concurrency` requests of full length are to fit into the KV cache at once; engines themselves ask for one.
    TorchServe takes batch_size for that.

    Raises ValueError where a number is none of these.
    """
    if not 0 < share <= 1:
        raise ValueError(f"{share:g} is no share of a GPU; give a number above 0 and up to 1")
    if concurrency < 1:
        raise ValueError(f"{concurrency} requests at once are none; give 1 or more")
    if gpu.usable < 1:
        raise ValueError(f"{gpu.name} has no usable memory; leave it out")
    needed = gpus_needed(version)
    if gpus is not None and gpus < needed:
        raise ValueError(f"the model is split over {needed} GPUs and the server has {gpus}; give it {needed}")
    match version:
        case TorchServeVersion():
            return estimate_torchserve(version, gpu, gpus=gpus or 1, share=share)
        case TgiVersion():
            return estimate_tgi(version, gpu, share=share, concurrency=concurrency)
        case VllmVersion():
            return estimate_vllm(version, gpu, share=share, concurrency=concurrency)


def runs_on(version: Version, gpu: GpuMemory) -> bool:
    """Whether the GPU is new enough for the engine, the precision and the quantization, as far as engines tell."""
    match version:
        case TorchServeVersion():
            return True
        case TgiVersion(serving=options, precision=precision, quantization=quantization):
            needed = tgi.compute_capability(options, precision, quantization)
        case VllmVersion(serving=options, precision=precision, quantization=scheme):
            needed = vllm.compute_capability(options, precision, scheme)
    return needed <= gpu.compute_capability


def gpus_needed(version: Version) -> int:
    """GPUs without which one server does not start."""
    match version:
        case TorchServeVersion():
            return 1
        case TgiVersion():
            return version.serving.num_shard
        case VllmVersion():
            return version.serving.tensor_parallel_size
