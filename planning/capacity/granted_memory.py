"""What a server may take of the device that its node offers it, and what it is told so that it takes no more."""

from hardware import InstanceType
from model_catalog import Version, VllmVersion
from planning.capacity import GpuMemory, told_of_share
from planning.capacity.gpu_shares import GpuShare, MigInstances, TimeSlices, shared_name
from quantities import Bytes


def device_memory(kind: InstanceType, share: GpuShare | None) -> GpuMemory | None:
    """What a process finds as its GPU: on time slices that is the whole card. None where nobody has read it."""
    if kind.gpu is None:
        return None
    name = shared_name(kind.name, share)
    if isinstance(share, MigInstances):
        usable = share.profile.usable
        if usable is None:
            return None
        return GpuMemory(
            name=name,
            usable=usable,
            compute_capability=kind.gpu.compute_capability,
            model=kind.gpu.model,
        )
    return GpuMemory.of(kind.gpu, name)


def part_of_device(share: GpuShare | None) -> float:
    """What one server may take of what a process finds."""
    return share.part if share else 1.0


def granted_memory(kind: InstanceType, share: GpuShare | None) -> Bytes | None:
    """What one server may take of one device. None where nobody has read it."""
    memory = device_memory(kind, share)
    return memory.part(part_of_device(share)) if memory else None


def as_granted(version: Version, kind: InstanceType, share: GpuShare | None) -> Version:
    """The version with what its engine must be told of its share; unchanged where the hardware sees to that."""
    memory = device_memory(kind, share)
    if isinstance(version, VllmVersion) and isinstance(share, TimeSlices) and memory is not None:
        return told_of_share(version, memory, share.part)
    return version
