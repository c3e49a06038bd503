"""`slipway show`: what an environment runs and, of single versions, every setting and who says it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final, Literal

import typer
from rich.table import Table

from cli.console import CLONE, ERR, OUT
from cli.effective import Setting, effective_settings, origin_text, plain
from cli.plans import plan_of
from cli.selectors import SelectorArgument, parse_selector
from infra.settings import SettingsError
from model_catalog import Catalog, CatalogError, Environment, Selector, check_catalog
from planning import Plan, PlanningError
from sandbox import processes
from sandbox.engine import Engine
from sandbox.guard import STACK
from sandbox.history import changes, last_change_of
from sandbox.inspection import Inspection
from sandbox.lifecycle import ROLES, Sandbox

_WIDEST: Final = 44


def show(
    selector: SelectorArgument = None,
    env: Annotated[Environment, typer.Option("--env", help="Which environment.")] = Environment.SANDBOX,
    effective: Annotated[
        bool,
        typer.Option(
            "--effective",
            help="Every setting of each version, and who says it; as with a selector of one version.",
        ),
    ] = False,
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="NAME", help="What runs on this server alone, as alerts name it."),
    ] = None,
    format_: Annotated[Literal["text", "json"], typer.Option("--format", help="How to print it.")] = "text",
) -> None:
    """Show what an environment runs, which version is default, where, and since which change.

    Where and since when are asked from the running sandbox; of other environments only the plan is known here. Of
    one version it shows every setting too: its value, and whether the version, its language, its entry, an override
    or a default says it.
    """
    checked = check_catalog(CLONE / "model_catalog")
    if checked.errors:
        raise CatalogError(checked.errors)
    wanted = parse_selector(selector, checked.catalog) if selector else None
    in_detail = effective or (wanted is not None and wanted.version is not None)
    rows = _planned_rows(checked.catalog, env, wanted, in_detail=in_detail)
    if server is not None:
        rows = _of_server(rows, server)
    live = env is Environment.SANDBOX and _add_what_runs(rows)
    settings: dict[Selector, tuple[Setting, ...]] = {}
    if in_detail:
        settings = {
            known: effective_settings(checked, known, env)
            for known in checked.catalog.selectors()
            if wanted is None or wanted.matches(known)
        }
    if format_ == "json":
        typer.echo(json.dumps(_as_json(env, rows, settings), indent=2, ensure_ascii=False))
        return
    OUT.print(
        _table(rows, live=live)
        if rows
        else f"{env.value} runs {f'none of {selector}' if selector else 'nothing'}"
    )
    for row in rows:
        if row["not_served"]:
            typer.echo(f"{row['selector']} is {row['not_served']}")
    for known, found in settings.items():
        typer.echo("\n".join(("", str(known), *_aligned(found))))


def _planned_rows(
    catalog: Catalog, environment: Environment, wanted: Selector | None, *, in_detail: bool
) -> list[dict[str, Any]]:
    """What of the plan is wanted. Where there is no plan, settings are shown without it: they may be what is wrong."""
    try:
        return _rows(plan_of(catalog, environment), wanted)
    except (PlanningError, SettingsError) as error:
        if not in_detail:
            raise
        ERR.print(f"{environment.value} has no plan: {error}", markup=False)
        return []


def _of_server(rows: list[dict[str, Any]], server: str) -> list[dict[str, Any]]:
    found = [row for row in rows if row["server"] == server]
    if not found:
        names = sorted({row["server"] for row in rows})
        near = difflib.get_close_matches(server, names, n=1)
        raise typer.BadParameter(
            f"no server is named {server!r}; {f'did you mean {near[0]}?' if near else 'slipway show lists all'}"
        )
    return found


def _as_json(
    environment: Environment, rows: list[dict[str, Any]], settings: dict[Selector, tuple[Setting, ...]]
) -> dict[str, Any]:
    """A contract: keys are added, never changed. `effective` is there where settings were asked for."""
    said: dict[str, Any] = {"environment": environment.value, "versions": rows}
    if settings:
        said["effective"] = [
            {"selector": str(known), "settings": [setting.as_json() for setting in found]}
            for known, found in settings.items()
        ]
    return said


def _aligned(settings: Iterable[Setting]) -> Iterator[str]:
    rows = [
        (setting.key, plain(setting.value), origin_text(setting), _place(setting)) for setting in settings
    ]
    widths = [min(max(len(row[column]) for row in rows), _WIDEST) for column in range(3)]
    for *cells, place in rows:
        yield "  ".join(
            (*(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)), place)
        ).rstrip()


def _place(setting: Setting) -> str:
    return f"{setting.file}:{setting.line}" if setting.file else ""


def _table(rows: list[dict[str, Any]], *, live: bool) -> Table:
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
    return table


def _add_what_runs(rows: list[dict[str, Any]]) -> bool:
    """Adds each server's pods and last change; False when the sandbox does not run or holds nothing."""
    sandbox = Sandbox(CLONE)
    engine = Engine(sandbox)
    if len(processes.running(sandbox.paths)) < len(ROLES) or not engine.has_stack():
        return False
    inspection, resources = Inspection(sandbox), engine.resources()
    known = changes(sandbox.paths.backend, STACK)
    namespaces = {name: server["namespace"] for name, server in engine.outputs().get("servers", {}).items()}
    for row in rows:
        namespace = namespaces.get(row["server"])
        pods = inspection.pods(namespace, f"slipway.dev/server={row['server']}") if namespace else []
        since = last_change_of(row["server"], resources, known)
        row["pods"] = [
            f"{pod.phase} on {pod.node}" if pod.node else f"{pod.phase}: {pod.why_pending}" for pod in pods
        ]
        row["since"] = str(since) if since else "unknown"
    return True


def _rows(plan: Plan, wanted: Selector | None) -> list[dict[str, Any]]:
    return [
        {
            "selector": str(model.selector),
            "default": model.default,
            "server": server.name,
            "replicas": server.replicas,
            "pool": server.pool,
            "path": model.path,
            "not_served": model.not_served or None,
        }
        for server in plan.servers
        for model in server.models
        if wanted is None or wanted.matches(model.selector)
    ]
