"""What a version needs on each GPU, whether that is there, and what to change where it is not
(docs/memory-model.md)."""

from planning.capacity.memory.breakdown import MemoryEstimate, Part, PartName
from planning.capacity.memory.changes import ChangeKind
from planning.capacity.memory.estimate import estimate, gpus_needed
from planning.capacity.memory.files import WeightFiles, weight_files
from planning.capacity.memory.fit import Change, Fit, fits
from planning.capacity.memory.gpu import GpuMemory
from planning.capacity.memory.shape import ModelShape
from planning.capacity.memory.torchserve import allocator_fraction
from planning.capacity.memory.vllm import told_of_share

__all__ = [
    "Change",
    "ChangeKind",
    "Fit",
    "GpuMemory",
    "MemoryEstimate",
    "ModelShape",
    "Part",
    "PartName",
    "WeightFiles",
    "allocator_fraction",
    "estimate",
    "fits",
    "gpus_needed",
    "told_of_share",
    "weight_files",
]
