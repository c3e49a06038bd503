"""The whole catalog: entries and releases that passed every rule."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from model_catalog.entry import Entry, Version
from model_catalog.release import Environment, Release
from model_catalog.selector import Selector


@dataclass(frozen=True, kw_only=True)
class RunningVersion:
    """One version that an environment runs."""

    selector: Selector
    """With all four parts."""
    entry: Entry
    version: Version
    language: str
    version_id: str
    default: bool


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Entries sorted by task and model; releases by environment."""

    entries: tuple[Entry, ...]
    releases: Mapping[Environment, Release]

    def entry(self, selector: Selector) -> Entry | None:
        """The entry of the selector's task and model, if there is one."""
        for entry in self.entries:
            if (entry.task, entry.model) == (selector.task, selector.model):
                return entry
        return None

    def selectors(self) -> tuple[Selector, ...]:
        """Every version of every entry, released or not, sorted."""
        return tuple(
            Selector(task=entry.task, model=entry.model, language=language, version=version)
            for entry in self.entries
            for language in sorted(entry.languages)
            for version in sorted(entry.languages[language].versions)
        )

    def running(self, environment: Environment) -> tuple[RunningVersion, ...]:
        """The versions an environment runs, sorted by selector; none where it has no release file."""
        release = self.releases.get(environment)
        found = [] if release is None else list(_running(self, release))
        return tuple(sorted(found, key=lambda running: running.selector.sort_key))


def _running(catalog: Catalog, release: Release) -> Iterator[RunningVersion]:
    for variant, released in release.root.items():
        entry = catalog.entry(variant)
        language = entry.languages.get(variant.language or "") if entry else None
        if entry is None or language is None:
            continue  # the rule version-exists reports it
        for version_id in released.running:
            version = language.versions.get(version_id)
            if version is not None:
                yield RunningVersion(
                    selector=Selector(
                        task=entry.task, model=entry.model, language=variant.language, version=version_id
                    ),
                    entry=entry,
                    version=version,
                    language=variant.language or "",
                    version_id=version_id,
                    default=version_id == released.default,
                )
