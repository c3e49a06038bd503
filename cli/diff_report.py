"""What `slipway diff` found, as data; and as sections, which every format for people prints alike.

A new subject is a function from Report to sections, and a line in `sections`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cli.console import printable
from cli.diff_servers import PlanChanges
from model_catalog import Problem, Selector, Severity
from model_catalog.changes import (
    CatalogChanges,
    Change,
    EnvironmentChanges,
    ReleaseChange,
    SettingChange,
)

_LONGEST_VALUE: Final = 160
"""Characters of a value that people are shown; JSON has all of it."""


class Code(str):
    """Text that stands for itself: a name or a value of the catalog."""

    __slots__ = ()


Cell = tuple[str, ...]
"""Words of ours, and Code between them."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading with a table below it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    lines: tuple[str, ...] = ()
    """The rows as plain text, where columns would be too wide."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two states."""

    revision: str | None
    """As it was asked for; None: the working tree."""
    commit: str | None
    """What was read, by its full id."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that is to be said. Equal for equal input."""

    base: Side
    head: Side
    changes: CatalogChanges
    plans: tuple[PlanChanges, ...]
    """In the order of `changes.environments`."""
    broken: tuple[Problem, ...]
    """Rules about the change."""
    problems: tuple[Problem, ...]
    """HEAD's catalog: its errors, and the warnings that BASE did not have."""

    @property
    def refused(self) -> bool:
        """Whether HEAD must not be merged as it is."""
        found = (*self.broken, *self.problems)
        return any(problem.severity is Severity.ERROR for problem in found) or any(
            plan.refused for plan in self.plans
        )


def sections(report: Report) -> tuple[Section, ...]:
    """For people; those with nothing to say are left out."""
    plans = {plan.environment: plan for plan in report.plans}
    found = [
        _problems("Rules that this change breaks", report.broken),
        _problems("Problems of the catalog", report.problems),
        _unread(report.changes),
    ]
    for changes in report.changes.environments:
        plan = plans[changes.environment]
        found += [_users(changes), _servers(plan), _nodes(plan)]
    found += [_definitions(report.changes)]
    return tuple(section for section in found if section.rows)


def headlines(report: Report) -> tuple[Cell, ...]:
    """One line for each environment that changes; a single one where none does."""
    plans = {plan.environment: plan for plan in report.plans}
    lines = [
        _headline(changes, plans[changes.environment])
        for changes in report.changes.environments
        if not changes.empty or not plans[changes.environment].empty
    ]
    return tuple(lines) or (("Nothing that an environment serves changes.",),)


def _headline(changes: EnvironmentChanges, plan: PlanChanges) -> Cell:
    variants = {
        change: ", ".join(str(one.variant) for one in changes.releases if one.change is change)
        for change in (Change.ADDED, Change.REMOVED)
    }
    defaults = [one for one in changes.releases if one.change is Change.CHANGED and one.default]
    languages = ", ".join(sorted({str(one.variant.language) for one in defaults}))
    before, after = plan.gpus
    said = "; ".join(
        (
            *((f"another default in {languages}",) if languages else ()),
            *((f"serves {variants[Change.ADDED]}",) if variants[Change.ADDED] else ()),
            *((f"serves {variants[Change.REMOVED]} no more",) if variants[Change.REMOVED] else ()),
            *((f"GPUs {before} → {after}",) if before != after else ()),
            *(f"{pool.instance_type} nodes {pool.before} → {pool.after}" for pool in plan.pools),
            *(("servers not compared",) if plan.unplanned else ()),
        )
    )
    return (Code(changes.environment.value), f": {said or 'settings alone'}")


def _problems(title: str, problems: Collection[Problem]) -> Section:
    return Section(
        title=title,
        lines=tuple(str(problem) for problem in problems),
        columns=("where", "rule", "", "what", "fix"),
        rows=tuple(
            (
                (Code(f"{one.file}:{one.line}:{one.column}"),),
                (one.rule,),
                (one.severity.value,),
                (one.message,),
                (one.fix,),
            )
            for one in problems
        ),
    )


def _unread(changes: CatalogChanges) -> Section:
    rows = tuple(((Code(file),), ("it cannot be read at BASE or at HEAD",)) for file in changes.unread)
    return Section(title="Not compared", columns=("file", "why"), rows=rows)


