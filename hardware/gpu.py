"""The facts about a GPU model: its memory, its compute capability, its partitions.

A card's memory has three figures, each smaller than the card's name promises: what EC2 reports, what the driver
reports, and what a process can allocate. Plans use the last, `Gpu.usable`. None stands for a figure that nobody has
read; docs/hardware.md lists them.
"""

from dataclasses import dataclass
from typing import Final

from quantities import Bytes

DRIVER_RESERVE: Final = Bytes.mebibytes(1024)
"""The memory that the driver is assumed to keep of the total that it reports. Chosen: the most that was seen is 881
MiB, on an A100 80GB (81920 MiB, of which a process saw 79.14 GiB: text-generation-inference issue 1831);
`Gpu.seen_by_process` has one reading a card, and a test holds the reserve above every one of them."""


MIG_RESERVE: Final = Bytes.mebibytes(256)
"""The memory that a MIG instance is assumed to keep of the figure that `nvidia-smi mig -lgip` prints for it. Chosen:
nobody read the memory that a process can allocate in one; the instance of a whole card is listed with up to 0.14 GiB
more than a process sees there (an H100: 79.25 and 79.11 GiB), and a test holds the reserve above that on every card."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """An amount of memory that was read somewhere, on 2026-11-22."""

    memory: Bytes
    source: str


@dataclass(frozen=True, kw_only=True)
class MigProfile:
    """One size of the partitions that NVIDIA's Multi-Instance GPU cuts a card into.

    The profiles with media engines or graphics (`+me`, `+gfx`, `-me`) are left out: they differ in nothing that
    inference uses. The class does not say which sizes fit together on one card.
    """

    name: str
    """NVIDIA's name, which ends the device plugin's name of the resource: 1g.5gb → nvidia.com/mig-1g.5gb."""
    compute_slices: int
    """The number of compute slices, of the card's seven (four on an RTX PRO 6000)."""
    max_instances: int
    """The number of instances of this size on a card that holds no other size."""
    memory: Bytes | None
    """The figure that `nvidia-smi mig -lgip` prints, the smallest where drivers differ. None: no listing was read."""

    @property
    def usable(self) -> Bytes | None:
        """The memory that a process can allocate in one instance, its CUDA context included. None where `memory` is."""
        return None if self.memory is None else Bytes(self.memory - MIG_RESERVE)


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One model of GPU."""

    model: str
    ec2_name: str
    """The name in DescribeInstanceTypes, where both A100s are "A100"."""
    memory: Bytes
    """The memory that EC2 reports for one device. Sometimes more than there is; see `usable`."""
    compute_capability: tuple[int, int]
    """https://developer.nvidia.com/cuda-gpus"""
    driver_total: Reading | None
    """memory.total of nvidia-smi. None: no listing was read."""
    seen_by_process: Reading | None
    """The smallest total that CUDA was seen to report to a process, cut to whole MiB. None: no log was read."""
    mig_profiles: tuple[MigProfile, ...] | None
    """Smallest first. () where the card has no MIG; None where it has, but its profiles were not read."""
    mig_source: str

    @property
    def usable(self) -> Bytes | None:
        """The memory that one process can allocate, its CUDA context included: the driver's total less DRIVER_RESERVE.

        None where the driver's total is unknown; `memory` is no substitute, since EC2 overstates some cards.
        """
        if self.driver_total is None:
            return None
        return Bytes(self.driver_total.memory - DRIVER_RESERVE)

    def mig_profile(self, name: str) -> MigProfile | None:
        """The profile of that name, or None where this card has none or its profiles are unknown."""
        return next((profile for profile in self.mig_profiles or () if profile.name == name), None)
