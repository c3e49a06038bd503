"""`slipway export`: what an environment runs, in the formats that `slipway import` reads."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Final

import typer

from cli import edits
from cli.console import report
from cli.selectors import SelectorArgument, parse_selector
from model_catalog import Catalog, Environment, RunningVersion, Selector, TorchServeEntry, load_catalog
from model_catalog.imports import remote_models, torchserve

export_app: Final = typer.Typer(
    help="Print what an environment runs in a format of others.", no_args_is_help=True
)

From = Annotated[Environment, typer.Option("--env", help="Which environment.")]


@export_app.command("torchserve")
def export_torchserve(env: From, selector: SelectorArgument = None) -> None:
    """Print the models that an environment's TorchServe servers run, as `slipway import torchserve` reads them."""
    catalog = load_catalog(edits.CATALOG)
    wanted = _wanted(selector, catalog)
    _print(torchserve.exported(catalog, env, wanted))
    _say_what_is_left_out(
        one.selector for one in _running(catalog, env, wanted) if not isinstance(one.entry, TorchServeEntry)
    )


@export_app.command("remote-models")
def export_remote_models(
    env: From,
    selector: SelectorArgument = None,
    target_bucket: Annotated[
        str | None,
        typer.Option(
            "--target-bucket", help="Left out: the one that was imported with a version, else none."
        ),
    ] = None,
) -> None:
    """Print an environment's default versions as `slipway import remote-models` reads them."""
    catalog = load_catalog(edits.CATALOG)
    wanted = _wanted(selector, catalog)
    exported = remote_models.exported(catalog, env, wanted, target_bucket=target_bucket)
    _print(exported)
    _say_what_is_left_out(
        one.selector
        for one in _running(catalog, env, wanted)
        if not one.default or one.language not in exported.get(one.entry.task, {}).get(one.entry.model, {})
    )


def _wanted(text: str | None, catalog: Catalog) -> Selector | None:
    return None if text is None else parse_selector(text, catalog)


def _running(
    catalog: Catalog, environment: Environment, wanted: Selector | None
) -> tuple[RunningVersion, ...]:
    return tuple(
        one for one in catalog.running(environment) if wanted is None or wanted.matches(one.selector)
    )


def _print(exported: object) -> None:
    typer.echo(json.dumps(exported, indent=2, ensure_ascii=False))


def _say_what_is_left_out(selectors: Iterable[Selector]) -> None:
    left_out = ", ".join(map(str, selectors))
    if left_out:
        report(f"left out, as the format has no place for it: {left_out}")
