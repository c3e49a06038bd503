"""`slipway validate` and `slipway show`: the catalog as text, and beside it what the sandbox runs of it."""

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
from sandbox import processes
from sandbox.engine import Engine
from sandbox.guard import STACK
from sandbox.history import changes, last_change_of
from sandbox.inspection import Inspection
from sandbox.lifecycle import ROLES, Sandbox


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
    """Show what an environment runs, which version is default, where, and since which change.

    Where and since when are asked from the running sandbox; of other environments only the plan is known here.
    """
    catalog = load_catalog(CLONE / "model_catalog")
    rows = _rows(_plan(catalog, env), _parse(selector, catalog) if selector else None)
    live = env is Environment.SANDBOX and _add_what_runs(rows)
    if format_ == "json":
        OUT.print_json(json.dumps({"environment": env.value, "versions": rows}))
        return
    table = Table(box=None, pad_edge=False)
    for heading in (
        "version",
        "default",
        "server",
        "pool",
        *(("pods", "since") if live else ("replicas", "path")),
    ):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(
            row["selector"],
            "yes" if row["default"] else "",
            row["server"],
            row["pool"],
            *(
                (", ".join(row["pods"]) or "none", row["since"])
                if live
                else (str(row["replicas"]), row["path"])
            ),
        )
    OUT.print(table if rows else f"{env.value} runs {'none of ' + selector if selector else 'nothing'}")


def _add_what_runs(rows: list[dict[str, Any]]) -> bool:
    """Adds each server's pods and last change; False when the sandbox does not run or holds nothing."""
    sandbox = Sandbox(CLONE)
    engine = Engine(sandbox)
    if len(processes.running(sandbox.paths)) < len(ROLES) or not engine.has_stack():
        return False
    inspection, resources = Inspection(sandbox), engine.resources()
    known = changes(sandbox.paths.backend, STACK)
    namespaces = {server["server"]: server["namespace"] for server in engine.outputs().get("servers", [])}
    for row in rows:
        namespace = namespaces.get(row["server"])
        pods = inspection.pods(namespace, f"slipway.dev/server={row['server']}") if namespace else []
        since = last_change_of(row["server"], resources, known)
        row["pods"] = [
            f"{pod.phase} on {pod.node}" if pod.node else f"{pod.phase}: {pod.why_pending}" for pod in pods
        ]
        row["since"] = str(since) if since else "unknown"
    return True


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
