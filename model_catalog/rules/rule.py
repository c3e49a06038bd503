"""What a rule is, what it is given, and how all of them are run."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import groupby

from model_catalog.catalog import Catalog, RunningVersion
from model_catalog.entry import Entry, entry_path
from model_catalog.inheritance import EntrySource
from model_catalog.problem import Problem, Severity
from model_catalog.release import Environment
from model_catalog.selector import Selector
from model_catalog.version import Version
from model_catalog.yaml_source import Location, Source


@dataclass(frozen=True, kw_only=True)
class EntryVersion:
    """One version of an entry, released or not."""

    entry: Entry
    selector: Selector
    """With all four parts."""
    version: Version
    """As the entry says it, without any release's overrides."""

    @property
    def location(self) -> Location:
        """Where it stands in its entry."""
        return ("languages", self.selector.language or "", "versions", self.selector.version or "")


@dataclass(frozen=True, kw_only=True)
class Context:
    """All that a rule may look at. No rule asks a clock, a network or a cloud."""

    catalog: Catalog
    """What could be read; other files may have failed."""
    entries: Mapping[Selector, EntrySource]
    releases: Mapping[Environment, Source]
    unread: frozenset[str]
    """Entry files that exist and could not be read, as entries/<task>/<model>.yaml. Nothing is said of what they
    may hold."""
    today: date | None
    """The day by which dates are judged; None where they are not: `up` never depends on the day."""

    @cached_property
    def versions(self) -> tuple[EntryVersion, ...]:
        """Every version of every entry, sorted by selector."""
        return tuple(
            EntryVersion(entry=entry, selector=selector, version=entry.version(language, version))
            for entry in self.catalog.entries
            for language in sorted(entry.languages)
            for version in sorted(entry.languages[language].versions)
            for selector in [Selector(task=entry.task, model=entry.model, language=language, version=version)]
        )

    @cached_property
    def running(self) -> Mapping[Environment, tuple[RunningVersion, ...]]:
        """What each environment runs; found once for all rules."""
        return {environment: self.catalog.running(environment) for environment in self.catalog.releases}

    @cached_property
    def _running_of(self) -> Mapping[Selector, list[tuple[Environment, list[RunningVersion]]]]:
        found: dict[Selector, list[tuple[Environment, list[RunningVersion]]]] = {}
        for environment, versions in self.running.items():
            for entry, of_entry in groupby(versions, key=lambda one: one.entry.selector):
                found.setdefault(entry, []).append((environment, list(of_entry)))
        return found

    def running_of(self, entry: Entry) -> Sequence[tuple[Environment, Sequence[RunningVersion]]]:
        """The environments that run any of the entry's versions, and those versions."""
        return self._running_of.get(entry.selector, [])

    def is_unread(self, selector: Selector) -> bool:
        """Whether the entry's file is there and has problems of its own."""
        return entry_path(selector) in self.unread

    def in_entry(
        self, entry: Entry, location: Location, *, rule: str, message: str, fix: str, key: bool = False
    ) -> Problem:
        """A finding in an entry's file, at a location of its effective value."""
        return self.entries[entry.selector].problem(location, rule=rule, message=message, fix=fix, key=key)

    def in_release(
        self,
        environment: Environment,
        location: Location,
        *,
        rule: str,
        message: str,
        fix: str,
        key: bool = False,
    ) -> Problem:
        """A finding in an environment's release file."""
        return self.releases[environment].problem(location, rule=rule, message=message, fix=fix, key=key)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule: its id, what it demands, and the check. docs/rules.md has a page for each, by id."""

    id: str
    demand: str
    """In a sentence."""
    check: Callable[[Context], Iterator[Problem]]
    severity: Severity = Severity.ERROR
    acceptable: bool = False
    """Whether an entry may accept it, with a reason and a date. It then reports in entries' files alone."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the rules say."""

    problems: tuple[Problem, ...]
    """Sorted by place; without what was accepted."""
    accepted: tuple[Problem, ...]


def judge(rules: Iterable[Rule], context: Context) -> Verdict:
    """Run the rules. A problem's severity is its rule's."""
    accepts = {
        (context.entries[entry.selector].file, acceptance.rule)
        for entry in context.catalog.entries
        for acceptance in entry.accepts
    }
    problems: set[Problem] = set()
    accepted: set[Problem] = set()
    for rule in rules:
        for problem in rule.check(context):
            kept = accepted if rule.acceptable and (problem.file, rule.id) in accepts else problems
            kept.add(replace(problem, severity=rule.severity))
    return Verdict(problems=tuple(sorted(problems)), accepted=tuple(sorted(accepted)))


def advice(text: str) -> tuple[str, str]:
    """Message and fix of a text that says "what is wrong; what to do"."""
    message, _, fix = text.partition("; ")
    return message, fix[:1].upper() + fix[1:]


def suggest(name: str, known: Iterable[str]) -> str:
    """A fix that names what was probably meant, else all there is."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"Did you mean {near[0]}?"
    shown = ", ".join(names[:9]) + (f" and {len(names) - 9} more" if len(names) > 9 else "")
    return f"It has: {shown or 'none'}"
