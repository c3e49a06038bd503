"""What the agent sees and what it remembers. Plain values; all that decides from them is in planner.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workloads.agent.configuration import Key, Version


@dataclass(frozen=True)
class Registered:
    """One version as TorchServe describes it."""

    key: Key
    """Its digest is read from the archive's file name, so it survives a restart of the agent; "" where somebody
    else registered the version."""
    ready: int
    """Workers that answer."""
    workers: int
    """Workers that TorchServe keeps, ready or not."""
    min_workers: int
    max_workers: int
    batch_size: int
    max_batch_delay_milliseconds: int
    response_timeout_seconds: int
    startup_timeout_seconds: int
    pending_requests: int = 0
    """Requests that wait in its queue; those being answered are not counted."""


@dataclass(frozen=True)
class ObservedModel:
    """One model in TorchServe. It always has a default: the first version registered, until another is set."""

    default: str
    versions: Mapping[str, Registered]


@dataclass(frozen=True)
class InForce:
    """The settings that a version's workers read when it was registered."""

    weights: str | None = None
    """Digest."""
    gpu_memory_fraction: float | None = None


@dataclass(frozen=True)
class Observed:
    """One look at TorchServe and at the disk."""

    answers: bool
    """False when TorchServe did not say; `models` is empty then and means nothing."""
    models: Mapping[str, ObservedModel] = field(default_factory=dict)
    archives: Mapping[str, int] = field(default_factory=dict)
    """Digest → bytes of each whole archive on disk."""
    weights: Mapping[str, int] = field(default_factory=dict)
    """Digest → bytes of all weights that are whole on disk."""
    begun_weights: frozenset[str] = frozenset()
    """Digests of which a fetch left only a part."""
    version_files: Mapping[tuple[str, str], InForce] = field(default_factory=dict)
    """(model, version) → what its file says."""

    def registered(self, key: Key) -> Registered | None:
        """The version, if TorchServe has it from that very archive."""
        model = self.models.get(key.model)
        found = model.versions.get(key.version) if model else None
        return found if found is not None and found.key == key else None

    def default_key(self, model: str) -> Key | None:
        """What answers requests without a version."""
        seen = self.models.get(model)
        return seen.versions[seen.default].key if seen and seen.default in seen.versions else None

    def all_keys(self) -> tuple[Key, ...]:
        """Every registered version."""
        return tuple(version.key for model in self.models.values() for version in model.versions.values())


@dataclass(frozen=True)
class Failure:
    """Why a step did not succeed."""

    stage: str
    """fetch, register, load, smoke, default, unregister, restart."""
    reason: str
    own_fault: bool
    """True where the version itself is to blame (corrupt, raising, missing): another pod would fail as well, so
    this pod's readiness does not wait for it. False for what is around it: the source, the disk, TorchServe."""


@dataclass(frozen=True)
class Record:
    """What is remembered of one key. Times are seconds of the machine's monotonic clock."""

    failures: int = 0
    """In a row; servable makes it 0."""
    failure: Failure | None = None
    retry_at: float = 0.0
    ours: bool = False
    """This agent registered it, and it was not servable since: nobody counts on it."""
    rejected: bool = False
    """It failed to load or to answer its smoke input since it was registered: it must go."""
    warmed: bool = False
    """Answered its smoke input since it was registered."""
    unready_since: float | None = None
    leaving_since: float | None = None

    @property
    def broken(self) -> bool:
        """Whether it failed by its own fault, and would anywhere."""
        return self.failure is not None and self.failure.own_fault


@dataclass(frozen=True)
class Memory:
    """What one look cannot tell. Kept on the volume; lost, the agent still converges, only more slowly."""

    records: Mapping[Key, Record] = field(default_factory=dict)
    known: Mapping[Key, Version] = field(default_factory=dict)
    """The configuration's versions, and those taken out of it that still have to serve or to drain."""
    last_default: Mapping[str, Key] = field(default_factory=dict)
    """Model → the last default that was servable: what a restarted TorchServe gets first."""
    unused_since: Mapping[str, float] = field(default_factory=dict)
    """Digest → since when nothing refers to the archive."""
    unused_weights_since: Mapping[str, float] = field(default_factory=dict)
    """Digest → since when no version needs the weights."""
    settled: bool = False
    """Every default was tried since TorchServe last came up empty."""

    def record(self, key: Key) -> Record:
        """What is remembered of it; an empty record for a new one."""
        return self.records.get(key, Record())


def on_disk(key: Key, observed: Observed, memory: Memory) -> bool:
    """Whether all that its registration needs is here, whole: its archive, and its weights."""
    spec = memory.known.get(key)
    weights = spec.weights if spec else None
    return key.digest in observed.archives and (weights is None or weights.digest in observed.weights)


def servable(key: Key, observed: Observed, memory: Memory) -> bool:
    """Whether a request for that version is answered now."""
    seen = observed.registered(key)
    return observed.answers and seen is not None and seen.ready > 0 and memory.record(key).warmed


def default_servable(model: str, observed: Observed, memory: Memory) -> bool:
    """Whether a request for the model without a version is answered now, by whichever version."""
    key = observed.default_key(model)
    return key is not None and servable(key, observed, memory)
