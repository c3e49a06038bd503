"""`slipway plan`: the nodes an environment gets, what runs on each GPU, and what all of it costs."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import Annotated

import typer

from cli import lock_commands
from cli.console import CLONE
from cli.plan_html import to_html
from cli.plan_json import to_json
from cli.plan_markdown import to_markdown
from cli.plan_text import to_text
from cli.plans import plan_of, settings_of
from cli.selectors import SelectorArgument, parse_selector
from model_catalog import CatalogError, Environment, check_catalog
from planning.report import make_report


class Format(StrEnum):
    """How to print it."""

    HTML = "html"
    JSON = "json"
    MARKDOWN = "markdown"
    TEXT = "text"


def plan(
    selector: SelectorArgument = None,
    env: Annotated[Environment, typer.Option("--env", help="Which environment.")] = Environment.SANDBOX,
    format_: Annotated[
        Format,
        typer.Option("--format", help="markdown is a comment on a pull request, html a page to look at."),
    ] = Format.TEXT,
    why: Annotated[
        bool, typer.Option("--why", help="In text, say of each version why it is where it is.")
    ] = False,
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Write the placement's lock, model_catalog/placement/<env>.lock, and nothing else. Commit it.",
        ),
    ] = False,
    repacked: Annotated[
        bool,
        typer.Option(
            "--repack",
            help="Show what placing everything anew would save and move; with --write, take it. As text or json.",
        ),
    ] = False,
    sources: Annotated[
        bool,
        typer.Option("--sources", help="In text, say of each figure of memory what it was made of."),
    ] = False,
) -> None:
    """Plan an environment without touching it: nodes, what is on each GPU, cost by owner, model and language.

    A bar is one GPU's usable memory: [WWWWKKAFFRR.....] has weights, KV cache,
    activations, framework and reserve; dots are free. Prices are on demand, a
    month has 730 hours. Where the region's price is unknown, another region's
    stands in, and each line says so. With a selector, the servers and the cost
    of what matches alone. What each number means, and what is not counted, is
    in docs/plan.md.

    What has a place in the committed lock stays there as long as it fits, so
    that a change moves nothing that need not move (docs/placement.md).
    """
    if repacked and format_ in (Format.MARKDOWN, Format.HTML):
        raise typer.BadParameter("--repack prints text or json")
    if selector and (write or repacked):
        raise typer.BadParameter("a selector shows a part, and the placement is of all; leave it out")
    checked = check_catalog(CLONE / "model_catalog")
    if checked.errors:
        raise CatalogError(checked.errors)
    wanted = parse_selector(selector, checked.catalog) if selector else None
    if repacked:
        lock_commands.show_repack(checked.catalog, env, write=write, as_json=format_ is Format.JSON)
        return
    planned = plan_of(checked.catalog, env)
    if write:
        lock_commands.write_lock(planned)
        return
    report = make_report(planned, settings_of(env).region)
    if wanted:
        report = report.only(wanted)
    match format_:
        case Format.TEXT:
            colour = _colour()
            encoding = sys.stdout.encoding or "ascii"
            # Where a character of the catalog cannot be shown, its number is.
            text = to_text(report, colour=colour, sources=sources, why=why).encode(
                encoding, "backslashreplace"
            )
            typer.echo(text.decode(encoding), nl=False, color=colour)
        case Format.JSON:
            typer.echo(to_json(report), nl=False)
        case Format.MARKDOWN:
            typer.echo(to_markdown(report), nl=False)
        case Format.HTML:
            typer.echo(to_html(report), nl=False)


def _colour() -> bool:
    """On a terminal that has not refused it (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
