"""`slipway validate`: everything that is wrong with the catalog, at once; then the plan of each environment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from artifacts.archives import read_handlers
from artifacts.planned import refused_configurations
from artifacts.served import unknown_handlers
from cli import clock
from cli.annotations import annotation, error_annotation, notice
from cli.console import CLONE, EXIT_WRONG
from cli.plan_formats import dollars
from cli.plans import plan_of, settings_of
from infra.lock_files import lock_name
from infra.settings import SettingsError
from model_catalog import (
    Catalog,
    CatalogError,
    Checked,
    Environment,
    Problem,
    Severity,
    WithoutEffect,
    check_catalog,
    without_effect,
)
from model_catalog.release import BUDGET_KEY
from planning import Plan, PlanningError
from planning.capacity.placement import LOCK_RULE
from planning.spending import Spending, pools_cost
from quantities import counted

BUDGET_RULE: Final = "budget"


def validate(
    format_: Annotated[
        Literal["text", "json", "github"],
        typer.Option("--format", help="How to print it; github prints annotations for GitHub Actions."),
    ] = "text",
    catalog: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The folder that holds entries/ and releases/.", show_default="model_catalog"
        ),
    ] = None,
    today: Annotated[
        datetime | None,
        typer.Option(
            metavar="DATE",
            formats=["%Y-%m-%d"],
            help="The day by which holds, overrides and retirements are judged, as in 2026-12-31.",
            show_default="today in UTC",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="List the warnings that entries accept.")
    ] = False,
) -> None:
    """Check the catalog, each stack file, and the plan of each environment.

    Each finding is a line: file:line:column, the rule's id, what is wrong, and the fix. Rules: docs/rules.md.
    Exits with 1 where there is an error; warnings alone let it pass.
    """
    root = (catalog or CLONE / "model_catalog").resolve()
    report = _Report.of(root, today.date() if today else clock.today())
    match format_:
        case "text":
            found = (*report.problems, *report.without_effect)
            typer.echo("\n".join((*map(str, found), *report.summary(verbose=verbose))))
        case "github":
            failures = (error_annotation("plan", f"{name}: {why}") for name, why in report.failures)
            notices = (notice("without-effect", one.message) for one in report.without_effect)
            annotations = (*map(annotation, report.problems), *failures, *notices)
            typer.echo("\n".join((*annotations, *report.summary(verbose=verbose))))
        case "json":
            typer.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    if report.wrong:
        raise typer.Exit(EXIT_WRONG)


@dataclass(frozen=True, kw_only=True)
class _Report:
    """What was found, with paths from the repository's root."""

    checked: Checked
    problems: tuple[Problem, ...]
    accepted: tuple[Problem, ...]
    plans: dict[Environment, Plan | str]
    """Each environment's plan, or why it has none; empty where the catalog has errors."""

    @property
    def without_effect(self) -> tuple[WithoutEffect, ...]:
        """The keys that the catalog declares and nothing acts on yet."""
        return without_effect(self.checked.catalog)

    @classmethod
    def of(cls, root: Path, today: date) -> _Report:
        checked = check_catalog(root, today)
        plans = {} if checked.errors else {each: _plan(checked.catalog, each, root) for each in Environment}
        return cls(
            checked=checked,
            problems=tuple(
                _from_the_repository(problem, root)
                for problem in (
                    *checked.problems,
                    *_unservable(plans.values(), checked),
                    *_behind(plans.values(), root),
                    *_overspent(plans.values(), checked),
                )
            ),
            accepted=tuple(_from_the_repository(problem, root) for problem in checked.accepted),
            plans=plans,
        )

    @property
    def failures(self) -> tuple[tuple[str, str], ...]:
        """Environments without a plan, and why."""
        return tuple((name.value, why) for name, why in self.plans.items() if isinstance(why, str))

    @property
    def wrong(self) -> bool:
        errors = any(problem.severity is Severity.ERROR for problem in self.problems)
        return bool(errors or self.failures)

    def summary(self, *, verbose: bool) -> tuple[str, ...]:
        """Accepted warnings where they are wanted, a line for each plan, and one for all."""
        accepted = [_accepted(problem) for problem in self.accepted] if verbose else []
        plans = [f"{name.value:8} {self._planned(name, plan)}" for name, plan in self.plans.items()]
        return (*accepted, *plans, self._total())

    def as_json(self) -> dict[str, Any]:
        """A contract: keys are added, never changed."""
        return {
            "problems": [asdict(problem) for problem in self.problems],
            "accepted": [asdict(problem) for problem in self.accepted],
            "without_effect": [one.as_json() for one in self.without_effect],
            "environments": {name.value: self._figures(name, plan) for name, plan in self.plans.items()},
        }

    def _planned(self, environment: Environment, plan: Plan | str) -> str:
        if isinstance(plan, str):
            return f"has no plan: {plan}"
        figures = self._figures(environment, plan)
        return "{versions} versions on {servers} servers in {pools} pools".format(**figures)

    def _figures(self, environment: Environment, plan: Plan | str) -> dict[str, int | str]:
        if isinstance(plan, str):
            return {"error": plan}
        versions = len(self.checked.catalog.running(environment))
        return {"versions": versions, "servers": len(plan.servers), "pools": len(plan.pools)}

    def _total(self) -> str:
        catalog = self.checked.catalog
        errors = sum(problem.severity is Severity.ERROR for problem in self.problems) + len(self.failures)
        sums = (
            (errors, "error"),
            (sum(problem.severity is Severity.WARNING for problem in self.problems), "warning"),
            (len(self.accepted), "accepted warning"),
        )
        found = ", ".join(counted(count, what) for count, what in sums if count)
        if self.wrong:
            return f"wrong: {found}"
        held = f"{len(catalog.entries)} entries, {len(catalog.selectors())} versions"
        return f"fine: {held}; {found}" if found else f"fine: {held}"


