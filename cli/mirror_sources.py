"""A version names repositories of the Hub, and later, in their place, the copies in a bucket."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import typer

from artifacts import RefusedError
from cli import edits
from cli.selectors import parse_selector
from engines import UNRESOLVED
from model_catalog import (
    Artifact,
    BucketArtifact,
    Catalog,
    CatalogError,
    HubArtifact,
    MirroredFrom,
    Selector,
    check_catalog,
    entry_path,
)
from model_catalog.editing import with_artifact
from model_catalog.ids import PATTERN_HINTS, REPOSITORY_PATTERN
from model_catalog.version import LlmVersion
from model_catalog.yaml_source import Location

_DEFAULT_BRANCH = "main"


@dataclass(frozen=True, kw_only=True)
class HubSource:
    """One repository to mirror."""

    place: Location
    """The place of it in a version: ("artifact",), or ("adapters", "legal")."""
    repository: str
    revision: str
    """A branch, tag or commit."""
    digest: str = UNRESOLVED
    """The digest that the catalog says of its files."""


def source_named(repository: str, revision: str | None) -> HubSource:
    """Return the source for a repository that no version names."""
    if not re.search(REPOSITORY_PATTERN, repository):
        raise typer.BadParameter(f"--repository is {repository!r}; {PATTERN_HINTS[REPOSITORY_PATTERN]}")
    return HubSource(place=("artifact",), repository=repository, revision=revision or _DEFAULT_BRANCH)


def version_named(text: str) -> Selector:
    """Return the one version that a selector names."""
    wanted = parse_selector(text, _catalog())
    if wanted.version is None:
        raise typer.BadParameter(f"{text} names no single version; add one, as in {text}@1")
    return wanted


def sources_of(version: Selector) -> Sequence[HubSource]:
    """Return the repositories of a version's weights and adapters, those that were mirrored before included.

    Raises:
        RefusedError: there are none.
    """
    return _sources(version, _catalog())


def write_mirrors(
    version: Selector, sources: Sequence[HubSource], mirrors: Mapping[Location, BucketArtifact], *, yes: bool
) -> None:
    """Put the mirrors into the version's entry. The catalog is read anew: it may have changed while files were copied.

    Raises:
        RefusedError: the version names other files by now.
    """
    changes = edits.Edits()
    if _sources(version, changes.catalog) != sources:
        raise RefusedError(
            f"{version}: its entry names other files than those that were mirrored. Fix: run it again; what was copied "
            "is kept"
        )
    path = entry_path(version)
    with changes.locating(path):
        for place, artifact in mirrors.items():
            changes.put(path, with_artifact(changes.text(path) or "", version, place, artifact))
    changes.settle(yes=yes)


def _catalog() -> Catalog:
    checked = check_catalog(edits.CATALOG)
    if checked.errors:
        raise CatalogError(checked.errors)
    return checked.catalog


def _sources(version: Selector, catalog: Catalog) -> Sequence[HubSource]:
    entry = catalog.entry(version)
    if entry is None:
        raise RefusedError(f"{version} is in no entry any more. Fix: name one that is")
    said = entry.version(version.language or "", version.version or "")
    artifacts: dict[Location, Artifact] = {("artifact",): said.artifact}
    if isinstance(said, LlmVersion):
        artifacts |= {("adapters", name): adapter for name, adapter in said.adapters.items()}
    found = [source for place, artifact in artifacts.items() if (source := _source(place, artifact))]
    if not found:
        raise RefusedError(
            f"{version}: nothing of it is on the Hub: its artifact is {said.artifact}. Fix: name another version, or "
            "--repository OWNER/NAME"
        )
    return found


def _source(place: Location, artifact: Artifact) -> HubSource | None:
    match artifact:
        case HubArtifact(repository=repository, revision=revision):
            revision = _DEFAULT_BRANCH if revision == UNRESOLVED else revision
        case BucketArtifact(mirrored_from=MirroredFrom(repository=repository, revision=revision)):
            pass
        case _:
            return None
    return HubSource(place=place, repository=repository, revision=revision, digest=artifact.digest)
