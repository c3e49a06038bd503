"""What two states of the catalog differ in, judged on what each version effectively says.

Everything is matched by its selector: an entry that moved to another file has not changed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel

from model_catalog.catalog import Catalog
from model_catalog.changes.settings import SettingChange, differences, plain
from model_catalog.entry import TorchServeEntry, entry_path
from model_catalog.loader import Checked
from model_catalog.problem import Severity
from model_catalog.release import Environment, VariantRelease
from model_catalog.selector import Selector
from model_catalog.version import Version

_ENTRY_PARTS: Final = frozenset({"languages"})
"""What is compared as variants and versions."""
_VARIANT_PARTS: Final = frozenset({"versions"})
_RELEASE_PARTS: Final = frozenset({"default", "versions", "canary"})
"""What ReleaseChange has fields for."""


class Change(StrEnum):
    """What became of something."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, kw_only=True)
class Changed:
    """An entry, a variant or a version that is not as it was."""

    selector: Selector
    change: Change
    settings: tuple[SettingChange, ...] = ()
    """Where it is on both sides; of an entry and a variant those of its own, without what it holds."""


@dataclass(frozen=True, kw_only=True)
class ReleaseChange:
    """A variant that an environment serves otherwise than before, or no longer, or for the first time."""

    variant: Selector
    change: Change
    default: SettingChange | None
    """Which version answers where a caller names none; None where that stays."""
    canary: tuple[SettingChange, ...]
    """Share of the unversioned requests by version."""
    starts: tuple[str, ...]
    """Versions that did not run before, sorted."""
    stops: tuple[str, ...]
    settings: tuple[SettingChange, ...]
    """Hold, pin, overrides, retirements and the version to go back to."""


@dataclass(frozen=True, kw_only=True)
class EnvironmentChanges:
    """What one environment gets."""

    environment: Environment
    releases: tuple[ReleaseChange, ...]
    """Sorted by variant."""
    entries: tuple[Changed, ...]
    """Entries that it runs before and after, with settings of their own that changed: owner, slo, replicas, steps."""
    versions: tuple[Changed, ...]
    """Versions that it runs before and after and that changed, its overrides included."""
    renamed: tuple[Changed, ...] = ()
    """Variants that TorchServe serves before and after, under another name: callers of the old one get 404."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Those of which a single variant is touched, sorted; what changes for a whole entry is not counted."""
        variants = (
            *(one.variant for one in self.releases),
            *(one.selector for one in (*self.versions, *self.renamed)),
        )
        return tuple(sorted({variant.language for variant in variants if variant.language}))

    @property
    def empty(self) -> bool:
        """Whether nothing changes."""
        return not (self.releases or self.entries or self.versions or self.renamed)


@dataclass(frozen=True, kw_only=True)
class CatalogChanges:
    """All that differs. Equal for equal input."""

    entries: tuple[Changed, ...]
    variants: tuple[Changed, ...]
    versions: tuple[Changed, ...]
    """Each sorted by selector."""
    environments: tuple[EnvironmentChanges, ...]
    """All of them, in the order of their names."""
    unread: tuple[str, ...]
    """Files that could not be read on one side, sorted; nothing is said of what they hold."""


def compare(base: Checked, head: Checked) -> CatalogChanges:
    """What HEAD changes of BASE."""
    unread = Unread(base, head)
    entries = tuple(_entries(base.catalog, head.catalog, unread))
    return CatalogChanges(
        entries=entries,
        variants=tuple(_variants(base.catalog, head.catalog, unread)),
        versions=tuple(_versions(base.catalog, head.catalog, unread)),
        environments=tuple(
            _environment(environment, base.catalog, head.catalog, entries, unread)
            for environment in sorted(Environment)
        ),
        unread=unread.files,
    )


class Unread:
    """What could not be read on one side at least: neither there nor gone."""

    def __init__(self, base: Checked, head: Checked) -> None:
        sides = [_unread(side) for side in (base, head)]
        self.files = tuple(sorted({*sides[0], *sides[1]}))
        # An entry is found by where it should lie, and by where it lies on the side that could be read.
        self._tails = {file.partition("/")[2] for file in self.files}
        self._moved = {
            selector
            for side in (base, head)
            for selector, source in side.entries.items()
            if source.file in self.files
        }

    def entry(self, selector: Selector) -> bool:
        """Whether nothing can be said of the entry that the selector lies in."""
        entry = Selector(task=selector.task, model=selector.model)
        return entry_path(entry) in self._tails or entry in self._moved

    def release(self, environment: Environment) -> bool:
        """Whether nothing can be said of what the environment runs."""
        return f"releases/{environment}.yaml" in self._tails


def _unread(side: Checked) -> set[str]:
    read = {source.file for source in side.entries.values()}
    read |= {source.file for source in side.releases.values()}
    reported = {problem.file for problem in side.problems if problem.severity is Severity.ERROR}
    return {file for file in reported - read if file.endswith(".yaml")}


def _entries(base: Catalog, head: Catalog, unread: Unread) -> Iterator[Changed]:
    old = {entry.selector: entry for entry in base.entries}
    new = {entry.selector: entry for entry in head.entries}
    for selector in _sorted({*old, *new}):
        if not unread.entry(selector):
            yield from _changed(selector, old.get(selector), new.get(selector), _ENTRY_PARTS)


