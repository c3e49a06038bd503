"""What `slipway diff` found, as data; and as sections, which every format for people prints alike.

A new subject is a function that gives a section, and a line in `sections`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from cli.diff_cells import Cell, Code, Section, joined, setting
from cli.diff_headline import headline
from cli.diff_plan_sections import plan_sections
from model_catalog import Problem, Selector, Severity
from model_catalog.changes import (
    CatalogChanges,
    Change,
    EnvironmentChanges,
    ReleaseChange,
    SettingChange,
)
from planning.changes import PlanChanges


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

    def changed(self) -> Iterator[tuple[EnvironmentChanges, PlanChanges]]:
        """Environments in which anything changes, with what becomes of their plan."""
        plans = {plan.environment: plan for plan in self.plans}
        for changes in self.changes.environments:
            plan = plans[changes.environment]
            if not changes.empty or not plan.empty:
                yield changes, plan


def headlines(report: Report) -> tuple[Cell, ...]:
    """One line for each environment that changes; a single one where none does."""
    lines = tuple(headline(changes, plan) for changes, plan in report.changed())
    return lines or (("Nothing that an environment serves changes.",),)


def sections(report: Report) -> tuple[Section, ...]:
    """For people; those with nothing to say are left out."""
    found = [
        _problems("Rules that this change breaks", report.broken),
        _problems("Problems of the catalog", report.problems),
        _unread(report.changes),
    ]
    for changes, plan in report.changed():
        found += [_users(changes), *plan_sections(plan)]
    found += [_definitions(report.changes)]
    return tuple(section for section in found if section.rows)


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
        *((one.selector, setting(change)) for one in changes.entries for change in one.settings),
        *((one.variant, what) for one in changes.releases for what in _release(one)),
        *((one.selector, _renamed(change)) for one in changes.renamed for change in one.settings),
        *(
            (one.selector.variant, ("version ", Code(str(one.selector.version)), ": ", *setting(change)))
            for one in changes.versions
            for change in one.settings
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


def _renamed(change: SettingChange) -> Cell:
    old, new = (f"/predictions/{name}" for name in (change.old, change.new))
    return (Code(old), " → ", Code(new), ": callers of the old name get 404")


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
        yield ("canary ", *setting(canary))
        starts -= set(canary.path)
    yield from (("version ", Code(version), " starts") for version in sorted(starts))
    yield from (("version ", Code(version), " stops") for version in sorted(stops))
    yield from (setting(one) for one in change.settings)


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
                joined(setting(change) for change in one.settings),
            )
            for one in sorted(
                (*changes.entries, *variants, *changes.versions), key=lambda one: one.selector.sort_key
            )
        ),
    )
