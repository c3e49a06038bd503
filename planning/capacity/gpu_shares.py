"""Parts of a GPU that a node offers as devices of their own: MIG instances and time slices.

A device is what Kubernetes counts as nvidia.com/gpu. A pool of shares is one more kind of machine to choose from, with
more and smaller GPUs. Every card of a node is divided alike, since Bottlerocket knows no other way
(https://github.com/bottlerocket-os/bottlerocket/issues/4483, read 2026-11-22).
"""

import re
from dataclasses import dataclass
from typing import Final

from hardware import MIG_INSTANCE_TYPES, Gpu, InstanceType, MigProfile, instance_type
from planning.capacity.errors import PlanningError

BOTTLEROCKET_MODELS: Final = {
    "A100-40GB": "a100.40gb",
    "A100-80GB": "a100.80gb",
    "H100": "h100.80gb",
    "H200": "h200.141gb",
    "B200": "b200.180gb",
}
"""`Gpu.model` → Bottlerocket's word for it in settings.kubelet-device-plugins.nvidia.mig.profile: those that its MIG
manager recognises (sources/nvidia-migmanager/src/main.rs of bottlerocket-core-kit, read 2026-11-22). Its later versions
know B300 and RTX PRO 6000 too; how they are spelled was not read, so both are refused here."""

_TIME_SLICED: Final = re.compile(r"time-sliced-(?P<replicas>[1-9]\d?)")
_MIG: Final = re.compile(r"mig-(?P<profile>\d+g\.\d+gb)")


class GpuShareError(PlanningError, ValueError):
    """A share that this type of machine does not have."""


@dataclass(frozen=True, kw_only=True)
class MigInstances:
    """Each card is cut into as many equal instances as it holds. The hardware keeps memory and faults apart."""

    profile: MigProfile

    @property
    def name(self) -> str:
        """mig-3g.20gb: valid as a label's value, and with hyphens for dots in a pool's name."""
        return f"mig-{self.profile.name}"

    @property
    def devices(self) -> int:
        """Of each card."""
        return self.profile.max_instances

    @property
    def part(self) -> float:
        """Of the device that a process finds: all of it, the instance being the device."""
        return 1.0

    def __str__(self) -> str:
        return f"one of {self.devices} MIG instances {self.profile.name}"


@dataclass(frozen=True, kw_only=True)
class TimeSlices:
    """Each card is offered several times over, and its time goes round. Nothing keeps memory or faults apart."""

    devices: int
    """Of each card."""

    @property
    def name(self) -> str:
        """time-sliced-2: valid in a pool's name and as a label's value."""
        return f"time-sliced-{self.devices}"

    @property
    def part(self) -> float:
        """Of the device that a process finds, which is the whole card."""
        return 1 / self.devices

    def __str__(self) -> str:
        return f"1/{self.devices} of a GPU in time slices"


GpuShare = MigInstances | TimeSlices


@dataclass(frozen=True, kw_only=True)
class GpuNodes:
    """A kind of node with GPUs."""

    instance_type: InstanceType
    share: GpuShare | None
    """What one of its devices is; None for a whole GPU."""


def shared_name(type_name: str, share: GpuShare | None) -> str:
    """As slipway:gpuNodes writes it: g5.xlarge, or g5.xlarge/time-sliced-2."""
    return f"{type_name}/{share.name}" if share else type_name


def gpu_nodes(name: str) -> GpuNodes:
    """The reverse of `shared_name`.

    Raises GpuShareError, with "; " before the fix, where the type has no such share, and UnknownInstanceTypeError.
    """
    type_name, _, share = name.partition("/")
    kind = instance_type(type_name)
    if kind.gpu is None:
        raise GpuShareError(f"{type_name!r} has no GPU; take one that has, as in g4dn.xlarge")
    return GpuNodes(instance_type=kind, share=_share(kind, kind.gpu, share) if "/" in name else None)


def _share(kind: InstanceType, gpu: Gpu, name: str) -> GpuShare:
    if found := _TIME_SLICED.fullmatch(name):
        return _time_slices(kind, int(found["replicas"]))
    if found := _MIG.fullmatch(name):
        return _mig_instances(kind, gpu, found["profile"])
    raise GpuShareError(
        f"{kind.name}/{name} names no share; write {kind.name} for whole GPUs, {kind.name}/time-sliced-2 for two "
        f"servers a GPU{_mig_example(kind, gpu)}"
    )


def _time_slices(kind: InstanceType, devices: int) -> TimeSlices:
    if devices < 2:
        raise GpuShareError(f"{kind.name}/time-sliced-{devices} divides nothing; write {kind.name}")
    return TimeSlices(devices=devices)


def _mig_instances(kind: InstanceType, gpu: Gpu, name: str) -> MigInstances:
    where = f"{kind.name}/mig-{name}"
    if gpu.mig_profiles == ():
        raise GpuShareError(
            f"{where}: the {gpu.model} has no MIG; take time-sliced-2, or p4d.24xlarge/mig-3g.20gb"
        )
    if kind.name not in MIG_INSTANCE_TYPES:
        known = ", ".join(sorted(filter(_has_mig_profiles, MIG_INSTANCE_TYPES)))
        raise GpuShareError(f"{where}: whether {kind.name} takes MIG was read nowhere; take one of {known}")
    if gpu.model not in BOTTLEROCKET_MODELS:
        raise GpuShareError(
            f"{where}: how Bottlerocket spells the {gpu.model} in its MIG settings was read nowhere; take another type"
        )
    offered = mig_profiles(gpu)
    profile = next((profile for profile in offered if profile.name == name), None)
    if profile is None:
        names = ", ".join(f"mig-{profile.name} ({profile.max_instances} a card)" for profile in offered)
        raise GpuShareError(f"{where} is none of the shares of the {gpu.model}; write one of {names}")
    return MigInstances(profile=profile)


def mig_profiles(gpu: Gpu) -> tuple[MigProfile, ...]:
    """Those that can be planned with: Bottlerocket cuts them, they are a part of the card, and their memory was read.

    Bottlerocket's MIG manager has no profile of four slices, and takes the whole card for one that it does not know
    (`serde(other)` in sources/nvidia-migmanager/src/mig_profile.rs of bottlerocket-core-kit, read 2026-11-22).
    """
    return tuple(
        profile
        for profile in gpu.mig_profiles or ()
        if gpu.model in BOTTLEROCKET_MODELS and profile.max_instances > 1 and profile.memory is not None
    )


def _has_mig_profiles(type_name: str) -> bool:
    gpu = instance_type(type_name).gpu
    return gpu is not None and bool(mig_profiles(gpu))


def _mig_example(kind: InstanceType, gpu: Gpu) -> str:
    profiles = mig_profiles(gpu) if kind.name in MIG_INSTANCE_TYPES else ()
    return f", or one of {', '.join(f'mig-{profile.name}' for profile in profiles)}" if profiles else ""
