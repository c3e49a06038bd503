"""Whether a version fits, and where it does not: by how much, and which single change would help."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from model_catalog import TorchServeVersion, Version
from planning.capacity.memory.breakdown import MemoryEstimate, gibibytes
from planning.capacity.memory.changes import ChangeKind, candidates
from planning.capacity.memory.estimate import estimate, gpus_needed, runs_on
from planning.capacity.memory.gpu import GpuMemory
from quantities import Bytes


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change after which the version fits, by this very model, on a GPU new enough for it."""

    kind: ChangeKind
    key: str
    """What to change, as in max_model_len."""
    value: str
    """What to write there; or the GPU to choose."""
    note: str
    """What it costs or needs; may be empty."""
    version: Version
    """As it would be."""
    estimate: MemoryEstimate

    def __str__(self) -> str:
        return _one_of((self,))


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The answer for one version on one kind of GPU."""

    estimate: MemoryEstimate
    changes: tuple[Change, ...]
    """One of each kind but quantizations and GPUs, of which all are named. () where the version fits, and where no
    single change is enough."""

    @property
    def fits(self) -> bool:
        """Whether the version needs no change."""
        return self.estimate.fits

    @property
    def shortage(self) -> Bytes:
        """What is missing on each GPU; 0B where nothing is."""
        return self.estimate.shortage

    def __str__(self) -> str:
        """One line, for people."""
        found = self.estimate
        where = f"{found.gpus} x {found.gpu.name}" if found.gpus > 1 else found.gpu.name
        if self.fits:
            return f"fits on {where}: {found}"
        remedy = (
            f"it fits with one of: {_one_of(self.changes)}"
            if self.changes
            else "no single change that was tried makes it fit"
        )
        return "; ".join(
            (f"short by {gibibytes(self.shortage)} on {where}: {found}", remedy, *found.assumptions)
        )


def fits(
    version: Version,
    gpu: GpuMemory,
    count: int | None = None,
    share: float = 1.0,
    *,
    concurrency: int = 1,
    alternatives: Sequence[GpuMemory] = (),
) -> Fit:
    """Whether `version` fits on `count` GPUs of this kind, each with `share` of it for this server.

    Numbers are those of `estimate`. `alternatives` are the GPUs, or machines, that may be chosen instead; of those that
    hold the version all are named, in the order given. Every change named was tried with `estimate`.
    """
    found = estimate(version, gpu, gpus=count, share=share, concurrency=concurrency)
    if found.fits:
        return Fit(estimate=found, changes=())
    tried = _tried(version, gpu, count, share, concurrency, alternatives)
    kept: list[Change] = []
    for change in tried:
        many = change.kind in {ChangeKind.GPU, ChangeKind.QUANTIZATION}
        if (
            change.estimate.fits
            and runs_on(change.version, change.estimate.gpu)
            and (many or all(change.kind is not other.kind for other in kept))
        ):
            kept.append(change)
    return Fit(estimate=found, changes=tuple(kept))


def _tried(
    version: Version,
    gpu: GpuMemory,
    count: int | None,
    share: float,
    concurrency: int,
    alternatives: Sequence[GpuMemory],
) -> Iterator[Change]:
    for fewer in range(0 if isinstance(version, TorchServeVersion) else concurrency - 1, 0, -1):
        yield Change(
            kind=ChangeKind.CONCURRENCY,
            key="requests of full length at once:",
            value=str(fewer),
            note="more requests wait",
            version=version,
            estimate=estimate(version, gpu, gpus=count, share=share, concurrency=fewer),
        )
    for candidate in candidates(version, gpu.compute_capability):
        gpus = count if count is None else max(count, gpus_needed(candidate.version))
        yield Change(
            kind=candidate.kind,
            key=candidate.key,
            value=candidate.value,
            note=candidate.note,
            version=candidate.version,
            estimate=estimate(candidate.version, gpu, gpus=gpus, share=share, concurrency=concurrency),
        )
    for other in alternatives:
        if other != gpu:
            yield Change(
                kind=ChangeKind.GPU,
                key="on",
                value=other.name,
                note="",
                version=version,
                estimate=estimate(version, other, gpus=count, share=share, concurrency=concurrency),
            )


def _one_of(changes: Sequence[Change]) -> str:
    """quantization awq, gptq (needs such weights); on A10G, L4"""
    grouped: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        grouped.setdefault((change.key, change.note), []).append(change.value)
    return "; ".join(
        f"{key} {', '.join(values)} ({note})" if note else f"{key} {', '.join(values)}"
        for (key, note), values in grouped.items()
    )
