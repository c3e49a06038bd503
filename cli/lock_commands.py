"""The placement's lock on the disk: written from a plan, and what a full repack would make of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import typer

from cli.atomic_write import Replacement, exclusive, replace_all
from cli.console import CLONE
from cli.edits import changed_meanwhile
from cli.plan_formats import printable
from cli.plans import CATALOG, plan_of, settings_of
from infra.lock_files import lock_name, read_lock
from model_catalog import Catalog, CatalogError, Environment
from planning import Plan, make_repacked_plan
from planning.capacity import HOURS_PER_MONTH
from planning.capacity.placement import Comparison, compare, format_lock
from quantities import counted


def write_lock(plan: Plan, *, beside: bool = False) -> None:
    """Write the plan's placement, and say what that changes. A lock that says it already is left alone.

    Raises CatalogError where the lock is not what the plan was made from any more.

    `beside`: on standard error, since standard output is a document.
    """

    def tell(line: str) -> None:
        typer.echo(line, err=beside)

    path = CATALOG / lock_name(plan.environment)
    shown = path.relative_to(CLONE).as_posix()
    if not plan.stale:
        tell(f"{shown} says so already: {counted(len(plan.placement.places), 'place')}")
        return
    before = dict(plan.lock.places)
    after = dict(plan.placement.places)
    lines = format_lock(plan.placement.lock).encode()
    with exclusive(CATALOG) as held:
        content = path.read_bytes() if path.exists() else None
        if read_lock(CATALOG, plan.environment) != plan.lock:
            raise CatalogError([changed_meanwhile(shown)])
        replace_all(held, [Replacement(path=path, before=content, after=lines)])
    for selector in sorted(before.keys() | after.keys()):
        if before.get(selector) != after.get(selector):
            was, now = before.get(selector, "nowhere"), after.get(selector, "nowhere")
            tell(printable(f"{selector}: {was} \u2192 {now}"))
    tell(f"wrote {shown}: {counted(len(after), 'place')}; commit it with the change")


def show_repack(catalog: Catalog, environment: Environment, *, write: bool, as_json: bool) -> None:
    """What placing everything anew would change of the plan as it is; with `write`, its lock is written."""
    now = plan_of(catalog, environment)
    anew = make_repacked_plan(catalog, environment, settings_of(environment).pools, now.lock)
    found = compare(now.placement, anew.placement)
    restarting = _restarting(now, anew)
    if as_json:
        typer.echo(json.dumps(_as_json(environment, found, restarting), indent=2))
    else:
        typer.echo("\n".join(_lines(environment, found, restarting)))
    if write:
        write_lock(anew, beside=as_json)


def _restarting(now: Plan, anew: Plan) -> tuple[str, ...]:
    """Servers that go, or get other models: their pods are replaced."""
    then = {server.name: server.models for server in anew.servers}
    return tuple(server.name for server in now.servers if then.get(server.name) != server.models)


def _lines(environment: Environment, found: Comparison, restarting: tuple[str, ...]) -> Iterator[str]:
    if not (found.moved or found.nodes):
        yield f"{environment}: a full repack would change nothing"
        return
    yield f"{environment}: a full repack {_saving(found.price)}"
    for kind, number in found.nodes.items():
        yield f"  {abs(number)} {'more' if number > 0 else 'fewer'} {kind}"
    yield f"  {counted(len(found.moved), 'model')} would move, {counted(len(restarting), 'server')} stop or restart"
    for move in found.moved:
        yield printable(f"  {move.selector}: {move.before} \u2192 {move.after}")
    yield f"Take it: slipway plan --env {environment} --repack --write"


def _saving(price: Decimal | None) -> str:
    if price is None:
        return "changes the cost by an unknown amount: a price is missing (docs/hardware.md)"
    if not price:
        return "would save nothing"
    word = "save" if price < 0 else "cost"
    more = "" if price < 0 else " more"
    return f"would {word} ${abs(price):.4f} an hour, ${abs(price) * HOURS_PER_MONTH:,.2f} a month{more}"


def _as_json(environment: Environment, found: Comparison, restarting: tuple[str, ...]) -> dict[str, Any]:
    """A contract: keys are added, never changed. Amounts of money are texts; a saving is below zero."""
    return {
        "environment": environment.value,
        "usd_per_hour": None if found.price is None else f"{found.price:f}",
        "gpus": found.gpus,
        "nodes": dict(found.nodes),
        "restarting": list(restarting),
        "moves": [
            {"selector": move.selector, "before": str(move.before), "after": str(move.after)}
            for move in found.moved
        ],
    }
