"""Whether a new default answers as well as the version it replaced."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from engines import UNRESOLVED
from model_catalog.entry import Entry, Quality
from model_catalog.problem import Problem, Severity
from model_catalog.release import Environment
from model_catalog.rules.rule import Context, Rule
from model_catalog.selector import Selector
from model_catalog.version import Version
from model_catalog.yaml_source import Location


@dataclass(frozen=True, kw_only=True)
class _Replacement:
    """A default, and the version that the release would go back to."""

    environment: Environment
    entry: Entry
    quality: Quality
    variant: Selector
    default: str
    before: str

    @property
    def common(self) -> tuple[tuple[str, Decimal, Decimal], ...]:
        """Dataset, result of the default, result of the version before; only where both were tried on the same."""
        language = self.variant.language or ""
        new = _results(self.entry.version(language, self.default), self.quality)
        old = _results(self.entry.version(language, self.before), self.quality)
        return tuple(
            (name, new[name, digest], old[name, digest])
            for name, digest in sorted(new)
            if (name, digest) in old
        )


def _results(version: Version, quality: Quality) -> dict[tuple[str, str], Decimal]:
    """(dataset, digest) → result. A digest that nobody has observed equals no other."""
    return {
        (evaluation.dataset.name, evaluation.dataset.digest): Decimal(str(evaluation.metrics[quality.metric]))
        for evaluation in version.evaluations
        if quality.metric in evaluation.metrics and evaluation.dataset.digest != UNRESOLVED
    }


def _replacements(context: Context) -> Iterator[_Replacement]:
    for environment, release in context.catalog.releases.items():
        for variant, released in release.root.items():
            entry = context.catalog.entry(variant)
            before = released.rollback
            if entry is None or entry.quality is None or before is None or before == released.default:
                continue
            language = entry.languages.get(variant.language or "")
            if language is not None and {before, released.default} <= language.versions.keys():
                yield _Replacement(
                    environment=environment,
                    entry=entry,
                    quality=entry.quality,
                    variant=variant,
                    default=released.default,
                    before=before,
                )


def _evaluation_kept(context: Context) -> Iterator[Problem]:
    for one in _replacements(context):
        metric, tolerance = one.quality.metric, Decimal(str(one.quality.tolerance))
        for dataset, new, old in one.common:
            loss = old - new if one.quality.better == "higher" else new - old
            if loss > tolerance:
                yield context.in_release(
                    one.environment,
                    (str(one.variant), "default"),
                    rule="evaluation-kept",
                    message=(
                        f"{one.variant}@{one.default} has {metric} {new} on {dataset}, and {one.before}, which it "
                        f"replaces, {old}: worse by {loss}, and quality tolerates {tolerance}"
                    ),
                    fix=f"Keep {one.before} as the default, or raise quality.tolerance of {one.entry.selector}",
                )


def _evaluation_comparable(context: Context) -> Iterator[Problem]:
    for one in _replacements(context):
        if one.common:
            continue
        place: Location = ("languages", one.variant.language or "", "versions", one.default, "evaluations")
        yield context.in_entry(
            one.entry,
            place,
            rule="evaluation-comparable",
            message=(
                f"{one.variant}@{one.default} replaced {one.before} in {one.environment}, and no dataset with a known "
                f"digest has {one.quality.metric} of both"
            ),
            fix=f"Add evaluations of both with {one.quality.metric} on one dataset, its name and digest",
        )


RULES = (
    Rule(
        id="evaluation-comparable",
        demand="A new default and the version that it replaced were tried on one dataset at least.",
        check=_evaluation_comparable,
        severity=Severity.WARNING,
        acceptable=True,
    ),
    Rule(
        id="evaluation-kept",
        demand="A new default is no worse than the version that it replaced, within the entry's tolerance.",
        check=_evaluation_kept,
    ),
)
