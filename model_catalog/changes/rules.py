"""Rules that only git can judge: what a change may do to what is released."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from model_catalog.changes.answers import answer_changes
from model_catalog.changes.comparison import Comparison
from model_catalog.changes.names import served_name_kept
from model_catalog.changes.settings import SettingChange, plain
from model_catalog.entry import Entry
from model_catalog.loader import Checked
from model_catalog.problem import Problem, Severity
from model_catalog.release import Environment, Release, VariantRelease
from model_catalog.rules import quality
from model_catalog.rules.rule import Context, judge
from model_catalog.selector import Selector

_LONGEST_VALUE: Final = 80
"""Characters of a value within a message."""


@dataclass(frozen=True, kw_only=True)
class ChangeRule:
    """One rule about a change."""

    id: str
    demand: str
    """In a sentence."""
    check: Callable[[Comparison], Iterable[Problem]]
    severity: Severity = Severity.ERROR


def broken_rules(base: Checked, head: Checked, today: date | None = None) -> tuple[Problem, ...]:
    """What HEAD may not do to BASE, sorted by place. What could not be read on one side is not judged."""
    comparison = Comparison(base=base, head=head, today=today)
    found = {
        replace(problem, severity=rule.severity)
        for rule in CHANGE_RULES
        for problem in rule.check(comparison)
    }
    return tuple(sorted(found))


@dataclass(frozen=True, kw_only=True, order=True)
class _Writing:
    """What somebody wrote in one place, and the versions that it changed get alike."""

    file: str
    line: int
    column: int
    setting: str
    old: str
    new: str


def _version_immutable(comparison: Comparison) -> Iterator[Problem]:
    written: dict[_Writing, list[tuple[Selector, Problem]]] = defaultdict(list)
    for selector in comparison.released_before:
        for change, problem in _changes_of(comparison, selector):
            place = _Writing(
                file=problem.file,
                line=problem.line,
                column=problem.column,
                setting=change.name,
                old=_shown(change.old),
                new=_shown(change.new),
            )
            written[place].append((selector, problem))
    for place, found in written.items():
        versions = [selector for selector, _ in found]
        environments = sorted({e for version in versions for e in comparison.released_before[version]})
        others = len(versions) - 1
        more = "" if not others else f" and of {others} more version{'s' if others > 1 else ''}"
        yield replace(
            found[0][1],
            message=(
                f"{place.setting} of {versions[0]}{more}, released in {_listed(environments)}, changed from "
                f"{place.old} to {place.new}"
            ),
        )


def _changes_of(comparison: Comparison, selector: Selector) -> Iterator[tuple[SettingChange, Problem]]:
    language, version = selector.language or "", selector.version or ""
    old, new = (side.catalog.entry(selector) for side in (comparison.base, comparison.head))
    if old is None or new is None or any(not _has(one, language, version) for one in (old, new)):
        return  # version-removed speaks of it; or a release named what never was
    for change in answer_changes(old, new, language, version):
        location = ("languages", language, "versions", version, *change.path)
        yield (
            change,
            comparison.in_entry(
                selector, location, rule="version-immutable", message="", fix="Write it as a new version"
            ),
        )


def _has(entry: Entry, language: str, version: str) -> bool:
    return language in entry.languages and version in entry.languages[language].versions


def _version_removed(comparison: Comparison) -> Iterator[Problem]:
    for selector in comparison.released_before:
        still = comparison.released_after.get(selector, ())
        language, version = selector.language or "", selector.version or ""
        old, new = (side.catalog.entry(selector) for side in (comparison.base, comparison.head))
        was = old is not None and _has(old, language, version)
        if not still or not was or comparison.unread.entry(selector):
            continue
        if new is None or not _has(new, language, version):
            yield comparison.in_entry(
                selector,
                ("languages", language, "versions", version),
                rule="version-removed",
                message=f"{selector} is gone, and is released in {_listed(still)}",
                fix=f"Put it back, or take it out of {_files(still)} first",
            )


def _hold_kept(comparison: Comparison) -> Iterator[Problem]:
    for environment, variant, before, after in comparison.kept():
        hold = before.hold
        if hold is None or _passed(hold.until, comparison.today):
            continue
        for what in ("default", "versions", "canary"):
            if _steered(before)[what] != _steered(after)[what]:
                yield comparison.in_release(
                    environment,
                    (str(variant), what),
                    rule="hold-kept",
                    message=(
                        f"{what} of {variant} changed, and {hold.by} holds it until {hold.until}: "
                        f"{hold.reason.rstrip('.')}"
                    ),
                    fix=f"Leave it, or remove the hold in a change of its own, as {hold.by} agrees",
                    key=True,
                )
    for environment, variant, before in comparison.gone():
        if before.hold is not None and not _passed(before.hold.until, comparison.today):
            yield comparison.in_release(
                environment,
                (str(variant),),
                rule="hold-kept",
                message=(
                    f"{variant} is gone, and {before.hold.by} holds it until {before.hold.until}: "
                    f"{before.hold.reason.rstrip('.')}"
                ),
                fix=f"Put it back, or remove the hold in a change of its own, as {before.hold.by} agrees",
            )


def _steered(release: VariantRelease) -> Mapping[str, object]:
    """What a hold holds."""
    return {
        "default": release.default,
        "versions": frozenset(release.running) - {release.default, *release.canary},
        "canary": release.canary,
    }


def _retire_first(comparison: Comparison) -> Iterator[Problem]:
    for environment, variant, before in comparison.gone():
        if before.retire is None:
            message, fix = (
                f"{variant} was never retired",
                "Put it back with retire: and a day, and tell its callers",
            )
        elif comparison.today is not None and not _passed(before.retire.after, comparison.today):
            message = f"callers of {variant} have until {before.retire.after}"
            fix = "Put it back until that day has passed"
        else:
            continue
        yield comparison.in_release(
            environment,
            (str(variant),),
            rule="retire-first",
            message=f"{environment} serves {variant} no more, and {message}",
            fix=fix,
        )
    for environment, variant, before, after in comparison.kept():
        # A canary that ended, and a default that another replaced, were promised to nobody by name.
        for version in sorted(set(before.versions) - set(after.running)):
            retirement = before.retire_versions.get(version) or before.retire
            if retirement is None:
                message = "it was never retired"
                fix = "Put it back with a day in retire_versions:, and tell its callers"
            elif comparison.today is not None and not _passed(retirement.after, comparison.today):
                message = f"its callers have until {retirement.after}"
                fix = "Put it back until that day has passed"
            else:
                continue
            yield comparison.in_release(
                environment,
                (str(variant),),
                rule="retire-first",
                message=f"{environment} serves version {version} of {variant} no more, and {message}",
                fix=fix,
            )


def _entry_wide_change(comparison: Comparison) -> Iterator[Problem]:
    runs: dict[Selector, set[Environment]] = defaultdict(set)
    for selector, environments in comparison.released_before.items():
        runs[Selector(task=selector.task, model=selector.model)].update(environments)
    for selector, where in runs.items():
        old, new = (side.catalog.entry(selector) for side in (comparison.base, comparison.head))
        if old is None or new is None:
            continue
        was, becomes = (_for_all_versions(entry) for entry in (old, new))
        for key in was:
            if was[key] != becomes[key]:
                yield comparison.in_entry(
                    selector,
                    (key,),
                    rule="entry-wide-change",
                    message=(
                        f"{key} of {selector} changed from {_shown(was[key])} to {_shown(becomes[key])}: every version "
                        f"released in {_listed(sorted(where))} may answer otherwise at once, without a canary"
                    ),
                    fix="Try it on an entry of its own first, or compare the answers before it is merged",
                )


def _for_all_versions(entry: Entry) -> Mapping[str, object]:
    said = plain(entry, exclude=frozenset({"languages"}))
    return {key: said[key] or None for key in ("engine", "preprocessing")}


def _default_quality(comparison: Comparison) -> Iterator[Problem]:
    """The catalog's own rule, asked with the default at BASE as the version that was replaced, and with what BASE says
    of it: a change cannot make its new default look better by restating the old one."""
    releases: dict[Environment, dict[Selector, VariantRelease]] = defaultdict(dict)
    restated: dict[Selector, Entry] = {}
    for environment, variant, before, after in comparison.kept():
        if before.default == after.default:
            continue
        entry = comparison.head.catalog.entry(variant)
        as_was = _with_evaluations_of(comparison.base.catalog.entry(variant), entry, variant, before.default)
        # Where the release names the default that was as its rollback, the catalog's rule has judged it already.
        if before.default != after.rollback or as_was is not None:
            releases[environment][variant] = after.model_copy(update={"rollback": before.default})
        if as_was is not None:
            restated[as_was.selector] = as_was
    head = comparison.head
    context = Context(
        catalog=replace(
            head.catalog,
            entries=tuple(restated.get(entry.selector, entry) for entry in head.catalog.entries),
            releases={key: Release.model_construct(value) for key, value in releases.items()},
        ),
        entries=head.entries,
        releases=head.releases,
        unread=frozenset(),
        today=comparison.today,
    )
    rule = next(rule for rule in quality.RULES if rule.id == "evaluation-kept")
    for problem in judge((rule,), context).problems:
        yield replace(problem, rule="default-quality")


def _with_evaluations_of(
    base: Entry | None, head: Entry | None, variant: Selector, version: str
) -> Entry | None:
    """HEAD's entry with BASE's evaluations of one version; None where they are the same, or one side lacks it."""
    was, now = (
        entry.languages[variant.language or ""].versions.get(version)
        if entry is not None and variant.language in entry.languages
        else None
        for entry in (base, head)
    )
    if head is None or was is None or now is None or was.evaluations == now.evaluations:
        return None
    language = head.languages[variant.language or ""]
    versions = {**language.versions, version: now.model_copy(update={"evaluations": was.evaluations})}
    languages = {
        **head.languages,
        variant.language or "": language.model_copy(update={"versions": versions}),
    }
    return head.model_copy(update={"languages": languages})


def _passed(last_day: date, today: date | None) -> bool:
    return today is not None and last_day < today


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    text = " ".join((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).split())
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _listed(environments: Iterable[Environment]) -> str:
    return " and ".join(environments)


def _files(environments: Iterable[Environment]) -> str:
    return " and ".join(f"releases/{environment}.yaml" for environment in environments)


CHANGE_RULES: Final = (
    ChangeRule(
        id="default-quality",
        demand="A new default is no worse than the one it replaces, within the entry's tolerance.",
        check=_default_quality,
    ),
    ChangeRule(
        id="entry-wide-change",
        demand="Engine and preprocessing of what is released change with everybody's eyes on it.",
        check=_entry_wide_change,
        severity=Severity.WARNING,
    ),
    ChangeRule(
        id="hold-kept",
        demand="What is held keeps its default, its canaries and its versions until the hold ends.",
        check=_hold_kept,
    ),
    ChangeRule(
        id="retire-first",
        demand="What callers name leaves a release only after they were told a day, and the day has passed.",
        check=_retire_first,
        severity=Severity.WARNING,
    ),
    ChangeRule(
        id="served-name-kept",
        demand="Callers of a released variant reach it under the name that they know.",
        check=served_name_kept,
        severity=Severity.WARNING,
    ),
    ChangeRule(
        id="version-immutable",
        demand="A released version never changes: another artifact, handler or configuration is a new version.",
        check=_version_immutable,
    ),
    ChangeRule(
        id="version-removed",
        demand="A released version leaves its entry only after it has left every release.",
        check=_version_removed,
    ),
)
"""All of them, sorted by id."""
