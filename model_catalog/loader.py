"""Reads the catalog's folder. All problems of all files come in one error, so that one run shows them all."""

from pathlib import Path
from typing import Final

from model_catalog.catalog import Catalog
from model_catalog.entry import Entry, EntryFile
from model_catalog.problem import CatalogError, Problem
from model_catalog.release import Environment, Release
from model_catalog.rules import RULES, Sources
from model_catalog.selector import Selector
from model_catalog.validation import validate
from model_catalog.yaml_source import Source, read_source

CATALOG_ROOT: Final = Path(__file__).parent
"""The catalog of this repository."""


def load_catalog(root: Path = CATALOG_ROOT) -> Catalog:
    """Load entries/ and releases/ below `root`. Raises CatalogError with every problem found."""
    if not (root / "entries").is_dir():
        raise CatalogError([_no_catalog(root)])
    problems: list[Problem] = []
    entries, entry_sources = _load_entries(root, problems)
    releases, release_sources = _load_releases(root, problems)
    catalog = Catalog(
        entries=tuple(entries[selector] for selector in sorted(entries, key=lambda s: s.sort_key)),
        releases={environment: releases[environment] for environment in sorted(releases)},
    )
    # Rules look across files: with a file missing they would report its absence in every other place.
    if not problems:
        sources = Sources(entries=entry_sources, releases=release_sources)
        for rule in RULES:
            problems.extend(rule.check(catalog, sources))
    if problems:
        raise CatalogError(problems)
    return catalog


def _load_entries(
    root: Path, problems: list[Problem]
) -> tuple[dict[Selector, Entry], dict[Selector, Source]]:
    entries: dict[Selector, Entry] = {}
    sources: dict[Selector, Source] = {}
    for path in sorted((root / "entries").rglob("*.yaml")):
        source = read_source(path, _shown(root, path))
        read, found = (None, ()) if source.value is None and source.problems else validate(source, EntryFile)
        problems.extend((*source.problems, *found))
        if read is None:
            continue
        entry = read.root
        if entry.selector in sources:
            problems.append(
                source.problem(
                    ("task",),
                    rule="duplicate-entry",
                    message=f"{entry.selector} is also in {sources[entry.selector].file}",
                    fix="Keep one of the files",
                )
            )
            continue
        entries[entry.selector], sources[entry.selector] = entry, source
    return entries, sources


def _load_releases(
    root: Path, problems: list[Problem]
) -> tuple[dict[Environment, Release], dict[Environment, Source]]:
    releases: dict[Environment, Release] = {}
    sources: dict[Environment, Source] = {}
    for path in sorted((root / "releases").glob("*.yaml")):
        source = read_source(path, _shown(root, path))
        if path.stem not in list(Environment):
            problems.append(
                source.problem(
                    (),
                    rule="known-environment",
                    message=f"{path.stem!r} is not an environment",
                    fix=f"Name the file after one of: {', '.join(Environment)}",
                )
            )
            continue
        release, found = (None, ()) if source.value is None and source.problems else validate(source, Release)
        problems.extend((*source.problems, *found))
        if release is not None:
            environment = Environment(path.stem)
            releases[environment], sources[environment] = release, source
    return releases, sources


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
