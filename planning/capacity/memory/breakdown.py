"""The memory of one GPU, part by part, with where each figure comes from."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from planning.capacity.memory.gpu import GpuMemory
from quantities import Bytes

_GIB: Final = 1024**3
_NOTHING: Final = Bytes(0)


class PartName(StrEnum):
    """What memory is for."""

    WEIGHTS = "weights"
    KV_CACHE = "kv_cache"
    ACTIVATIONS = "activations"
    ADAPTERS = "adapters"
    GRAPHS = "graphs"
    FRAMEWORK = "framework"
    """CUDA contexts, NCCL's buffers and what else lies outside of PyTorch's allocator."""
    RESERVE = "reserve"
    """What the engine leaves unused by its settings, or the margin on somebody's estimate."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part."""

    name: PartName
    memory: Bytes
    source: str
    """What the figure was made of, in words."""
    assumption: str = ""
    """What nobody said and was taken to be large, and the key that replaces it: a refusal names it."""


@dataclass(frozen=True, kw_only=True)
class MemoryEstimate:
    """What one server needs on each of its GPUs so that it starts and holds the requests it was asked to hold."""

    gpu: GpuMemory
    gpus: int
    share: float
    """Of each GPU, that the server may take."""
    parts: tuple[Part, ...]
    tokens: int | None
    """KV tokens that fit in all: those of every request together. None where nobody can say: TorchServe, and a model
    whose architecture is not known."""
    claimed: Bytes
    """What the server holds on each GPU once it runs, wanted or not: vLLM and TGI fill the rest of their fraction
    with KV cache. For placement beside others this counts, not `total`."""
    missing: Bytes = _NOTHING
    """What a setting gives the KV cache too little for the requests that it must hold, however much is free."""
    fraction: float | None = None
    """gpu_memory_utilization or cuda_memory_fraction that the estimate holds for. None: TorchServe has no such
    limit."""

    def __getitem__(self, name: PartName) -> Bytes:
        return next((part.memory for part in self.parts if part.name is name), Bytes(0))

    @property
    def weights(self) -> Bytes:
        """Of one GPU, as all parts are."""
        return self[PartName.WEIGHTS]

    @property
    def kv_cache(self) -> Bytes:
        """Of the tokens that were asked for, not of those that fit."""
        return self[PartName.KV_CACHE]

    @property
    def activations(self) -> Bytes:
        """The peak of one step."""
        return self[PartName.ACTIVATIONS]

    @property
    def adapters(self) -> Bytes:
        """LoRA adapters that are on the GPU at once."""
        return self[PartName.ADAPTERS]

    @property
    def graphs(self) -> Bytes:
        """CUDA graphs."""
        return self[PartName.GRAPHS]

    @property
    def framework(self) -> Bytes:
        """CUDA contexts and communication."""
        return self[PartName.FRAMEWORK]

    @property
    def reserve(self) -> Bytes:
        """Left unused."""
        return self[PartName.RESERVE]

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What was assumed of any part."""
        return tuple(part.assumption for part in self.parts if part.assumption)

    @property
    def total(self) -> Bytes:
        """All parts."""
        return Bytes(sum(part.memory for part in self.parts))

    @property
    def usable(self) -> Bytes:
        """What the server may take of each GPU."""
        return self.gpu.part(self.share)

    @property
    def fits(self) -> bool:
        """Whether all parts are within what the server may take, and the settings leave the KV cache its part."""
        return self.shortage == 0

    @property
    def shortage(self) -> Bytes:
        """By how much they are not. 0B where they are."""
        return Bytes(max(0, self.total - self.usable, self.missing))

    def __str__(self) -> str:
        """weights 13.5 + KV 2.0 + overhead 1.2 of 14.6 GiB usable"""
        overhead = self.total - self.weights - self.kv_cache - self.reserve
        sums = {"weights": self.weights, "KV": self.kv_cache, "overhead": overhead, "kept free": self.reserve}
        shown = " + ".join(f"{name} {amount / _GIB:.1f}" for name, amount in sums.items() if amount)
        return f"{shown} of {self.usable / _GIB:.1f} GiB usable"


def gibibytes(amount: int) -> str:
    """As people read it: 3.1 GiB, rounded up so that a shortage is never shown as none."""
    return f"{-(-amount * 10 // _GIB) / 10:.1f} GiB"
