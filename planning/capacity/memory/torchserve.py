"""TorchServe: every worker is a process with its own CUDA context and its own copy of the model."""

from fractions import Fraction
from typing import Final

from model_catalog import TorchServeVersion
from planning.capacity.memory.breakdown import MemoryEstimate, Part, PartName
from planning.capacity.memory.gpu import GpuMemory
from planning.capacity.memory.overheads import CUDA_CONTEXT
from quantities import Bytes

MARGIN_PERCENT: Final = 25
"""On weights and requests that nobody measured. Chosen: as much as the plan adds to a worker's host memory."""
_FRACTION_STEPS: Final = 10_000


def estimate_torchserve(
    version: TorchServeVersion, gpu: GpuMemory, *, gpus: int = 1, share: float = 1.0
) -> MemoryEstimate:
    """Of the GPU with the most workers of the version.

    TorchServe gives workers to GPUs in turn (GPUManager in its frontend). It sets no limit on what a worker takes: the
    adapter of our handlers does, by `allocator_fraction`.
    """
    workers = -(-version.serving.worker_limit // gpus)
    memory, batch = version.memory, version.serving.batch_size
    weights = memory.weights * workers
    requests = memory.per_request * batch * workers
    if memory.measured is None:
        said = "an estimate in the catalog"
        margin = Bytes((weights + requests) * MARGIN_PERCENT // 100)
        margin_source = f"{MARGIN_PERCENT} % on what was not measured"
    else:
        said = f"measured on {memory.measured.date}: {memory.measured.machine}"
        margin, margin_source = Bytes(0), "none: the catalog's figures were measured"
    parts = (
        Part(name=PartName.WEIGHTS, memory=weights, source=f"{workers} workers x {memory.weights}; {said}"),
        Part(
            name=PartName.ACTIVATIONS,
            memory=requests,
            source=f"{workers} workers x {batch} requests x {memory.per_request}; {said}",
        ),
        Part(
            name=PartName.FRAMEWORK,
            memory=CUDA_CONTEXT * workers,
            source=f"{workers} CUDA contexts of {CUDA_CONTEXT}, chosen",
        ),
        Part(name=PartName.RESERVE, memory=margin, source=margin_source),
    )
    return MemoryEstimate(
        gpu=gpu,
        gpus=gpus,
        share=share,
        parts=parts,
        tokens=None,
        claimed=Bytes(sum(part.memory for part in parts)),
    )


def allocator_fraction(version: TorchServeVersion, gpu: GpuMemory) -> float:
    """The part of the device that PyTorch's allocator of one worker may take: its weights, a batch, the margin.

    The CUDA context is outside of the allocator, and so of the fraction. PyTorch takes the fraction of CUDA's total,
    which is never less than `usable` (hardware/gpu.py), so what it allows is never less than what was planned, and
    more by what the two differ. Rounded up to a ten-thousandth.
    """
    own = version.memory.weights + version.memory.per_request * version.serving.batch_size
    margin = 0 if version.memory.measured else own * MARGIN_PERCENT // 100
    steps = -(-Fraction(int(own + margin), int(gpu.usable)) * _FRACTION_STEPS // 1)
    return min(1.0, int(steps) / _FRACTION_STEPS)