def _unservable(plans: Iterable[Plan | str], checked: Checked) -> Iterator[Problem]:
    """Handlers that nobody released; where there are none such, servers whose agents would refuse what they get."""
    handlers = read_handlers()
    unknown = tuple(unknown_handlers(checked.catalog, checked.entries, handlers))
    yield from unknown
    if not unknown:
        planned = [plan for plan in plans if isinstance(plan, Plan)]
        yield from refused_configurations(planned, checked.releases, handlers)


def _behind(plans: Iterable[Plan | str], root: Path) -> Iterator[Problem]:
    """A committed lock that does not say where everything is: the next change would not know what to leave alone."""
    for plan in plans:
        if isinstance(plan, Plan) and plan.stale:
            yield Problem(
                file=f"{root.name}/{lock_name(plan.environment)}",
                line=1,
                column=1,
                rule=LOCK_RULE,
                message=f"the lock is behind the catalog: {_first_difference(plan)}",
                fix=f"Run `slipway plan --env {plan.environment} --write` and commit the file",
            )


def _overspent(plans: Iterable[Plan | str], checked: Checked) -> Iterator[Problem]:
    """An environment whose nodes cost more than somebody has decided."""
    for plan in plans:
        if isinstance(plan, str) or plan.budget is None:
            continue
        region = settings_of(plan.environment).region
        spending = Spending(cost=pools_cost(plan.pools, region), budget=plan.budget)
        if spending.kept:
            continue
        notes = "".join(f"; {note}" for note in spending.cost.notes)
        place = (BUDGET_KEY, "usd_per_month")
        source = checked.releases[plan.environment]
        if spending.kept is None:
            yield source.problem(
                place,
                rule=BUDGET_RULE,
                message=f"whether {plan.environment} keeps its budget is unknown{notes}",
                fix="Add the price to hardware/prices.csv (docs/hardware.md), or offer another instance type",
            )
        else:
            yield source.problem(
                place,
                rule=BUDGET_RULE,
                message=(
                    f"{plan.environment}'s nodes cost {dollars(spending.cost.usd_per_month)} a month, "
                    f"{dollars(spending.excess)} above its budget{notes}"
                ),
                fix=f"Release less, see `slipway plan --env {plan.environment} --repack`, or let "
                f"{plan.budget.by} raise it",
            )


def _first_difference(plan: Plan) -> str:
    before, after = plan.lock.places, plan.placement.places
    differing = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    first, rest = differing[0], len(differing) - 1
    was = f"is at {before[first]} there" if first in before else "has no line there"
    now = f"goes to {after[first]}" if first in after else "is nothing that is placed now"
    return f"{first} {was} and {now}" + (f"; so with {rest} more" if rest else "")


def _plan(catalog: Catalog, environment: Environment, root: Path) -> Plan | str:
    try:
        return plan_of(catalog, environment, root)
    except (CatalogError, PlanningError, SettingsError) as error:
        return str(error)


def _accepted(problem: Problem) -> str:
    return f"{problem.file}:{problem.line}:{problem.column} {problem.rule} accepted: {problem.message}"


def _from_the_repository(problem: Problem, root: Path) -> Problem:
    """The catalog names its files from the folder that it lies in."""
    path = root.parent / problem.file
    return replace(problem, file=(path.relative_to(CLONE) if path.is_relative_to(CLONE) else path).as_posix())
