"""How what is remembered changes: with each look, and with each outcome. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from workloads.agent.configuration import Configuration, Key, Version
from workloads.agent.state import Failure, Memory, Observed, Record, default_servable, on_disk, servable
from workloads.agent.steps import (
    DISK_STEPS,
    Fetch,
    FetchWeights,
    Load,
    Outcome,
    Register,
    Restart,
    Unregister,
    VersionStep,
    Warm,
)

FIRST_RETRY = 2.0
LONGEST_RETRY = 300.0
"""Seconds between attempts: doubled from the first to the longest."""


def retry_delay(failures: int, longest: float = LONGEST_RETRY) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(FIRST_RETRY * 2.0 ** min(failures - 1, 30), longest)


def look(desired: Configuration, observed: Observed, memory: Memory, now: float) -> Memory:
    """What is remembered after a look. A look that TorchServe did not answer changes only what is wanted."""
    known = _known(desired, observed, memory)
    kept = {*known, *observed.all_keys()} if observed.answers else {*known, *memory.records}
    before = replace(memory, known=known)
    records = {key: _seen(key, desired, observed, before, memory, now) for key in kept}
    memory = replace(
        before,
        records=records,
        unused_since=_unused(
            memory.unused_since, observed.archives, _used_archives(observed, memory, known), now
        ),
        unused_weights_since=_unused(
            memory.unused_weights_since,
            {*observed.weights, *observed.begun_weights},
            _used_weights(observed, known),
            now,
        ),
        last_default=_last_default(observed, replace(before, records=records)),
    )
    return replace(memory, settled=_settled(desired, observed, memory))


def _known(desired: Configuration, observed: Observed, memory: Memory) -> dict[Key, Version]:
    """The configured versions, and those taken out that still serve, drain, or have to come back."""
    known = desired.versions()
    for key, spec in memory.known.items():
        if key in known:
            continue
        needed = memory.record(key).leaving_since is None and memory.last_default.get(key.model) == key
        if (
            not observed.answers
            or observed.registered(key) is not None
            or (needed and key.model in desired.models)
        ):
            known[key] = replace(spec, default=False)
    return known


def _seen(
    key: Key, desired: Configuration, observed: Observed, memory: Memory, earlier: Memory, now: float
) -> Record:
    record = earlier.record(key)
    record = replace(
        record, retry_at=min(record.retry_at, now + LONGEST_RETRY)
    )  # it was stored, and may be anything
    if key in earlier.known and memory.known.get(key) != earlier.known[key]:
        record = replace(record, retry_at=min(record.retry_at, now))  # repaired, perhaps
    if record.failure is not None and record.failure.stage == "fetch" and on_disk(key, observed, memory):
        record = replace(record, failure=None, retry_at=0.0)  # another version fetched what they share
    if observed.answers:
        record = _registration_seen(key, observed, memory, record, now)
    return replace(record, leaving_since=_leaving(key, desired, observed, earlier, now))


def _registration_seen(key: Key, observed: Observed, memory: Memory, record: Record, now: float) -> Record:
    seen = observed.registered(key)
    if seen is None:
        return replace(record, ours=False, rejected=False, warmed=False, unready_since=None)
    spec = memory.known.get(key)
    enough = seen.ready >= (spec.min_workers if spec else 1)
    if enough and record.warmed and _about_fetching(record) and not on_disk(key, observed, memory):
        # it serves; what it lacks is asked for with pauses
        return replace(record, ours=False, unready_since=None)
    if enough and record.warmed:
        return replace(record, failures=0, failure=None, retry_at=0.0, ours=False, unready_since=None)
    since = record.unready_since if record.unready_since is not None else now
    return replace(record, unready_since=None if enough else min(since, now))


def _leaving(
    key: Key, desired: Configuration, observed: Observed, earlier: Memory, now: float
) -> float | None:
    """Since when it drains: out of the configuration, and another version answers in its place."""
    since = earlier.record(key).leaving_since
    if key in desired.versions():
        return None
    if since is not None:
        return min(since, now)  # it was stored, and must not prolong the drain
    if key.model not in desired.models:
        return now
    current = observed.default_key(key.model)
    replaced = current is not None and current != key and servable(current, observed, earlier)
    return now if replaced else None


def _used_archives(observed: Observed, memory: Memory, known: Mapping[Key, Version]) -> set[str]:
    used = {key.digest for key in known} | {key.digest for key in observed.all_keys()}
    return used if observed.answers else used | {key.digest for key in memory.records}


def _used_weights(observed: Observed, known: Mapping[Key, Version]) -> set[str]:
    """The digests that versions shall have, and those that registered ones have read; perhaps every file's, where
    TorchServe does not say which are registered."""
    registered = {(key.model, key.version) for key in observed.all_keys()}
    named = {
        file.weights
        for name, file in observed.version_files.items()
        if file.weights and (name in registered or not observed.answers)
    }
    return named | {spec.weights.digest for spec in known.values() if spec.weights}


def _unused(
    before: Mapping[str, float], present: Iterable[str], used: set[str], now: float
) -> dict[str, float]:
    return {digest: min(before.get(digest, now), now) for digest in present if digest not in used}


def _last_default(observed: Observed, memory: Memory) -> dict[str, Key]:
    last = {model: key for model, key in memory.last_default.items() if key in memory.known}
    for model in observed.models:
        key = observed.default_key(model)
        if key is not None and key in memory.known and default_servable(model, observed, memory):
            last[model] = key
    return last


def _settled(desired: Configuration, observed: Observed, memory: Memory) -> bool:
    """Once every default is servable or known to be broken; undone when TorchServe came up empty."""
    if not observed.answers:
        return memory.settled
    empty = not any(key in memory.known for key in observed.all_keys())
    everything_tried = all(tried(model, desired, observed, memory) for model in desired.models)
    return everything_tried or (memory.settled and not empty)


def tried(model: str, desired: Configuration, observed: Observed, memory: Memory) -> bool:
    """Whether readiness need not wait for a model: its configured default is servable, or broken by its own fault,
    or its version is served from other bytes, which only a new version or a new pod can change."""
    key = desired.default_key(model)
    if key is None or servable(key, observed, memory) or memory.record(key).broken:
        return True
    seen = observed.models.get(model)
    other = seen.versions.get(key.version) if seen else None
    return other is not None and other.key != key and servable(other.key, observed, memory)


def outcome(memory: Memory, done: Outcome, now: float, longest_retry: float = LONGEST_RETRY) -> Memory:
    """What is remembered after a step."""
    step = done.step
    if isinstance(step, DISK_STEPS):
        return memory
    record = memory.record(step.key)
    if done.failure is not None:
        failed = {
            key: _failed(memory.record(key), done, done.failure, now, longest_retry)
            for key in _concerned(memory, step, done.failure)
        }
        return replace(memory, records={**memory.records, **failed})
    if isinstance(step, (Fetch, FetchWeights)):
        record = replace(record, failure=None if _about_fetching(record) else record.failure, retry_at=0.0)
    elif isinstance(step, Register):
        record = replace(record, ours=True, rejected=False, warmed=False, unready_since=None)
    elif isinstance(step, Warm):
        record = replace(record, warmed=True)
    elif isinstance(step, Restart):
        record = replace(record, unready_since=now)
    elif isinstance(step, Unregister):
        record = replace(record, ours=False, rejected=False, warmed=False)
    return replace(memory, records={**memory.records, step.key: record})


def _concerned(memory: Memory, step: VersionStep, failure: Failure) -> set[Key]:
    """Whom a failure is about. Weights that cannot be had cannot be for every version that shares them: else each of
    them asked for all the bytes again."""
    if not isinstance(step, FetchWeights) or failure.stage != "fetch":
        return {step.key}
    sharing = {key for key, spec in memory.known.items() if spec.weights == step.weights}
    return {step.key, *(key for key in sharing if memory.record(key).leaving_since is None)}


def _failed(record: Record, done: Outcome, failure: Failure, now: float, longest_retry: float) -> Record:
    failures = record.failures + 1
    rejected = failure.own_fault and not record.warmed and isinstance(done.step, (Load, Warm))
    return replace(
        record,
        failures=failures,
        failure=failure,
        retry_at=now + retry_delay(failures, longest_retry),
        rejected=record.rejected or rejected,
    )


def _about_fetching(record: Record) -> bool:
    return record.failure is not None and record.failure.stage in {"fetch", "disk"}
