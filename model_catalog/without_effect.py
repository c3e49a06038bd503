"""The keys of a catalog that nothing acts on yet: one table, for every command that reads them.

Work that acts on a key takes its row out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from model_catalog.catalog import Catalog
from model_catalog.entry import Entry, LanguageFrom
from model_catalog.release import Environment
from model_catalog.selector import Selector
from model_catalog.version import LlmVersion

_LIMITS: Final = "docs/known-limits.md"


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """One entry or released variant that says something without effect."""

    selector: Selector
    words: str
    """The beginning of a sentence, as in "a canary of 10% is declared in dev"."""


@dataclass(frozen=True, kw_only=True)
class WithoutEffect:
    """A key that has no effect yet, and who declares it."""

    kind: str
    """The key, as in canary."""
    missing: str
    """The thing that does not happen, in words."""
    page: str
    """The page that says more."""
    declared: tuple[Declaration, ...]
    """Sorted by selector; at least one."""

    @property
    def first(self) -> Selector:
        """The first who declares it."""
        return self.declared[0].selector

    @property
    def count(self) -> int:
        """Entries, or variants of releases, that declare it."""
        return len({one.selector for one in self.declared})

    @property
    def message(self) -> str:
        """One sentence for all of them."""
        what = "entries" if self.first.language is None else "variants"
        who = f"{self.count} {what}, {self.first} first" if self.count > 1 else str(self.first)
        return f"{self.declared[0].words} for {who}; {self.missing} ({self.page})"

    def __str__(self) -> str:
        return f"without effect: {self.message}"

    def as_json(self) -> dict[str, Any]:
        """A contract: keys are added, never changed."""
        return {
            "kind": self.kind,
            "count": self.count,
            "first": str(self.first),
            "selectors": list(dict.fromkeys(str(one.selector) for one in self.declared)),
            "message": self.message,
            "page": self.page,
        }


def without_effect(catalog: Catalog, environment: Environment | None = None) -> tuple[WithoutEffect, ...]:
    """Return what the environment runs and declares without effect; of all of the catalog, where it is None."""
    entries = catalog.entries
    if environment is not None:
        running = {one.entry.selector for one in catalog.running(environment)}
        entries = tuple(entry for entry in entries if entry.selector in running)
    found = (
        *(_of_entries(row, entries) for row in _OF_ENTRIES),
        _canaries(catalog, catalog.releases if environment is None else (environment,)),
    )
    return tuple(sorted((one for one in found if one.declared), key=lambda one: one.kind))


def declared_within(found: Iterable[WithoutEffect], wanted: Selector) -> tuple[WithoutEffect, ...]:
    """Keep the declarations that a selector is about: those that match it, and those of the entry that it lies in."""
    return _kept(found, lambda one: wanted.matches(one.selector) or one.selector.matches(wanted))


def declared_anew(
    before: Iterable[WithoutEffect], after: Iterable[WithoutEffect]
) -> tuple[WithoutEffect, ...]:
    """Return what `after` declares and `before` does not."""
    known: Mapping[str, frozenset[Declaration]] = {one.kind: frozenset(one.declared) for one in before}
    found = (
        replace(one, declared=tuple(each for each in one.declared if each not in known.get(one.kind, ())))
        for one in after
    )
    return tuple(one for one in found if one.declared)


def _kept(found: Iterable[WithoutEffect], keeps: Callable[[Declaration], bool]) -> tuple[WithoutEffect, ...]:
    kept = (replace(one, declared=tuple(filter(keeps, one.declared))) for one in found)
    return tuple(one for one in kept if one.declared)


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A key of entries."""

    kind: str
    words: str
    missing: str
    page: str
    declares: Callable[[Entry], bool]


def _versions(entry: Entry) -> Iterator[LlmVersion]:
    for language in entry.languages.values():
        for version in language.versions.values():
            if isinstance(version, LlmVersion):
                yield version


_OF_ENTRIES: Final = (
    _Row(
        kind="autoscaling",
        words="autoscaling is declared",
        missing="min_replicas run, and nothing adds a server",
        page=_LIMITS,
        declares=lambda entry: entry.autoscaling is not None,
    ),
    _Row(
        kind="drift",
        words="drift detection is declared",
        missing="no request is compared with a baseline, and no alert says that they differ",
        page=_LIMITS,
        declares=lambda entry: entry.drift is not None,
    ),
    _Row(
        kind="language_from",
        words="language_from: text is declared",
        missing="no text is asked for its language: callers name it",
        page=_LIMITS,
        declares=lambda entry: entry.language_from is LanguageFrom.TEXT,
    ),
    _Row(
        kind="preprocessing",
        words="steps before inference are declared",
        missing="none of them runs: a request reaches its model as it was sent",
        page=_LIMITS,
        declares=lambda entry: bool(entry.preprocessing),
    ),
    _Row(
        kind="prompt_template",
        words="a prompt template is declared",
        missing="no prompt is wrapped in it: it reaches its engine as it was sent",
        page=_LIMITS,
        declares=lambda entry: any(version.prompt_template for version in _versions(entry)),
    ),
    _Row(
        kind="sampling",
        words="sampling is declared",
        missing="no request gets it: what it does not say itself is the engine's own default",
        page=_LIMITS,
        declares=lambda entry: any(version.sampling.model_fields_set for version in _versions(entry)),
    ),
    _Row(
        kind="slo",
        words="a service level is declared",
        missing="no alert looks at it: thresholds are the same for all models",
        page="docs/monitoring.md",
        declares=lambda entry: entry.slo is not None,
    ),
)


def _of_entries(row: _Row, entries: Iterable[Entry]) -> WithoutEffect:
    return WithoutEffect(
        kind=row.kind,
        missing=row.missing,
        page=row.page,
        declared=tuple(
            Declaration(selector=entry.selector, words=row.words) for entry in entries if row.declares(entry)
        ),
    )


def _canaries(catalog: Catalog, environments: Iterable[Environment]) -> WithoutEffect:
    declared = [
        Declaration(selector=variant, words=f"a canary of {share} is declared in {environment}")
        for environment in environments
        if environment in catalog.releases
        for variant, released in catalog.releases[environment].root.items()
        for share in released.canary.values()
    ]
    return WithoutEffect(
        kind="canary",
        missing="no request meets it: the default answers all that name no version",
        page=_LIMITS,
        declared=tuple(sorted(declared, key=lambda one: one.selector.sort_key)),
    )
