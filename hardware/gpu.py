"""What is known of a model of GPU: how much memory, which instructions, which partitions.

Three figures for the memory of one card, each smaller than its name promises: what EC2 reports, what the driver
reports, and what a process can allocate. Plans use the last, `Gpu.usable`. None stands for a figure that nobody has
read; docs/hardware.md lists them.
"""

from dataclasses import dataclass
from typing import Final

from quantities import Bytes

DRIVER_RESERVE: Final = Bytes.mebibytes(1024)
"""Chosen: what the driver is taken to keep of the total that it reports itself. The most that was seen is 881 MiB, on
an A100 80GB (81920 MiB, of which a process saw 79.14 GiB: text-generation-inference issue 1831);
`Gpu.seen_by_process` has one reading a card, and a test holds the reserve above every one of them."""


MIG_RESERVE: Final = Bytes.mebibytes(256)
"""Chosen: what a MIG instance is taken to keep of what `nvidia-smi mig -lgip` prints for it. Nobody read what a process
can allocate in one; the instance of a whole card is listed with up to 0.14 GiB more than a process sees there (an H100:
79.25 and 79.11 GiB), and a test holds the reserve above that on every card."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """An amount of memory that was read somewhere, on 2026-11-22."""

    memory: Bytes
    source: str


@dataclass(frozen=True, kw_only=True)
class MigProfile:
    """One size of the partitions that NVIDIA's Multi-Instance GPU cuts a card into.

    The profiles with media engines or graphics (`+me`, `+gfx`, `-me`) are left out: they differ in nothing that
    inference uses. Which sizes go together on one card is not told here.
    """

    name: str
    """As NVIDIA writes it, and as the device plugin names the resource: 1g.5gb → nvidia.com/mig-1g.5gb."""
    compute_slices: int
    """Of the seven (four on an RTX PRO 6000) that compute is cut into."""
    max_instances: int
    """How many of this size one card holds when it holds no other."""
    memory: Bytes | None
    """What `nvidia-smi mig -lgip` prints, the smallest figure where drivers differ. None: no listing was read."""

    @property
    def usable(self) -> Bytes | None:
        """What a process can allocate in one instance, its CUDA context included. None where `memory` is."""
        return None if self.memory is None else Bytes(self.memory - MIG_RESERVE)


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One model of GPU."""

    model: str
    ec2_name: str
    """As DescribeInstanceTypes spells it: both A100s are "A100" there."""
    memory: Bytes
    """As EC2 reports it for one device, which is sometimes more than there is; see `usable`."""
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
        """What one process can allocate, its CUDA context included: the driver's total less DRIVER_RESERVE.

        None where the driver's total is unknown; `memory` is no substitute, since EC2 overstates some cards.
        """
        if self.driver_total is None:
            return None
        return Bytes(self.driver_total.memory - DRIVER_RESERVE)

    def mig_profile(self, name: str) -> MigProfile | None:
        """The profile of that name, or None where this card has none or its profiles are unknown."""
        return next((profile for profile in self.mig_profiles or () if profile.name == name), None)