def _users(changes: EnvironmentChanges) -> Section:
    """By model and language; what changes for a whole entry comes before its languages."""
    said: list[tuple[Selector, Cell]] = [
        *((one.selector, _setting(setting)) for one in changes.entries for setting in one.settings),
        *((one.variant, what) for one in changes.releases for what in _release(one)),
        *(
            (one.selector.variant, ("version ", Code(str(one.selector.version)), ": ", *_setting(setting)))
            for one in changes.versions
            for setting in one.settings
        ),
    ]
    said.sort(key=lambda row: row[0].sort_key)
    return Section(
        title=f"What users of {changes.environment} get",
        columns=("model", "language", "change"),
        rows=tuple(
            ((Code(f"{one.task}/{one.model}"),), (Code(one.language) if one.language else "all",), what)
            for one, what in said
        ),
    )


def _release(change: ReleaseChange) -> Iterator[Cell]:
    starts, stops = set(change.starts), set(change.stops)
    match change.change, change.default:
        case Change.REMOVED, _:
            yield ("served no more",)
            return
        case Change.ADDED, SettingChange(new=new):
            yield ("served for the first time, default ", Code(new))
            starts -= {new}
        case _, SettingChange(old=old, new=new):
            yield ("default ", Code(old), " → ", Code(new))
    for canary in change.canary:
        yield ("canary ", *_setting(canary))
        starts -= set(canary.path)
    yield from (("version ", Code(version), " starts") for version in sorted(starts))
    yield from (("version ", Code(version), " stops") for version in sorted(stops))
    yield from (_setting(setting) for setting in change.settings)


def _servers(plan: PlanChanges) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (
            (Code(one.name),),
            (one.change.value,),
            (_count(one.before.replicas, one.after.replicas),),
            (_count(one.before.gpus, one.after.gpus),),
            _joined(_setting(setting) for setting in one.settings if setting.name != "replicas"),
        )
        for one in plan.servers
    ]
    if plan.unplanned:
        rows.append((("all",), ("not compared",), ("",), ("",), (plan.unplanned,)))
    return Section(
        title=f"Servers of {plan.environment}",
        columns=("server", "", "replicas", "GPUs", "change"),
        rows=tuple(rows),
    )


def _nodes(plan: PlanChanges) -> Section:
    rows = tuple(
        ((Code(pool.name),), (Code(pool.instance_type),), (_count(pool.before, pool.after),))
        for pool in plan.pools
    )
    return Section(title=f"Nodes of {plan.environment}", columns=("pool", "type", "nodes"), rows=rows)


def _definitions(changes: CatalogChanges) -> Section:
    """What the entries themselves say, whoever runs it. What came or went as a whole is one row."""
    whole = {one.selector for one in changes.entries if one.change is not Change.CHANGED}
    variants = [
        one
        for one in changes.variants
        if Selector(task=one.selector.task, model=one.selector.model) not in whole
    ]
    return Section(
        title="The catalog",
        columns=("what", "", "change"),
        rows=tuple(
            (
                (Code(str(one.selector)),),
                (one.change.value,),
                _joined(_setting(setting) for setting in one.settings),
            )
            for one in sorted(
                (*changes.entries, *variants, *changes.versions), key=lambda one: one.selector.sort_key
            )
        ),
    )


def _setting(change: SettingChange) -> Cell:
    """A mapping that is too long for a line is new or gone."""
    for value, other, became in ((change.new, change.old, " is new"), (change.old, change.new, " is gone")):
        if isinstance(value, Mapping) and other is None and len(_text(value)) > _LONGEST_VALUE:
            return (Code(change.name), became)
    return (Code(change.name), " ", *_value(change.old), " → ", *_value(change.new))


def _value(value: Any) -> Cell:
    if value is None:
        return ("nothing",)
    text = _text(value)
    return (Code(text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"),)


def _text(value: Any) -> str:
    """On one line; keys that say nothing are left out."""
    if isinstance(value, Mapping):
        value = {key: part for key, part in value.items() if part is not None}
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return printable(" ".join(text.split()))


def _joined(cells: Iterable[Cell]) -> Cell:
    joined: list[str] = []
    for cell in cells:
        joined += ["; ", *cell] if joined else cell
    return tuple(joined)


def _count(before: int, after: int) -> str:
    return str(after) if before == after else f"{before} → {after}"
