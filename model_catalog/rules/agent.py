"""The ranges of TorchServe's agent, held against what the catalog asks of it: beyond them the agent refuses the whole
configuration of its server, and serves what it served before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from engines.torchserve import ServingOptions
from model_catalog.entry import TorchServeEntry
from model_catalog.problem import Problem
from model_catalog.release import VariantRelease
from model_catalog.rules.rule import Context, Rule
from model_catalog.version import TorchServeVersion
from quantities import format_duration
from workloads.agent import limits

_RULE: Final = "agent-limits"

_MOST: Final[Mapping[str, Any]] = {
    "min_workers": limits.MOST_WORKERS,
    "max_workers": limits.MOST_WORKERS,
    "batch_size": limits.MOST_BATCHED,
    "max_batch_delay": timedelta(milliseconds=limits.LONGEST_BATCH_DELAY_MILLISECONDS),
    "response_timeout": timedelta(seconds=limits.LONGEST_TIMEOUT_SECONDS),
    "startup_timeout": timedelta(seconds=limits.LONGEST_TIMEOUT_SECONDS),
}
"""Serving option → the most that the agent takes."""


@dataclass(frozen=True, kw_only=True)
class _Excess:
    """A serving option beyond its limit."""

    option: str
    given: Any
    most: Any

    @property
    def message(self) -> str:
        return f"{self.option} is {_shown(self.given)}, and the agent takes {_shown(self.most)} at most"

    @property
    def fix(self) -> str:
        return f"Write {_shown(self.most)} or less"


def _agent_limits(context: Context) -> Iterator[Problem]:
    yield from _of_versions(context)
    yield from _of_overrides(context)
    yield from _of_variants(context)
    yield from _of_names(context)


def _of_versions(context: Context) -> Iterator[Problem]:
    for one in context.versions:
        version = one.version
        if not isinstance(version, TorchServeVersion):
            continue
        for excess in _excesses(version.serving):
            place = (*one.location, "serving", excess.option)
            yield context.in_entry(one.entry, place, rule=_RULE, message=excess.message, fix=excess.fix)
        content_type = version.smoke.content_type if version.smoke else ""
        if len(content_type) > limits.LONGEST_CONTENT_TYPE:
            yield context.in_entry(
                one.entry,
                (*one.location, "smoke", "content_type"),
                rule=_RULE,
                message=(
                    f"content_type has {len(content_type)} characters, and the agent takes "
                    f"{limits.LONGEST_CONTENT_TYPE} at most"
                ),
                fix="Write the media type alone, as in application/json",
            )


def _of_overrides(context: Context) -> Iterator[Problem]:
    """Judge what overrides set, where they are in force; what an entry says is reported there."""
    for environment, release in context.catalog.releases.items():
        for running in context.running[environment]:
            if not isinstance(running.version, TorchServeVersion):
                continue
            released = release.root[running.selector.variant]
            for excess in _excesses(running.version.serving):
                index = _last_override(released, running.version_id, excess.option)
                if index is not None:
                    yield context.in_release(
                        environment,
                        (str(running.selector.variant), "overrides", index, "serving", excess.option),
                        rule=_RULE,
                        message=excess.message,
                        fix=excess.fix,
                    )


def _last_override(released: VariantRelease, version: str, option: str) -> int | None:
    found = [
        index
        for index, override in enumerate(released.overrides)
        if (not override.versions or version in override.versions) and option in override.serving
    ]
    return found[-1] if found else None


def _of_variants(context: Context) -> Iterator[Problem]:
    """One server has all running versions of a variant. Servers of several are judged by `slipway validate`."""
    for environment, release in context.catalog.releases.items():
        for variant, released in release.root.items():
            count = len(released.running)
            if count > limits.MOST_VERSIONS and isinstance(context.catalog.entry(variant), TorchServeEntry):
                yield context.in_release(
                    environment,
                    (str(variant),),
                    rule=_RULE,
                    message=f"{variant} runs {count} versions, and the agent takes {limits.MOST_VERSIONS} at most",
                    fix="Retire versions that nobody asks for",
                    key=True,
                )


def _of_names(context: Context) -> Iterator[Problem]:
    for entry in context.catalog.entries:
        if not isinstance(entry, TorchServeEntry):
            continue
        for tag in sorted(entry.languages):
            name = entry.languages[tag].served_name or ""
            if len(name) > limits.LONGEST_NAME:
                yield context.in_entry(
                    entry,
                    ("languages", tag, "served_name"),
                    rule=_RULE,
                    message=(
                        f"served_name has {len(name)} characters, and the agent takes {limits.LONGEST_NAME} at most"
                    ),
                    fix="Shorten it",
                )


def _excesses(serving: ServingOptions) -> Iterator[_Excess]:
    for option, most in _MOST.items():
        given = getattr(serving, option)
        if given is not None and given > most:
            yield _Excess(option=option, given=given, most=most)


def _shown(amount: Any) -> str:
    return format_duration(amount) if isinstance(amount, timedelta) else str(amount)


RULES = (
    Rule(
        id=_RULE,
        demand="No version asks for more than TorchServe's agent takes.",
        check=_agent_limits,
    ),
)
