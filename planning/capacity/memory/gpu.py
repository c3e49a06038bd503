"""The one thing that memory planning needs to know of a GPU."""

from dataclasses import dataclass
from typing import Self

from hardware import Gpu
from quantities import Bytes


@dataclass(frozen=True, kw_only=True)
class GpuMemory:
    """A card, a MIG instance, or any other device that a process has for itself or shares by a plan."""

    name: str
    """As the reader knows it: T4, or g4dn.xlarge where the machine is what one can choose."""
    usable: Bytes
    """What processes can allocate on one device, CUDA contexts included. Engines' fractions are taken of it; they
    themselves take them of CUDA's total, which is never less."""
    compute_capability: tuple[int, int]
    model: str | None = None
    """The card where `name` is something else: engines choose some defaults by it."""

    @property
    def card(self) -> str:
        """In capitals, without blanks and hyphens, as in A10080GB."""
        return (self.model or self.name).upper().replace(" ", "").replace("-", "")

    def part(self, fraction: float) -> Bytes:
        """So much of `usable`, in whole bytes, never more."""
        return Bytes(int(int(self.usable) * fraction))

    @classmethod
    def of(cls, gpu: Gpu, name: str | None = None) -> Self | None:
        """A model of the hardware tables, or None where its memory is unknown."""
        if gpu.usable is None:
            return None
        return cls(
            name=name or gpu.model,
            usable=gpu.usable,
            compute_capability=gpu.compute_capability,
            model=gpu.model,
        )
