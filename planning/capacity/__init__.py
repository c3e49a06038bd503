"""How much of the hardware the catalog needs."""

from planning.capacity.memory import (
    Change,
    ChangeKind,
    Fit,
    GpuMemory,
    MemoryEstimate,
    Part,
    PartName,
    estimate,
    fits,
    gpus_needed,
)

__all__ = [
    "Change",
    "ChangeKind",
    "Fit",
    "GpuMemory",
    "MemoryEstimate",
    "Part",
    "PartName",
    "estimate",
    "fits",
    "gpus_needed",
]
