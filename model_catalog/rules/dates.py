"""What holds until a day. Judged only where today is known: what `up` does depends on files alone."""

from collections.abc import Iterator
from datetime import date

from model_catalog.base import Decision
from model_catalog.problem import Problem
from model_catalog.release import Environment, Retirement, VariantRelease
from model_catalog.rules.rule import Context, Rule
from model_catalog.selector import Selector
from model_catalog.yaml_source import Location
from quantities import counted


def _decision_expired(context: Context) -> Iterator[Problem]:
    today = context.today
    if today is None:
        return
    for environment, release in context.catalog.releases.items():
        for variant, released in release.root.items():
            for place, decision in released.decisions:
                if decision.until < today:
                    yield context.in_release(
                        environment,
                        (str(variant), *place, "until"),
                        rule="decision-expired",
                        message=_expired(f"{_named(place)} of {variant}", decision, today),
                        fix="Take it out, or decide anew and write a later day",
                    )
    for entry in context.catalog.entries:
        for index, acceptance in enumerate(entry.accepts):
            if acceptance.until < today:
                yield context.in_entry(
                    entry,
                    ("accepts", index, "until"),
                    rule="decision-expired",
                    message=_expired(
                        f"{entry.selector}'s acceptance of {acceptance.rule}", acceptance, today
                    ),
                    fix="Mend what it accepts, or decide anew and write a later day",
                )


def _named(place: Location) -> str:
    """("overrides", 0) → an override."""
    return "an override" if place[0] == "overrides" else f"the {place[0]}"


def _expired(what: str, decision: Decision, today: date) -> str:
    days = (today - decision.until).days
    return f"{what} by {decision.by} held until {decision.until}, {_days(days)} ago"


def _days(count: int) -> str:
    return counted(count, "day")


def _retirement_due(context: Context) -> Iterator[Problem]:
    today = context.today
    if today is None:
        return
    for environment, release in context.catalog.releases.items():
        for variant, released in release.root.items():
            for place, selector, retirement in _retirements(variant, released):
                if retirement.after < today:
                    yield _due(context, environment, (str(variant), *place), selector, retirement, today)


def _retirements(
    variant: Selector, released: VariantRelease
) -> Iterator[tuple[Location, Selector, Retirement]]:
    """Place, what goes, and when; without versions that run no more."""
    if released.retire is not None:
        yield ("retire",), variant, released.retire
    for version, retirement in released.retire_versions.items():
        if version in released.running:
            selector = Selector(
                task=variant.task, model=variant.model, language=variant.language, version=version
            )
            yield ("retire_versions", version), selector, retirement


def _due(
    context: Context,
    environment: Environment,
    place: Location,
    selector: Selector,
    retirement: Retirement,
    today: date,
) -> Problem:
    days = (today - retirement.after).days
    return context.in_release(
        environment,
        (*place, "after"),
        rule="retirement-due",
        message=f"{selector} still runs in {environment}, {_days(days)} after {retirement.after}, its last day",
        fix="Take it out of the release, or agree with its callers on a later day",
    )


RULES = (
    Rule(
        id="decision-expired",
        demand="A hold, a pin, an override and an acceptance go, or are decided anew, by the day they hold until.",
        check=_decision_expired,
    ),
    Rule(
        id="retirement-due",
        demand="What is retired runs no longer than the day that its callers were told.",
        check=_retirement_due,
    ),
)
