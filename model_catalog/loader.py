"""Reads the catalog's folder. All problems of all files come at once, so that one run shows them all."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from model_catalog.catalog import Catalog
from model_catalog.entry import Entry, EntryFile
from model_catalog.inheritance import EntrySource
from model_catalog.problem import CatalogError, Problem, Severity
from model_catalog.release import Environment, Release
from model_catalog.rules import RULES, Context, Verdict, judge
from model_catalog.selector import Selector
from model_catalog.validation import validate
from model_catalog.yaml_source import Source, read_source

CATALOG_ROOT: Final = Path(__file__).parent
"""The catalog of this repository."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A catalog as far as it could be read, and all that is to be said of it."""

    catalog: Catalog
    problems: tuple[Problem, ...]
    """Errors and warnings, sorted by place."""
    accepted: tuple[Problem, ...]
    """Warnings that entries accept."""
    entries: dict[Selector, EntrySource]
    releases: dict[Environment, Source]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What forbids using the catalog."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)


def load_catalog(root: Path = CATALOG_ROOT) -> Catalog:
    """Load entries/ and releases/ below `root`. Raises CatalogError with every error found.

    Dates are not judged: what `up` does depends on files alone.
    """
    checked = check_catalog(root)
    if checked.errors:
        raise CatalogError(checked.errors)
    return checked.catalog


def check_catalog(root: Path = CATALOG_ROOT, today: date | None = None) -> Checked:
    """Read everything below `root` and judge it; with `today`, what holds until a date as well. Never raises."""
    if not (root / "entries").is_dir():
        return _checked(_Read(problems=[_no_catalog(root)]), None)
    read = _Read()
    _read_entries(root, read)
    _read_releases(root, read)
    return _checked(read, today)


@dataclass
class _Read:
    problems: list[Problem] = field(default_factory=list)
    entries: dict[Selector, Entry] = field(default_factory=dict)
    entry_sources: dict[Selector, EntrySource] = field(default_factory=dict)
    releases: dict[Environment, Release] = field(default_factory=dict)
    release_sources: dict[Environment, Source] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)


def _checked(read: _Read, today: date | None) -> Checked:
    catalog = Catalog(
        entries=tuple(read.entries[selector] for selector in sorted(read.entries, key=lambda s: s.sort_key)),
        releases={environment: read.releases[environment] for environment in sorted(read.releases)},
    )
    verdict: Verdict = judge(
        RULES,
        Context(
            catalog=catalog,
            entries=read.entry_sources,
            releases=read.release_sources,
            unread=frozenset(read.unread),
            today=today,
        ),
    )
    return Checked(
        catalog=catalog,
        problems=tuple(sorted({*read.problems, *verdict.problems})),
        accepted=verdict.accepted,
        entries=read.entry_sources,
        releases=read.release_sources,
    )


def _read_entries(root: Path, read: _Read) -> None:
    for path in sorted((root / "entries").rglob("*.yaml")):
        source = read_source(path, _shown(root, path))
        read.problems.extend(source.problems)
        placed = EntrySource(source)
        entry: Entry | None = None
        if source.value is not None or not source.problems:
            file, found = validate(placed, EntryFile)
            read.problems.extend(found)
            entry = file.root if file is not None else None
        if entry is None:
            read.unread.add(path.relative_to(root).as_posix())
        elif entry.selector in read.entries:
            first = read.entry_sources[entry.selector].file
            read.problems.append(
                placed.problem(
                    ("task",),
                    rule="duplicate-entry",
                    message=f"{entry.selector} is also in {first}",
                    fix="Keep one of the files",
                )
            )
        else:
            read.entries[entry.selector], read.entry_sources[entry.selector] = entry, placed


def _read_releases(root: Path, read: _Read) -> None:
    for path in sorted((root / "releases").glob("*.yaml")):
        source = read_source(path, _shown(root, path))
        if path.stem not in list(Environment):
            read.problems.append(
                source.problem(
                    (),
                    rule="known-environment",
                    message=f"{path.stem!r} is not an environment",
                    fix=f"Name the file after one of: {', '.join(Environment)}",
                )
            )
            continue
        read.problems.extend(source.problems)
        if source.value is None and source.problems:
            continue
        release, found = validate(source, Release)
        read.problems.extend(found)
        if release is not None:
            environment = Environment(path.stem)
            read.releases[environment], read.release_sources[environment] = release, source


def _no_catalog(root: Path) -> Problem:
    return Problem(
        file=str(root),
        line=1,
        column=1,
        rule="catalog-exists",
        message="there is no folder entries here",
        fix="Name the folder that holds entries/ and releases/",
    )


def _shown(root: Path, path: Path) -> str:
    return path.relative_to(root.parent).as_posix()
