"""Which steps bring TorchServe nearer to its configuration. Pure: what is wanted, seen and remembered → steps.

Level-triggered: the answer depends on how things are, not on how they came to be, so any crash is just another
place to begin. The order that loses no request: the new version is loaded and has answered its smoke input before it
becomes the default; the old one is unregistered only after the grace.

The trap: TorchServe makes the first version registered of a model its default, so within a model versions are
registered one after the other, and the one that shall be the default first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from workloads.agent.configuration import Configuration, Key, Version
from workloads.agent.state import Memory, Observed, Record, Registered, on_disk, servable
from workloads.agent.steps import (
    Collect,
    CollectWeights,
    Fetch,
    FetchWeights,
    Forget,
    Load,
    Register,
    Restart,
    SetDefault,
    Step,
    Unregister,
    VersionStep,
    Warm,
)

WORKERS_MAY_TAKE = timedelta(seconds=30)
"""For a worker that died to come back by TorchServe's own doing (2 s measured) before the agent replaces it."""


@dataclass(frozen=True)
class View:
    """All that a decision is made from."""

    desired: Configuration
    observed: Observed
    memory: Memory
    now: float

    def waits(self, key: Key) -> bool:
        """Whether it failed a while ago only."""
        return self.memory.record(key).retry_at > self.now

    def rejected(self, key: Key) -> bool:
        """Whether it failed and has to go. A default that was found, not made, stays until another takes over: its
        smoke input may fail for a reason that its callers do not meet."""
        record = self.memory.record(key)
        return record.rejected and (record.ours or key != self.observed.default_key(key.model))

    def servable(self, key: Key) -> bool:
        return servable(key, self.observed, self.memory)

    def on_disk(self, key: Key) -> bool:
        return on_disk(key, self.observed, self.memory)


def plan(desired: Configuration, observed: Observed, memory: Memory, now: float) -> tuple[Step, ...]:
    """What to do next: at most one step for each model in TorchServe, and any number of archives and weights."""
    view = View(desired=desired, observed=observed, memory=memory, now=now)
    steps: list[Step] = [*_collections(view), *_fetches(view)]
    if observed.answers:
        mentioned = {model for model, _ in observed.version_files}
        for model in sorted({*observed.models, *(key.model for key in memory.known), *mentioned}):
            step = _model_step(view, model) or _forgetting(view, model)
            if step is not None:
                steps.append(step)
    return tuple(steps)


def wanted_default(view: View, model: str) -> Key | None:
    """What should answer requests without a version now.

    The configured default once it is servable; until then whatever serves today; where that cannot, the last good
    default, then any other version that can. None: nothing better than what TorchServe has.
    """
    current = view.observed.default_key(model)
    choices = [view.desired.default_key(model), current, view.memory.last_default.get(model)]
    choices += sorted(key for key in view.desired.versions() if key.model == model)
    choices += sorted(key for key in view.memory.known if key.model == model)
    return next((key for key in choices if key is not None and view.servable(key)), None)


def _model_step(view: View, model: str) -> VersionStep | None:
    target = wanted_default(view, model)
    if target is not None and target != view.observed.default_key(model):
        return SetDefault(target)
    registered = _registered(view, model)
    for key in _order(view, model):
        seen = registered.get(key)
        if seen is not None:
            step = _bring_up(view, seen)
            if step is not None:
                return step
    return _departure(view, registered) or _registration(view, model, registered)


def _registered(view: View, model: str) -> dict[Key, Registered]:
    seen = view.observed.models.get(model)
    return {version.key: version for version in seen.versions.values()} if seen else {}


def _order(view: View, model: str) -> list[Key]:
    """What to bring up first: what was serving, what shall serve, the rest."""
    keys = sorted(key for key in view.memory.known if key.model == model)
    first = [view.memory.last_default.get(model), view.desired.default_key(model)]
    return list(dict.fromkeys([*(key for key in first if key in view.memory.known and key), *keys]))


