"""Both sides of a change, as rules ask about them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from model_catalog.catalog import Catalog
from model_catalog.changes.compare import Unread, released
from model_catalog.loader import Checked
from model_catalog.problem import Problem
from model_catalog.release import Environment, VariantRelease
from model_catalog.selector import Selector
from model_catalog.yaml_source import Location


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Both sides of a change, and all that a rule may ask of them. Places of findings are those of HEAD."""

    base: Checked
    head: Checked
    today: date | None
    """The day by which holds and retirements are judged; None: no date has passed."""

    @cached_property
    def unread(self) -> Unread:
        """What cannot be judged."""
        return Unread(self.base, self.head)

    @cached_property
    def released_before(self) -> Mapping[Selector, tuple[Environment, ...]]:
        """Versions that an environment ran at BASE, or would have gone back to; sorted by selector."""
        return _released(self.base.catalog)

    @cached_property
    def released_after(self) -> Mapping[Selector, tuple[Environment, ...]]:
        """The same at HEAD."""
        return _released(self.head.catalog)

    def kept(self) -> Iterator[tuple[Environment, Selector, VariantRelease, VariantRelease]]:
        """Variants that an environment releases on both sides."""
        for environment in self.base.catalog.releases:
            before, after = (released(side.catalog, environment) for side in (self.base, self.head))
            for variant in before.keys() & after.keys():
                yield environment, variant, before[variant], after[variant]

    def gone(self) -> Iterator[tuple[Environment, Selector, VariantRelease]]:
        """Variants that an environment releases no more."""
        for environment in self.base.catalog.releases:
            if self.unread.release(environment):
                continue
            before, after = (released(side.catalog, environment) for side in (self.base, self.head))
            for variant in before.keys() - after.keys():
                yield environment, variant, before[variant]

    def in_entry(
        self, selector: Selector, location: Location, *, rule: str, message: str, fix: str, key: bool = False
    ) -> Problem:
        """A finding in the entry's file, where it was written; in the file that was, where the entry is gone."""
        entry = Selector(task=selector.task, model=selector.model)
        placed = self.head.entries.get(entry)
        if placed is None:
            return _at_the_start(self.base.entries[entry].file, rule=rule, message=message, fix=fix)
        return placed.problem(location, rule=rule, message=message, fix=fix, key=key)

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
        """A finding in the environment's release file; in the file that was, where it is gone."""
        placed = self.head.releases.get(environment)
        if placed is None:
            file = self.base.releases[environment].file
            return _at_the_start(file, rule=rule, message=message, fix=fix)
        return placed.problem(location, rule=rule, message=message, fix=fix, key=key)


def _at_the_start(file: str, *, rule: str, message: str, fix: str) -> Problem:
    return Problem(file=file, line=1, column=1, rule=rule, message=message, fix=fix)


def _released(catalog: Catalog) -> Mapping[Selector, tuple[Environment, ...]]:
    found: dict[Selector, list[Environment]] = defaultdict(list)
    for environment, release in catalog.releases.items():
        for variant, one in release.root.items():
            for version in {*one.running, *((one.rollback,) if one.rollback else ())}:
                found[replace(variant, version=version)].append(environment)
    return {selector: tuple(sorted(found[selector])) for selector in sorted(found, key=lambda s: s.sort_key)}
