"""What the agent tells: whether the pod is ready, and what is servable now, version by version. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from workloads.agent.configuration import Configuration, Key, Version
from workloads.agent.recall import tried
from workloads.agent.state import (
    InForce,
    Memory,
    Observed,
    Record,
    Registered,
    default_servable,
    on_disk,
    servable,
)

STATES = (
    "waiting",
    "fetched",
    "loading",
    "warming",
    "servable",
    "unhealthy",
    "failed",
    "conflict",
    "leaving",
)
"""waiting: its archive or its weights are not here yet · fetched: they are · loading: its workers start · warming:
they are up, the smoke input is not answered yet · servable: it answers · unhealthy: it did, and no worker is up ·
failed: the last attempt failed, another follows · conflict: its version is registered from other bytes · leaving: out
of the configuration, still answering until the grace is over."""


@dataclass(frozen=True)
class Fetching:
    """What is being fetched now."""

    what: str
    """archive or weights."""
    done: int = 0
    of: int = 0
    """Bytes; of weights alone, and 0 until their manifest was read."""


@dataclass(frozen=True)
class Situation:
    """One turn of the loop, for those who ask."""

    desired: Configuration | None
    """None until a configuration could be read."""
    observed: Observed
    memory: Memory
    now: float
    fetching: Mapping[str, Fetching] = field(default_factory=dict)
    """By digest."""

    def pending(self, key: Key) -> dict[str, list[Any]]:
        """See pending_settings."""
        file = self.observed.version_files.get((key.model, key.version))
        return pending_settings(self.memory.known.get(key), self.observed.registered(key), file)


def not_ready_because(seen: Situation) -> str | None:
    """None where the pod is ready, else the first thing that is missing.

    Ready: a configuration was read; TorchServe answers; since TorchServe last came up empty, the default of every
    model became servable or failed by its own fault; and, unless nothing is configured, at least one model answers.
    """
    desired, observed, memory = seen.desired, seen.observed, seen.memory
    if desired is None:
        return "no configuration was read yet"
    if not observed.answers:
        return "TorchServe does not answer"
    if not memory.settled:
        pending = [model for model in sorted(desired.models) if not tried(model, desired, observed, memory)]
        return f"not tried yet since TorchServe started: {', '.join(pending) or 'everything'}"
    if desired.models and not any(default_servable(model, observed, memory) for model in desired.models):
        return "no model is servable"
    return None


def versions_document(seen: Situation) -> dict[str, Any]:
    """`models` of /versions: model → default and versions."""
    desired = seen.desired or Configuration(models={})
    keys = {*seen.memory.known, *seen.observed.all_keys()}
    return {
        model: {
            "default": _default(model, desired, seen),
            "versions": _versions([key for key in sorted(keys) if key.model == model], desired, seen),
        }
        for model in sorted({key.model for key in keys})
    }


def state_of(key: Key, seen: Situation) -> str:
    """One of STATES."""
    record, registered = seen.memory.record(key), seen.observed.registered(key)
    configured = seen.desired is not None and key in seen.desired.versions()
    if servable(key, seen.observed, seen.memory):
        return "servable" if configured else "leaving"
    if record.failure is not None:
        return "failed"
    if registered is None:
        return _unregistered_state(key, seen)
    if not configured:
        return "leaving"
    if record.warmed:
        return "unhealthy"
    return "warming" if registered.ready else "loading"


def _unregistered_state(key: Key, seen: Situation) -> str:
    model = seen.observed.models.get(key.model)
    if model is not None and key.version in model.versions:
        return "conflict"
    return "fetched" if on_disk(key, seen.observed, seen.memory) else "waiting"


def _default(model: str, desired: Configuration, seen: Situation) -> dict[str, Any]:
    wanted, serving = desired.default_key(model), seen.observed.default_key(model)
    answers = default_servable(model, seen.observed, seen.memory)
    return {
        "wanted": wanted.version if wanted else None,
        "serving": serving.version if serving and answers else None,
        "as_wanted": answers and serving == wanted,
    }


def _versions(keys: list[Key], desired: Configuration, seen: Situation) -> dict[str, Any]:
    """By version; of two archives under one version, the one that answers, and the other beside it."""
    shown: dict[str, Any] = {}
    for key in sorted(keys, key=lambda key: seen.observed.registered(key) is None):
        document = _version(key, desired, seen)
        if key.version in shown:
            shown[key.version]["other"] = document
        else:
            shown[key.version] = document
    return shown


def _version(key: Key, desired: Configuration, seen: Situation) -> dict[str, Any]:
    record, registered = seen.memory.record(key), seen.observed.registered(key)
    spec = seen.memory.known.get(key)
    return {
        "state": state_of(key, seen),
        "servable": servable(key, seen.observed, seen.memory),
        "digest": key.digest or None,
        "weights": spec.weights.digest if spec and spec.weights else None,
        "fetching": _fetching(key, spec, seen),
        "workers": {
            "ready": registered.ready if registered else 0,
            "wanted": spec.min_workers if spec else 0,
        },
        "reason": _reason(key, record, seen),
        "stage": record.failure.stage if record.failure else None,
        "failures": record.failures,
        "retry_in_seconds": max(0.0, round(record.retry_at - seen.now, 1)) if record.failure else None,
        "leaves_in_seconds": _leaves_in(record, desired, seen.now),
        "pending_settings": seen.pending(key),
    }


def _fetching(key: Key, spec: Version | None, seen: Situation) -> dict[str, Any] | None:
    digests = [key.digest, spec.weights.digest if spec and spec.weights else ""]
    for digest in digests:
        found = seen.fetching.get(digest)
        if found is not None:
            return {"what": found.what, "digest": digest, "bytes": found.done, "of_bytes": found.of}
    return None


def _reason(key: Key, record: Record, seen: Situation) -> str | None:
    if record.failure is not None:
        return record.failure.reason
    if state_of(key, seen) == "conflict":
        other = (
            seen.observed.models[key.model].versions[key.version].key.digest or "an archive of unknown origin"
        )
        return f"the version is served from {other}; a changed archive needs a new version"
    return None


def _leaves_in(record: Record, desired: Configuration, now: float) -> float | None:
    if record.leaving_since is None:
        return None
    return max(0.0, round(record.leaving_since + desired.drain_grace.total_seconds() - now, 1))


def pending_settings(
    spec: Version | None, registered: Registered | None, file: InForce | None = None
) -> dict[str, list[Any]]:
    """Setting → [in force, configured], for those that TorchServe takes at registration only.

    Fewer workers are among them: TorchServe answers 500 to what a worker is doing when it is scaled away.
    """
    if spec is None or registered is None:
        return {}
    compared: dict[str, tuple[Any, Any]] = {
        "batchSize": (registered.batch_size, spec.batch_size),
        "maxBatchDelay": (
            registered.max_batch_delay_milliseconds,
            spec.max_batch_delay // timedelta(milliseconds=1),
        ),
        "responseTimeout": (
            registered.response_timeout_seconds,
            spec.response_timeout // timedelta(seconds=1),
        ),
        "startupTimeout": (registered.startup_timeout_seconds, spec.startup_timeout // timedelta(seconds=1)),
    }
    if file is not None:
        compared["gpuMemoryFraction"] = file.gpu_memory_fraction, spec.gpu_memory_fraction
        compared["weights"] = file.weights, spec.weights.digest if spec.weights else None
    pending = {name: [now, then] for name, (now, then) in compared.items() if now != then}
    if registered.min_workers > spec.min_workers:
        pending["minWorkers"] = [registered.min_workers, spec.min_workers]
    return pending
