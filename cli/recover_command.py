"""`slipway recover`: what an update that was killed left pending becomes part of the stack's state."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cli.console import CLONE, EXIT_WRONG, OUT, report
from cli.pulumi_stack import PulumiStack
from cli.recover_view import as_json, print_orphans, print_plan, print_result
from recovery import (
    Deployment,
    Plan,
    RecoveryError,
    carry_out,
    deployment_of,
    make_plan,
    orphans,
    stack_tags,
    was_made,
)
from recovery.aws import AwsLookups, account_of


def recover(
    stack: Annotated[str, typer.Option("--stack", help="The stack whose update was killed.")],
    yes: Annotated[bool, typer.Option("--yes", help="Change the state without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and stop.")] = False,
    id_: Annotated[
        list[str] | None,
        typer.Option(
            "--id", metavar="NAME=ID", help="The id of an undecided object, by logical name or URN."
        ),
    ] = None,
    forget_undecided: Annotated[
        bool, typer.Option("--forget-undecided", help="Drop the operations that nobody can decide.")
    ] = False,
    list_orphans: Annotated[
        bool,
        typer.Option("--orphans", help="Only list what AWS has with the stack's tags and the state has not."),
    ] = False,
    backup: Annotated[
        Path, typer.Option("--backup", metavar="DIR", help="Where the state is saved first.")
    ] = Path(),
    format_: Annotated[Literal["text", "json"], typer.Option("--format", help="How to print it.")] = "text",
) -> None:
    """Bring what a killed update may have made into the state, and read what is really there.

    Decides for each pending create which id its object has, if it was made; imports the state with these resources; and
    runs `pulumi refresh`, which reads those that exist and drops the others. Run `pulumi up` next.
    """
    engine = PulumiStack(CLONE, stack)
    engine.refuse_live_update()
    state = engine.export()
    deployment = deployment_of(state)
    look = AwsLookups(_client, account_of(deployment))
    if list_orphans:
        _list_orphans(deployment, look, stack, format_)
        return
    plan = make_plan(state, look, _given(id_ or [], deployment))
    blocked = bool(plan.undecided) and not forget_undecided
    if format_ == "text":
        print_plan(OUT, plan, stack)
    if blocked or dry_run or not (plan.decisions or plan.unread):
        _json_alone(format_, stack, plan)
        if blocked:
            report(
                "nothing was changed: look at the undecided ones, then give --id NAME=ID or --forget-undecided"
            )
        raise typer.Exit(EXIT_WRONG if blocked else 0)
    _confirm(stack, yes=yes)
    saved = _save(backup, stack, state) if plan.changes_the_state else None
    if saved:
        report(f"the state as it was: {saved}")
        carry_out(plan, engine.export, engine.import_)
    sys.stdout.flush()
    if engine.refresh(2 if format_ == "json" else 1) != 0:
        raise RecoveryError(
            "the recovered resources are in the state, and the refresh failed; its reason is above. Nothing is lost: "
            f"correct it, and run `slipway recover --stack {stack}` again"
        )
    made = was_made(plan, engine.export())
    if format_ == "json":
        OUT.print_json(json.dumps(as_json(stack, plan, saved, made)))
    else:
        print_result(OUT, made, stack)


def _list_orphans(deployment: Deployment, aws: AwsLookups, stack: str, format_: str) -> None:
    tags, region = stack_tags(deployment)
    if not tags:
        raise RecoveryError(
            f"the state of {stack} has no AWS provider with default tags, so nothing says what belongs to it"
        )
    found = orphans(deployment, aws.holdings(tags, region), stack)
    if format_ == "json":
        OUT.print_json(json.dumps([asdict(orphan) for orphan in found]))
    else:
        print_orphans(OUT, found, tags)


def _json_alone(format_: str, stack: str, plan: Plan) -> None:
    if format_ == "json":
        OUT.print_json(json.dumps(as_json(stack, plan, None, [])))


def _confirm(stack: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody can be asked here; give --yes to change the state, or --dry-run")
    if not typer.confirm(f"Change the state of {stack}, and refresh it?", err=True):
        report("nothing was changed")
        raise typer.Exit(EXIT_WRONG)


def _save(folder: Path, stack: str, state: dict[str, Any]) -> Path:
    """Write the exported state, whose secrets are encrypted, to a new file that nobody else may read.

    Raises:
        RecoveryError: the file cannot be written.
    """
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path = folder / f"slipway-recover-{stack.replace('/', '-')}-{moment}.json"
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(state, file, indent=1)
    except OSError as error:
        raise RecoveryError(f"the state cannot be saved to {path}, and was not changed: {error}") from error
    return path


def _given(pairs: list[str], deployment: dict[str, Any]) -> dict[str, str]:
    """Return the ids that a person gave, each for exactly one pending create."""
    given = {}
    for pair in pairs:
        name, equals, id_ = pair.rpartition("=")
        if not equals or not name or not id_:
            raise typer.BadParameter(
                f"--id {pair} has no value. Write NAME=ID, with the logical name or the URN"
            )
        urns = [item["resource"]["urn"] for item in deployment.get("pending_operations") or ()]
        named = [urn for urn in urns if name in (urn, urn.split("::", 3)[3])]
        if len(named) != 1:
            raise typer.BadParameter(f"--id {name}: {len(named)} pending operations have this name")
        given[named[0]] = id_
    return given


def _client(service: str, region: str | None) -> Any:
    import boto3  # takes a third of a second, and most recoveries ask AWS nothing

    return boto3.client(service, region_name=region)  # type: ignore[call-overload]  # by a plain string
