"""The whole catalog: entries and releases that passed every rule."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from pydantic import ValidationError

from model_catalog.entry import Entry
from model_catalog.release import Budget, Environment, Release, VariantRelease
from model_catalog.selector import Selector
from model_catalog.version import Version
from quantities import Percent


@dataclass(frozen=True, kw_only=True)
class RunningVersion:
    """One version that an environment runs."""

    selector: Selector
    """With all four parts."""
    entry: Entry
    version: Version
    """With the environment's overrides."""
    language: str
    version_id: str
    default: bool
    canary: Percent | None
    """Its share of the unversioned requests, where it is a canary."""


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Entries sorted by task and model; releases by environment."""

    entries: tuple[Entry, ...]
    releases: Mapping[Environment, Release]
    budgets: Mapping[Environment, Budget] = field(default_factory=lambda: MappingProxyType({}))
    """Of the environments that have one."""

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str | None], Entry]:
        return {(entry.task, entry.model): entry for entry in self.entries}

    def entry(self, selector: Selector) -> Entry | None:
        """The entry of the selector's task and model, if there is one."""
        return self._by_name.get((selector.task, selector.model))

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
                    version=overridden(version, version_id, released),
                    language=variant.language or "",
                    version_id=version_id,
                    default=version_id == released.default,
                    canary=released.canary.get(version_id),
                )


def overridden(version: Version, version_id: str, released: VariantRelease) -> Version:
    """The version with the release's overrides, later ones over earlier ones.

    An override that its engine refuses is left out here: the rule override-possible reports it.
    """
    for override in released.overrides:
        if override.versions and version_id not in override.versions:
            continue
        said = {**version.serving.model_dump(exclude_unset=True), **override.serving}
        try:
            serving = type(version.serving).model_validate(said)
        except ValidationError:
            continue
        version = version.model_copy(update={"serving": serving})
    return version
