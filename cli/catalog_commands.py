"""`slipway validate` and `slipway show`: the catalog as text, without touching any API."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from cli.console import CLONE, OUT
from infra.settings import Settings, load_settings
from infra.stack_files import read_stack_config
from model_catalog import Catalog, Environment, Selector, load_catalog
from planning import Plan, make_plan


def validate() -> None:
    """Check the catalog, each stack file, and the plan of each environment."""
    catalog = load_catalog(CLONE / "model_catalog")
    for environment in Environment:
        plan = _plan(catalog, environment)
        versions = len(catalog.running(environment))
        OUT.print(
            f"{environment.value:8} {versions} versions on {len(plan.servers)} servers in {len(plan.pools)} pools"
        )
    OUT.print(f"fine: {len(catalog.entries)} entries, {len(catalog.selectors())} versions")


def show(
    selector: Annotated[
        str | None, typer.Argument(help="Task/Model/lang@version; any right part may be left out.")
    ] = None,
    env: Annotated[Environment, typer.Option("--env", help="Which environment.")] = Environment.SANDBOX,
    format_: Annotated[Literal["text", "json"], typer.Option("--format", help="How to print it.")] = "text",
) -> None:
    """Show what an environment runs: version, default, server, pool and path."""
    catalog = load_catalog(CLONE / "model_catalog")
    rows = _rows(_plan(catalog, env), _parse(selector, catalog) if selector else None)
    if format_ == "json":
        OUT.print_json(json.dumps({"environment": env.value, "versions": rows}))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("version", "default", "server", "replicas", "pool", "path"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(
            row["selector"],
            "yes" if row["default"] else "",
            row["server"],
            str(row["replicas"]),
            row["pool"],
            row["path"],
        )
    OUT.print(table if rows else f"{env.value} runs {'none of ' + selector if selector else 'nothing'}")


def _plan(catalog: Catalog, environment: Environment) -> Plan:
    settings: Settings = load_settings(environment.value, read_stack_config(environment.value, CLONE))
    return make_plan(catalog, settings.environment, settings.pools)


def _rows(plan: Plan, wanted: Selector | None) -> list[dict[str, Any]]:
    return [
        {
            "selector": str(model.selector),
            "default": model.default,
            "server": server.name,
            "replicas": server.replicas,
            "pool": server.pool,
            "path": model.path,
        }
        for server in plan.servers
        for model in server.models
        if wanted is None or wanted.matches(model.selector)
    ]


def _parse(text: str, catalog: Catalog) -> Selector:
    try:
        wanted = Selector.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if not any(wanted.matches(known) for known in catalog.selectors()):
        known = ", ".join(sorted({str(selector.variant) for selector in catalog.selectors()}))
        raise typer.BadParameter(f"{text} is in no entry; the catalog has {known}")
    return wanted
