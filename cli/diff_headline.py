"""One line a reviewer reads first: models, restarts, cost and moves of one environment."""

from __future__ import annotations

from collections.abc import Iterator

from cli.diff_cells import Cell, Code, count, few, signed
from model_catalog.changes import Change, EnvironmentChanges
from planning.changes import CostChange, PlanChanges, Restart
from quantities import counted, format_duration

_NAMED = 2
"""Models, or servers, that the line names before it counts."""


def headline(changes: EnvironmentChanges, plan: PlanChanges) -> Cell:
    """As in "+1 model (…), 1 server restarts (Reader fr/en away up to 3m), +$0.53/h, 0 moves"."""
    said = ", ".join((*_models(changes), *_plan(plan)))
    return (Code(changes.environment.value), f": {said or 'settings alone, no server changes'}")


def _models(changes: EnvironmentChanges) -> Iterator[str]:
    for change, sign in ((Change.ADDED, "+"), (Change.REMOVED, "-")):
        names = [str(one.variant) for one in changes.releases if one.change is change]
        if names:
            yield f"{sign}{counted(len(names), 'model')} ({few(names, _NAMED)})"
    defaults = [one for one in changes.releases if one.change is Change.CHANGED and one.default]
    languages = sorted({str(one.variant.language) for one in defaults})
    if languages:
        yield f"another default in {'/'.join(languages)}"
    if changes.renamed:
        names = [str(one.selector) for one in changes.renamed]
        yield f"another name for callers of {few(names, _NAMED)}"


def _plan(plan: PlanChanges) -> Iterator[str]:
    if plan.unplanned:
        yield "HEAD cannot be planned" if plan.refused else "servers not compared"
        return
    if plan.empty:
        return
    for change, sign in ((Change.ADDED, "+"), (Change.REMOVED, "-")):
        number = sum(one.change is change for one in plan.servers)
        if number:
            yield f"{sign}{counted(number, 'server')}"
    yield _restarts(plan.restarts)
    if plan.live:
        yield (
            "1 server changes as it runs"
            if len(plan.live) == 1
            else f"{len(plan.live)} servers change as they run"
        )
    if plan.cost:
        yield f"{cost_words(plan.cost.total)}{_nodes(plan)}"
    yield counted(len(plan.places.moved), "move")
    if plan.stale:
        yield "its lock is behind"
    if plan.risks:
        yield counted(len(plan.risks), "risk")


def _restarts(restarts: tuple[Restart, ...]) -> str:
    if not restarts:
        return "no server restarts"
    verb = "1 server restarts" if len(restarts) == 1 else f"{len(restarts)} servers restart"
    # Who is away comes first, for as long as anybody.
    worst = sorted(restarts, key=lambda one: (one.ready, -one.longest, one.server))
    losing = [words for one in worst if (words := _losing(one))]
    rest = len(losing) - _NAMED
    more = f"; and {counted(rest, 'server')} more" if rest > 0 else ""
    return f"{verb} ({'; '.join(losing[:_NAMED])}{more})" if losing else verb


def _losing(restart: Restart) -> str:
    if not restart.affected or restart.ready == restart.before:
        return ""
    models: dict[str, list[str]] = {}
    for one in restart.affected:
        models.setdefault(str(one.variant.model), []).append(str(one.variant.language))
    who = few([f"{model} {'/'.join(languages)}" for model, languages in models.items()], _NAMED)
    left = "away" if restart.away else f"down to {restart.ready} of {restart.before} for"
    return f"{who} {left} up to {format_duration(restart.longest)}"


def _nodes(plan: PlanChanges) -> str:
    nodes = [f"{pool.instance_type} nodes {count(pool.before, pool.after)}" for pool in plan.pools]
    return f" ({few(nodes, _NAMED)})" if nodes else ""


def cost_words(cost: CostChange) -> str:
    """What it adds an hour, and whether that is all that is known."""
    known = f"{signed(cost.usd_per_hour, '0.01')}/h" if cost.usd_per_hour else "same cost"
    return f"{known} of what has a price" if cost.missing else known