def _variants(base: Catalog, head: Catalog, unread: Unread) -> Iterator[Changed]:
    old, new = _variants_of(base), _variants_of(head)
    for selector in _sorted({*old, *new}):
        if not unread.entry(selector):
            yield from _changed(selector, old.get(selector), new.get(selector), _VARIANT_PARTS)


def _variants_of(catalog: Catalog) -> dict[Selector, BaseModel]:
    return {
        Selector(task=entry.task, model=entry.model, language=tag): language
        for entry in catalog.entries
        for tag, language in entry.languages.items()
    }


def _versions(base: Catalog, head: Catalog, unread: Unread) -> Iterator[Changed]:
    old, new = versions_of(base), versions_of(head)
    for selector in _sorted({*old, *new}):
        if not unread.entry(selector):
            yield from _changed(selector, old.get(selector), new.get(selector))


def versions_of(catalog: Catalog) -> dict[Selector, Version]:
    """Every version of every entry, released or not, as the entry says it."""
    return {
        Selector(task=entry.task, model=entry.model, language=tag, version=name): version
        for entry in catalog.entries
        for tag, language in entry.languages.items()
        for name, version in language.versions.items()
    }


def _changed(
    selector: Selector, old: BaseModel | None, new: BaseModel | None, parts: frozenset[str] = frozenset()
) -> Iterator[Changed]:
    """`parts` are keys that are compared elsewhere."""
    if old is None:
        yield Changed(selector=selector, change=Change.ADDED)
    elif new is None:
        yield Changed(selector=selector, change=Change.REMOVED)
    elif old != new:
        settings = differences(plain(old, exclude=parts), plain(new, exclude=parts))
        if settings:
            yield Changed(selector=selector, change=Change.CHANGED, settings=settings)


def _environment(
    environment: Environment, base: Catalog, head: Catalog, entries: Iterable[Changed], unread: Unread
) -> EnvironmentChanges:
    if unread.release(environment):
        return EnvironmentChanges(environment=environment, releases=(), entries=(), versions=())
    old = {one.selector: one for one in base.running(environment)}
    new = {one.selector: one for one in head.running(environment)}
    runs = {one.entry.selector for one in old.values()} & {one.entry.selector for one in new.values()}
    return EnvironmentChanges(
        environment=environment,
        releases=tuple(_releases(released(base, environment), released(head, environment))),
        entries=tuple(change for change in entries if change.selector in runs),
        versions=tuple(
            change
            for selector in _sorted(old.keys() & new.keys())
            if not unread.entry(selector)
            for change in _changed(selector, old[selector].version, new[selector].version)
        ),
        renamed=tuple(renamed(base, head, environment, unread)),
    )


def renamed(base: Catalog, head: Catalog, environment: Environment, unread: Unread) -> Iterator[Changed]:
    """Variants of TorchServe that the environment runs on both sides, under another name; sorted by selector."""
    old, new = (_served_names(side, environment) for side in (base, head))
    for variant in _sorted(old.keys() & new.keys()):
        if old[variant] != new[variant] and not unread.entry(variant):
            name = SettingChange(path=("served_name",), old=old[variant], new=new[variant])
            yield Changed(selector=variant, change=Change.CHANGED, settings=(name,))


def _served_names(catalog: Catalog, environment: Environment) -> Mapping[Selector, str]:
    return {
        one.selector.variant: one.entry.server_model_name(one.language)
        for one in catalog.running(environment)
        if isinstance(one.entry, TorchServeEntry)
    }


def released(catalog: Catalog, environment: Environment) -> Mapping[Selector, VariantRelease]:
    """What the environment releases, by variant; nothing where it has no release file."""
    release = catalog.releases.get(environment)
    return {} if release is None else release.root


def _releases(
    old: Mapping[Selector, VariantRelease], new: Mapping[Selector, VariantRelease]
) -> Iterator[ReleaseChange]:
    for variant in _sorted({*old, *new}):
        before, after = old.get(variant), new.get(variant)
        if before == after:
            continue
        was, becomes = (_parts(one) for one in (before, after))
        settings = differences(was.settings, becomes.settings)
        default = differences(was.default, becomes.default)
        change = ReleaseChange(
            variant=variant,
            change=Change.ADDED if before is None else Change.REMOVED if after is None else Change.CHANGED,
            default=default[0] if default else None,
            canary=differences(was.canary, becomes.canary),
            starts=tuple(sorted(becomes.running - was.running)),
            stops=tuple(sorted(was.running - becomes.running)),
            settings=settings,
        )
        if change.default or change.canary or change.starts or change.stops or change.settings:
            yield change


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """A variant's release, taken apart."""

    default: Mapping[str, Any]
    canary: Mapping[str, Any]
    running: frozenset[str]
    settings: Mapping[str, Any]


def _parts(release: VariantRelease | None) -> _Parts:
    if release is None:
        return _Parts(default={}, canary={}, running=frozenset(), settings={})
    said = plain(release)
    return _Parts(
        default={"default": release.default},
        canary=said["canary"],
        running=frozenset(release.running),
        # An empty list says as little as none.
        settings={key: value or None for key, value in said.items() if key not in _RELEASE_PARTS},
    )


def _sorted(selectors: Iterable[Selector]) -> list[Selector]:
    return sorted(selectors, key=lambda selector: selector.sort_key)
