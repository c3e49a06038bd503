"""Reads the catalog's folder. All problems of all files come at once, so that one run shows them all."""

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from model_catalog.catalog import Catalog
from model_catalog.entry import Entry, EntryFile
from model_catalog.inheritance import EntrySource
from model_catalog.problem import CatalogError, Problem, Severity
from model_catalog.release import BUDGET_KEY, Budget, Environment, Release
from model_catalog.rules import RULES, Context, Verdict, judge
from model_catalog.selector import Selector
from model_catalog.validation import Placed, validate
from model_catalog.yaml_source import Location, Source, parse_source, read_source

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
    paths = (*sorted((root / "entries").rglob("*")), *sorted((root / "releases").glob("*")))
    files = (
        (path, path.relative_to(root).as_posix()) for path in paths if path.is_symlink() or path.is_file()
    )
    return _judged(((name, _read_within(root, path, name)) for path, name in files), today)


def check_texts(
    texts: Mapping[str, bytes], today: date | None = None, name: str = "model_catalog"
) -> Checked:
    """As check_catalog, of files in memory: path below the catalog's root → content. `name` is the root's."""
    files = ((path, parse_source(texts[path], _named(name, path))) for path in sorted(texts))
    return _judged(files, today)


def _read_within(root: Path, path: Path, name: str) -> Source:
    """A link out of the catalog is not followed: findings show what is read, and CI shows findings to anybody."""
    shown = _named(root.name, name)
    if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
        found = Problem(
            file=shown,
            line=1,
            column=1,
            rule="file-readable",
            message="the file is a link that leads out of the catalog",
            fix="Put the file itself here",
        )
        return Source(file=shown, problems=(found,))
    return read_source(path, shown)


def _named(root: str, path: str) -> str:
    """As reports show the file: a name with line ends or control characters cannot pass for a line of theirs."""
    name = f"{root}/{path}"
    return name if name.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


@dataclass
class _Read:
    problems: list[Problem] = field(default_factory=list)
    entries: dict[Selector, Entry] = field(default_factory=dict)
    entry_sources: dict[Selector, EntrySource] = field(default_factory=dict)
    releases: dict[Environment, Release] = field(default_factory=dict)
    release_sources: dict[Environment, Source] = field(default_factory=dict)
    budgets: dict[Environment, Budget] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """All that is read stays: the collector would walk it again and again, and find nothing (1,000 entries: 1.5 s
    instead of 2.5 s, and linear; `make bench`)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_collector_paused()
def _judged(files: Iterable[tuple[str, Source]], today: date | None) -> Checked:
    read = _Read()
    for name, source in files:
        folder, _, rest = name.partition("/")
        if not name.endswith(".yaml"):
            # Editors and file managers leave hidden files of their own.
            read.problems.extend([] if "/." in name else [_not_read(source)])
        elif folder == "entries":
            _read_entry(name, source, read)
        else:
            _read_release(rest.removesuffix(".yaml"), source, read)
    return _checked(read, today)


def _checked(read: _Read, today: date | None) -> Checked:
    catalog = Catalog(
        entries=tuple(read.entries[selector] for selector in sorted(read.entries, key=lambda s: s.sort_key)),
        releases={environment: read.releases[environment] for environment in sorted(read.releases)},
        budgets={environment: read.budgets[environment] for environment in sorted(read.budgets)},
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


def _read_entry(name: str, source: Source, read: _Read) -> None:
    placed = EntrySource(source)
    read.problems.extend(placed.problems)
    entry: Entry | None = None
    if placed.value is not None or not placed.problems:
        file, found = validate(placed, EntryFile)
        read.problems.extend(found)
        entry = file.root if file is not None else None
    if entry is None:
        read.unread.add(name)
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


def _read_release(name: str, source: Source, read: _Read) -> None:
    if name not in list(Environment):
        read.problems.append(
            source.problem(
                (),
                rule="known-environment",
                message=f"{name!r} is not an environment",
                fix=f"Name the file after one of: {', '.join(Environment)}",
            )
        )
        return
    read.problems.extend(source.problems)
    if source.value is None and source.problems:
        return
    environment = Environment(name)
    variants = _read_budget(environment, source, read)
    release, found = validate(variants, Release)
    read.problems.extend(found)
    if release is not None:
        read.releases[environment], read.release_sources[environment] = release, source


def _read_budget(environment: Environment, source: Source, read: _Read) -> Placed:
    """The file without its budget: all else in it are variants."""
    if not isinstance(source.value, dict) or BUDGET_KEY not in source.value:
        return source
    budget, found = validate(_Part(source, source.value[BUDGET_KEY], (BUDGET_KEY,)), Budget)
    read.problems.extend(found)
    if budget is not None:
        read.budgets[environment] = budget
    variants = {key: value for key, value in source.value.items() if key != BUDGET_KEY}
    return _Part(source, variants, ())


@dataclass(frozen=True)
class _Part:
    """What of a file is a model of its own."""

    source: Source
    value: Any
    above: Location

    def problem(self, location: Location, *, rule: str, message: str, fix: str, key: bool = False) -> Problem:
        return self.source.problem((*self.above, *location), rule=rule, message=message, fix=fix, key=key)


def _not_read(source: Source) -> Problem:
    return Problem(
        file=source.file,
        line=1,
        column=1,
        rule="file-name",
        message="the file is not read, since its name does not end in .yaml",
        fix="Rename it, or move it out of the catalog",
        severity=Severity.WARNING,
    )


def _no_catalog(root: Path) -> Problem:
    return Problem(
        file=str(root),
        line=1,
        column=1,
        rule="catalog-exists",
        message="there is no folder entries here",
        fix="Name the folder that holds entries/ and releases/",
    )
