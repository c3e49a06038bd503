"""`slipway diff`: what a change of the catalog does to users, servers and nodes, and which rules it breaks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.clock import today
from cli.console import CLONE, EXIT_WRONG
from cli.diff_formats import to_annotations, to_markdown, to_text
from cli.diff_json import to_json
from cli.diff_report import Report, Side
from cli.diff_sides import at_commit, of_the_working_tree, plan_changes
from cli.git import Repository, UnknownRevisionError
from model_catalog import Environment, Severity
from model_catalog.changes import broken_rules, compare


class Format(StrEnum):
    """How to print it."""

    GITHUB = "github"
    JSON = "json"
    MARKDOWN = "markdown"
    TEXT = "text"


_FORMATS: Final = {
    Format.GITHUB: to_annotations,
    Format.JSON: to_json,
    Format.MARKDOWN: to_markdown,
    Format.TEXT: to_text,
}


def diff(
    base: Annotated[str, typer.Argument(help="A revision of git, as in origin/main.", show_default=False)],
    head: Annotated[
        str | None,
        typer.Argument(help="A revision of git. Left out: the working tree, untracked files included."),
    ] = None,
    env: Annotated[
        list[Environment] | None,
        typer.Option("--env", help="Show this environment alone; may be repeated. Rules judge all of them."),
    ] = None,
    format_: Annotated[
        Format,
        typer.Option(
            "--format", help="markdown is a comment on a pull request, github annotations of its files."
        ),
    ] = Format.TEXT,
    merge_base: Annotated[
        bool,
        typer.Option(
            help="Compare HEAD with the last commit it shares with BASE, as git diff BASE...HEAD does: what BASE got "
            "since then is no change of HEAD. Otherwise with BASE itself."
        ),
    ] = True,
) -> None:
    """Show what HEAD changes of BASE: what users get, which servers restart and who loses how much of them for how
    long, moves, nodes, cost, alerts, risks, and rules that are broken (docs/diff.md).

    Exits with 1 where a rule of severity error is broken, or where HEAD's catalog or plan is refused.
    """
    try:
        report = make_report(
            CLONE,
            base,
            head,
            environments=env or tuple(Environment),
            from_merge_base=merge_base,
            today=today(),
        )
    except UnknownRevisionError as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(_FORMATS[format_](report), nl=False)
    if report.refused:
        raise typer.Exit(EXIT_WRONG)


def make_report(
    clone: Path,
    base: str,
    head: str | None,
    *,
    environments: Iterable[Environment],
    from_merge_base: bool,
    today: date,
) -> Report:
    """Compare two revisions of a checkout; its working tree where `head` is None.

    Raises UnknownRevisionError, and GitError where git cannot answer.
    """
    repository = Repository(folder=clone)
    newer = repository.commit(head or "HEAD")
    named = older = repository.commit(base)
    if from_merge_base:
        older = repository.merge_base(named, newer)
    wanted = tuple(sorted(set(environments)))
    before = at_commit(repository, older, "BASE", wanted)
    after = (
        of_the_working_tree(clone, "HEAD", wanted)
        if head is None
        else at_commit(repository, newer, "HEAD", wanted)
    )
    changes = compare(before.checked, after.checked)
    known = {(one.file, one.rule, one.message) for one in before.checked.problems}
    return Report(
        base=Side(revision=base if older == named else f"merge base with {base}", commit=older),
        head=Side(revision=head, commit=None if head is None else newer),
        changes=replace(
            changes, environments=tuple(one for one in changes.environments if one.environment in wanted)
        ),
        plans=tuple(plan_changes(environment, before, after) for environment in wanted),
        broken=broken_rules(before.checked, after.checked, today),
        problems=tuple(
            one
            for one in after.checked.problems
            if one.severity is Severity.ERROR or (one.file, one.rule, one.message) not in known
        ),
    )
