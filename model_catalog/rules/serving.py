"""What serving options cost, held against what users were promised."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from engines import torchserve
from model_catalog.entry import Entry, ServiceLevel, TorchServeEntry
from model_catalog.problem import Problem, Severity
from model_catalog.release import Environment, VariantRelease
from model_catalog.rules.rule import Context, Rule
from model_catalog.selector import Selector
from model_catalog.version import TorchServeVersion
from model_catalog.yaml_source import Location
from quantities import format_duration

WAIT_SHARE: Final = 0.25
"""Of a promised latency, that waiting for a batch may take. Chosen: the model, its queue and the network need more."""
WAIT_WITHOUT_PROMISE: Final = timedelta(milliseconds=10)
"""What waiting for a batch may take where no latency is promised. Chosen; a delay of 5 ms cost 6 ms of median latency
and one of 50 ms 54 (measured, docs/rules.md)."""

PERIOD: Final = timedelta(days=30)
"""That an availability is promised over."""
DRAINS: Final = 1
"""Times that each node is drained in a PERIOD. Chosen: an update of the nodes a month, for the patches of their
kernel and driver; moves by an autoscaler and failures of a node come on top."""


def _batching_waits(context: Context) -> Iterator[Problem]:
    for one in context.versions:
        if not isinstance(one.version, TorchServeVersion):
            continue
        serving, slo = one.version.serving, one.entry.slo
        if serving.batch_size == 1 or _broken_promise(serving, slo) is not None:
            continue
        promised = slo.latency_p95 if slo else None
        allowed = promised * WAIT_SHARE if promised else WAIT_WITHOUT_PROMISE
        if serving.max_batch_delay <= allowed:
            continue
        against = (
            f"more than {WAIT_SHARE:.0%} of the {format_duration(promised)} that latency_p95 promises"
            if promised
            else f"more than {format_duration(allowed)}, and no latency is promised"
        )
        yield context.in_entry(
            one.entry,
            (*one.location, "serving", "batch_size"),
            rule="batching-waits",
            message=(
                f"while fewer than {serving.batch_size} requests are under way, each waits all of max_batch_delay "
                f"{format_duration(serving.max_batch_delay)}: {against}"
            ),
            fix=f"Lower max_batch_delay to {format_duration(_milliseconds(allowed))} or less, or batch_size to 1",
        )


def _slo_batch_delay(context: Context) -> Iterator[Problem]:
    for one in context.versions:
        if isinstance(one.version, TorchServeVersion):
            broken = _broken_promise(one.version.serving, one.entry.slo)
            if broken is not None:
                yield context.in_entry(
                    one.entry,
                    (*one.location, "serving", "batch_size"),
                    rule="slo-batch-delay",
                    message=broken.message,
                    fix=broken.fix,
                )
    for environment, release in context.catalog.releases.items():
        for running in context.running[environment]:
            released = release.root[running.selector.variant]
            index = _last_override(released, running.version_id)
            if index is None or not isinstance(running.version, TorchServeVersion):
                continue
            broken = _broken_promise(running.version.serving, running.entry.slo)
            written = running.entry.version(running.language, running.version_id)
            if broken is None or written.serving == running.version.serving:
                continue
            place: Location = (str(running.selector.variant), "overrides", index, "serving")
            yield context.in_release(
                environment,
                place,
                rule="slo-batch-delay",
                message=f"{running.selector} with its overrides: {broken.message}",
                fix=broken.fix,
            )


def _last_override(released: VariantRelease, version: str) -> int | None:
    """The last override that says anything of batches for the version."""
    found = [
        index
        for index, override in enumerate(released.overrides)
        if (not override.versions or version in override.versions)
        and override.serving.keys() & {"batch_size", "max_batch_delay"}
    ]
    return found[-1] if found else None


@dataclass(frozen=True, kw_only=True)
class _Broken:
    message: str
    fix: str


def _broken_promise(serving: torchserve.ServingOptions, slo: ServiceLevel | None) -> _Broken | None:
    """Where a lone request cannot be answered in time, because it waits for a batch that does not fill."""
    if slo is None or serving.batch_size == 1:
        return None
    promises = (("latency_p95", slo.latency_p95), ("latency_p99", slo.latency_p99))
    for name, promised in promises:
        if promised is not None and promised <= serving.max_batch_delay:
            return _Broken(
                message=(
                    f"while fewer than {serving.batch_size} requests are under way, each waits all of max_batch_delay "
                    f"{format_duration(serving.max_batch_delay)}, and {name} promises an answer within "
                    f"{format_duration(promised)}"
                ),
                fix=(
                    f"Lower max_batch_delay to {format_duration(_milliseconds(promised * WAIT_SHARE))} or less, or "
                    "batch_size to 1"
                ),
            )
    return None


def _milliseconds(span: timedelta) -> timedelta:
    """The most whole milliseconds within it."""
    return span - span % timedelta(milliseconds=1)


def _availability_through_drain(context: Context) -> Iterator[Problem]:
    for entry in context.catalog.entries:
        if entry.slo is None or entry.least_replicas > 1:
            continue
        starts = sorted(_starts(context, entry), key=lambda found: (-found[0], not found[1].is_commercial))
        if not starts:
            continue
        start, environment = starts[0]
        allowed = PERIOD * float(1 - entry.slo.availability.fraction)
        if start * DRAINS <= allowed:
            continue
        replicas = "min_replicas: 2" if entry.autoscaling else "replicas: 2"
        yield context.in_entry(
            entry,
            ("slo", "availability"),
            rule="availability-through-drain",
            message=(
                f"{entry.slo.availability!s} allows {_minutes(allowed)} without an answer in {PERIOD.days} days, and "
                f"draining its node once stops the only server of {entry.selector} in {environment} until another has "
                f"started: up to {_minutes(start)} by startup_timeout"
            ),
            fix=f"Write {replicas}, lower startup_timeout to what was measured, or promise less",
        )


def _starts(context: Context, entry: Entry) -> Iterator[tuple[timedelta, Environment]]:
    """How long a server of the entry may take to start, in each environment that runs it."""
    for environment, running in context.running_of(entry):
        # TorchServe's agent loads the versions of one language after another and languages beside each other; an LLM's
        # server holds one version.
        spans: dict[Selector, timedelta] = {}
        for one in running:
            server = one.selector.variant if isinstance(entry, TorchServeEntry) else one.selector
            spans[server] = spans.get(server, timedelta()) + one.version.serving.startup_timeout
        yield max(spans.values()), environment


def _minutes(span: timedelta) -> str:
    minutes = span / timedelta(minutes=1)
    return f"{minutes:.1f}".removesuffix(".0") + " min"


RULES = (
    Rule(
        id="availability-through-drain",
        demand="A promised availability survives the drain of a node: one server starts in time, or there are two.",
        check=_availability_through_drain,
    ),
    Rule(
        id="batching-waits",
        demand="A request that comes alone waits for a batch no longer than a quarter of the promised latency.",
        check=_batching_waits,
        severity=Severity.WARNING,
        acceptable=True,
    ),
    Rule(
        id="slo-batch-delay",
        demand="No request waits for a batch as long as the promised latency.",
        check=_slo_batch_delay,
    ),
)
