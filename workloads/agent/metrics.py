"""`slipway_agent_*`, in Prometheus' text format. Counted in the loop, rendered from its last turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Union

from workloads.agent.state import default_servable, servable
from workloads.agent.status import STATES, Situation, not_ready_because, state_of

Labels = Mapping[str, str]
Number = Union[int, float]  # noqa: UP007 - evaluated, by Python 3.9


@dataclass
class Counters:
    """What happened since the agent started."""

    steps: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(kind of step, "done" or "failed") → how often."""
    failures: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(model, version, stage) → how often."""
    errors: Counter[str] = field(default_factory=Counter)
    """Part of a turn → how often it raised what nobody expected."""

    def copied(self) -> Counters:
        """As they are now, for those who read them in another thread."""
        return Counters(Counter(self.steps), Counter(self.failures), Counter(self.errors))


@dataclass(frozen=True)
class Gauges:
    """What is known beside the situation."""

    configuration_valid: bool
    free_bytes: int
    turned_at: float


def render(seen: Situation, counters: Counters, gauges: Gauges) -> str:
    """The page."""
    return "".join(
        [
            *_family("ready", "gauge", "1 where the pod is ready", [({}, not_ready_because(seen) is None)]),
            *_family("torchserve_up", "gauge", "1 where TorchServe answers", [({}, seen.observed.answers)]),
            *_family(
                "configuration_valid",
                "gauge",
                "0 where the newest configuration was refused and the one before it is in force",
                [({}, gauges.configuration_valid)],
            ),
            *_family(
                "last_turn_seconds", "gauge", "unix time of the loop's last turn", [({}, gauges.turned_at)]
            ),
            *_models(seen),
            *_versions(seen),
            *_disk(seen, gauges),
            *_counted(counters),
        ]
    )


def _models(seen: Situation) -> Iterable[str]:
    models = sorted(seen.desired.models) if seen.desired else []
    wanted = {model: seen.desired.default_key(model) for model in models} if seen.desired else {}
    up = {model: default_servable(model, seen.observed, seen.memory) for model in models}
    yield from _family(
        "default_servable",
        "gauge",
        "1 where requests without a version are answered, by whichever version",
        [({"model": model}, up[model]) for model in models],
    )
    yield from _family(
        "default_as_wanted",
        "gauge",
        "1 where they are answered by the configured default",
        [
            ({"model": model}, up[model] and seen.observed.default_key(model) == wanted[model])
            for model in models
        ],
    )


def _versions(seen: Situation) -> Iterable[str]:
    keys = sorted({*seen.memory.known, *seen.observed.all_keys()})
    labels = [{"model": key.model, "version": key.version, "digest": key.digest[:19]} for key in keys]
    yield from _family(
        "version_servable",
        "gauge",
        "1 where the version is answered now",
        [(label, servable(key, seen.observed, seen.memory)) for key, label in zip(keys, labels)],  # noqa: B905 - 3.9
    )
    yield from _family(
        "version_state",
        "gauge",
        "1 for the state that the version is in",
        [
            ({**label, "state": state}, state_of(key, seen) == state)
            for key, label in zip(keys, labels)  # noqa: B905 - Python 3.9
            for state in STATES
        ],
    )
    yield from _family(
        "version_settings_pending",
        "gauge",
        "settings that take effect only when the version is registered again",
        [
            (label, len(seen.pending(key)))
            for key, label in zip(keys, labels)  # noqa: B905 - Python 3.9
        ],
    )


def _disk(seen: Situation, gauges: Gauges) -> Iterable[str]:
    held = sum(seen.observed.archives.values())
    yield from _family("archives", "gauge", "archives on the disk", [({}, len(seen.observed.archives))])
    yield from _family("archives_bytes", "gauge", "bytes of the archives on the disk", [({}, held)])
    weights = seen.observed.weights
    yield from _family("weights", "gauge", "artifacts whose weights are on the disk", [({}, len(weights))])
    yield from _family("weights_bytes", "gauge", "bytes of the weights", [({}, sum(weights.values()))])
    yield from _family(
        "disk_free_bytes",
        "gauge",
        "bytes that archives and weights may take",
        [({}, gauges.free_bytes)],
    )


def _counted(counters: Counters) -> Iterable[str]:
    steps, failures = sorted(counters.steps.items()), sorted(counters.failures.items())
    yield from _family(
        "steps_total",
        "counter",
        "steps by kind and result",
        [({"step": kind, "result": result}, count) for (kind, result), count in steps],
    )
    yield from _family(
        "failures_total",
        "counter",
        "failed attempts by version and stage",
        [
            ({"model": model, "version": version, "stage": stage}, count)
            for (model, version, stage), count in failures
        ],
    )
    yield from _family(
        "turn_errors_total",
        "counter",
        "unexpected errors by the part of a turn that they ended",
        [({"part": part}, count) for part, count in sorted(counters.errors.items())],
    )


def _family(name: str, kind: str, meaning: str, samples: Iterable[tuple[Labels, Number]]) -> list[str]:
    full = f"slipway_agent_{name}"
    head = [f"# HELP {full} {meaning}\n", f"# TYPE {full} {kind}\n"]
    return head + [f"{full}{_labels(labels)} {_number(value)}\n" for labels, value in samples]


def _number(value: Number) -> str:
    return str(int(value)) if isinstance(value, bool) else repr(value)


def _labels(labels: Labels) -> str:
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items()))
    return f"{{{inner}}}" if inner else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