def _bring_up(view: View, seen: Registered) -> VersionStep | None:
    """The next step of a registered version towards being servable."""
    key, record = seen.key, view.memory.record(seen.key)
    spec = view.memory.known[key]
    if view.rejected(key) or record.leaving_since is not None or view.waits(key):
        return None
    if seen.workers < spec.min_workers or seen.min_workers < spec.min_workers:
        return Load(key, spec)
    if seen.ready < spec.min_workers:
        if _stuck(view, record, spec):
            return Restart(key, spec)
        if not record.warmed:
            return Load(key, spec)
    if seen.ready and not record.warmed:
        return Warm(key, spec)
    return None


def _stuck(view: View, record: Record, spec: Version) -> bool:
    """Whether its workers have been away for longer than TorchServe needs to bring them back."""
    limit = WORKERS_MAY_TAKE + spec.startup_timeout
    return record.unready_since is not None and view.now - record.unready_since > limit.total_seconds()


def _departure(view: View, registered: dict[Key, Registered]) -> VersionStep | None:
    """The next version to take out of TorchServe, which removes a default only when it is the last."""
    for key in sorted(registered):
        why = _why_gone(view, registered[key])
        if why and (len(registered) == 1 or key != view.observed.default_key(key.model)):
            return Unregister(key, why)
    return None


def _why_gone(view: View, seen: Registered) -> str | None:
    record = view.memory.record(seen.key)
    if view.rejected(seen.key):
        return "rejected"
    if record.leaving_since is None:
        return None
    grace = view.desired.drain_grace.total_seconds()
    waited = view.now - record.leaving_since
    drained = waited >= grace and (seen.pending_requests == 0 or waited >= 2 * grace)
    return "drained" if drained else None


def _registration(view: View, model: str, registered: dict[Key, Registered]) -> VersionStep | None:
    """The next version to register, if its name is free.

    On an empty model the order is strict, for the first becomes TorchServe's default: a later one is taken only where
    the earlier ones are broken by their own fault.
    """
    taken = {key.version for key in registered}
    for key in _order(view, model):
        record = view.memory.record(key)
        if key in registered or record.leaving_since is not None:
            continue
        ready = view.on_disk(key) and not view.waits(key)
        if ready and key.version not in taken:
            return Register(key, view.memory.known[key])
        if not registered and not record.broken:
            return None
    return None


def _forgetting(view: View, model: str) -> Forget | None:
    """A file that an agent left which died between taking the version out and deleting it."""
    kept = {key.version for key in (*view.observed.all_keys(), *view.memory.known) if key.model == model}
    left = sorted(name for name in view.observed.version_files if name[0] == model and name[1] not in kept)
    return Forget(*left[0]) if left else None


def _fetches(view: View) -> list[Step]:
    """Every archive that is missing, and all weights, each once; a default's before the others'. A version's weights
    come after its archive, so that its record tells of one fetch at a time."""
    missing: dict[str, Step] = {}
    keys = sorted(view.memory.known.items(), key=lambda item: (not item[1].default, item[0]))
    for key, spec in keys:
        gone = view.memory.record(key).leaving_since is not None
        if gone or view.on_disk(key) or view.waits(key):
            continue
        if key.digest not in view.observed.archives:
            missing.setdefault(f"archive {key.digest}", Fetch(key, spec.archive.location))
        elif spec.weights is not None:
            missing.setdefault(f"weights {spec.weights.digest}", FetchWeights(key, spec.weights))
    return list(missing.values())


def _collections(view: View) -> list[Step]:
    """What nothing has referred to for as long as a version drains; at once where the disk is full."""
    archives, weights = view.memory.unused_since, view.memory.unused_weights_since
    full = any(
        record.failure is not None and record.failure.stage == "disk"
        for record in view.memory.records.values()
    )
    grace = 0.0 if full else view.desired.drain_grace.total_seconds()
    return [
        *(Collect(digest) for digest in sorted(archives) if view.now - archives[digest] >= grace),
        *(CollectWeights(digest) for digest in sorted(weights) if view.now - weights[digest] >= grace),
    ]
