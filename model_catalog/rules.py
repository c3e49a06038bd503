"""Rules that look across files. Each has an id that every report names; docs list them from this table."""

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from engines import FETCH_IMAGE, ImageReference, tgi, torchserve
from model_catalog.catalog import Catalog, RunningVersion
from model_catalog.entry import Entry, TgiEntry, TorchServeEntry
from model_catalog.problem import Problem
from model_catalog.release import Environment
from model_catalog.selector import Selector
from model_catalog.yaml_source import Location, Source


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The files behind a catalog, so that a rule can say where."""

    entries: Mapping[Selector, Source]
    releases: Mapping[Environment, Source]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule: its id, what it demands, and the check."""

    id: str
    demand: str
    check: Callable[[Catalog, Sources], Iterator[Problem]]


def _entry_path(catalog: Catalog, sources: Sources) -> Iterator[Problem]:
    for entry in catalog.entries:
        source = sources.entries[entry.selector]
        if not source.file.endswith(f"/{entry.path}"):
            yield source.problem(
                ("task",),
                rule="entry-path",
                message=f"the entry {entry.selector} lies in the wrong file",
                fix=f"Move it to {entry.path}",
            )


def _version_exists(catalog: Catalog, sources: Sources) -> Iterator[Problem]:
    for environment, release in catalog.releases.items():
        source = sources.releases[environment]
        for variant, released in release.root.items():
            entry = catalog.entry(variant)
            language = entry.languages.get(variant.language or "") if entry else None
            location: Location = (str(variant),)
            if language is None:
                known = sorted({str(selector.variant) for selector in catalog.selectors()})
                yield source.problem(
                    location,
                    rule="version-exists",
                    message=f"{variant} is in no entry",
                    fix=_suggest(str(variant), known),
                    key=True,
                )
                continue
            for version in released.running:
                if version not in language.versions:
                    yield source.problem(
                        (*location, *_version_location(version, released.default, released.versions)),
                        rule="version-exists",
                        message=f"{variant} has no version {version!r}",
                        fix=_suggest(version, sorted(language.versions)),
                    )


def _unique_server_name(catalog: Catalog, sources: Sources) -> Iterator[Problem]:
    for environment in catalog.releases:
        named: dict[str, set[Selector]] = defaultdict(set)
        for running in catalog.running(environment):
            # TGI's servers hold one version each and have no names for models inside.
            if isinstance(running.entry, TorchServeEntry):
                named[running.entry.server_model_name(running.language)].add(running.selector.variant)
        for name, variants in sorted(named.items()):
            first, *others = sorted(variants, key=lambda variant: variant.sort_key)
            for other in others:
                yield sources.releases[environment].problem(
                    (str(other),),
                    rule="unique-server-name",
                    message=f"{other} and {first} are both served as {name!r} in {environment}",
                    fix="Give one model another name, or release it in another environment",
                    key=True,
                )


def _unique_archive(catalog: Catalog, sources: Sources) -> Iterator[Problem]:
    for entry in catalog.entries:
        if not isinstance(entry, TorchServeEntry):
            continue
        source = sources.entries[entry.selector]
        seen: dict[str, Selector] = {}
        for language in sorted(entry.languages):
            for version in sorted(entry.languages[language].versions):
                selector = Selector(task=entry.task, model=entry.model, language=language, version=version)
                archive = entry.archive(language, version)
                if archive in seen:
                    yield source.problem(
                        ("languages", language, "versions", version),
                        rule="unique-archive",
                        message=f"{selector} and {seen[archive]} share the archive {archive}",
                        fix="Give one an archive name of its own with archive:",
                        key=True,
                    )
                seen.setdefault(archive, selector)


def _resolved_digests(catalog: Catalog, sources: Sources) -> Iterator[Problem]:
    for environment in catalog.releases:
        if not environment.requires_digests:
            continue
        for running in catalog.running(environment):
            location: Location = (str(running.selector.variant),)
            for what in _unresolved(running):
                yield sources.releases[environment].problem(
                    location,
                    rule="resolved-digests",
                    message=f"{running.selector} runs in {environment} with {what} unresolved",
                    fix="Write the digest that was observed, or release it elsewhere",
                    key=True,
                )


def _unresolved(running: RunningVersion) -> Iterator[str]:
    yield from running.version.artifact.unresolved
    for image in images_of(running.entry):
        if not image.resolved:
            yield f"the digest of image {image}"


def images_of(entry: Entry) -> tuple[ImageReference, ...]:
    """Every image that serving the entry pulls."""
    match entry:
        case TorchServeEntry():
            return (torchserve.IMAGES[entry.device], FETCH_IMAGE)
        case TgiEntry():
            return (tgi.IMAGE, FETCH_IMAGE)


RULES = (
    Rule(
        id="entry-path",
        demand="An entry lies in entries/<task>/<model>.yaml.",
        check=_entry_path,
    ),
    Rule(
        id="resolved-digests",
        demand="What runs in prod, artifact and image, is pinned by digest.",
        check=_resolved_digests,
    ),
    Rule(
        id="unique-archive",
        demand="No two versions of an entry share an archive name.",
        check=_unique_archive,
    ),
    Rule(
        id="unique-server-name",
        demand="No two variants of an environment are served by TorchServe under the same name.",
        check=_unique_server_name,
    ),
    Rule(
        id="version-exists",
        demand="A release names only versions that an entry has.",
        check=_version_exists,
    ),
)


def _version_location(version: str, default: str, versions: tuple[str, ...]) -> Location:
    return (
        ("versions", versions.index(version)) if version in versions and version != default else ("default",)
    )


def _suggest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]}?" if near else f"It has: {', '.join(known) or 'none'}"
