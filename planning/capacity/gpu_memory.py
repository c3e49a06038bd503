"""Which GPUs have more memory than one that is too small."""

from hardware import INSTANCE_TYPES
from planning.capacity import GpuMemory


def larger_gpus(gpu: GpuMemory, gpus: int) -> tuple[GpuMemory, ...]:
    """The smallest machine of each GPU that has more memory, with enough of them; smaller machines first."""
    kinds = sorted(
        (kind for kind in INSTANCE_TYPES.values() if kind.gpu_count >= gpus),
        key=lambda kind: (kind.gpu_count, kind.vcpus, kind.memory, kind.name),
    )
    smallest: dict[str, GpuMemory] = {}
    for kind in kinds:
        other = GpuMemory.of(kind.gpu, kind.name) if kind.gpu else None
        if other is not None and other.usable > gpu.usable:
            smallest.setdefault(other.card, other)
    return tuple(smallest.values())
