"""A recovery as text and as JSON. Neither shows an input or an output of a resource: they may be secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from cli.console import printable
from recovery import Decision, Orphan, Plan, Verdict


def print_plan(console: Console, plan: Plan, stack: str) -> None:
    """Print a line for each pending operation, and what a person has to look at."""
    if plan.unread:
        console.print(f"{len(plan.unread)} recovered resources were not read since; the refresh is run again")
    if not plan.decisions:
        if not plan.unread:
            console.print(f"{stack}: nothing to recover, no operation is pending")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("operation", "type", "name", "what is done", "id"):
        table.add_column(heading, overflow="fold")
    for decision in plan.decisions:
        operation = decision.operation
        words = [operation.kind, operation.type, operation.name, decision.verdict.value, decision.id]
        table.add_row(*(printable(word) for word in words))
    console.print(table)
    for decision in plan.undecided:
        console.print(
            f"\nundecided: {printable(decision.operation.urn)}\n  {printable(decision.why)}", markup=False
        )
        for command in decision.commands:
            console.print(f"  look: {command}", markup=False)


def print_result(console: Console, made: Sequence[tuple[Decision, bool]], stack: str) -> None:
    """Print which objects exist."""
    for decision, exists in made:
        if exists and decision.verdict is Verdict.REMOVE:
            found = "exists beside another one; the next update deletes it"
        else:
            found = "exists, and is in the state" if exists else "was never made"
        console.print(
            f"{decision.operation.type} {printable(decision.operation.name)}: {found}", markup=False
        )
    console.print(f"recovered; run: pulumi up --stack {stack}")


def print_orphans(console: Console, found: Sequence[Orphan], tags: Mapping[str, str]) -> None:
    """Print each object with the commands for it; nothing is run."""
    said = ", ".join(f"{key}={value}" for key, value in sorted(tags.items()))
    console.print(
        f"{len(found)} objects of AWS have the tags {said}, and are in no resource of the state", markup=False
    )
    for orphan in found:
        console.print(f"\n{printable(orphan.arn)}", markup=False)
        for purpose, command in (("keep", orphan.import_command), ("delete", orphan.delete_command)):
            if command:
                console.print(f"  {purpose}: {printable(command)}", markup=False)


def as_json(
    stack: str, plan: Plan, saved: Path | None, made: Sequence[tuple[Decision, bool]]
) -> dict[str, Any]:
    """Return the recovery as plain data; `exists` is null where no refresh has read the object."""
    exists = {id(decision): found for decision, found in made}
    return {
        "stack": stack,
        "backup": str(saved) if saved else None,
        "unread": plan.unread,
        "operations": [
            {
                "operation": decision.operation.kind,
                "urn": decision.operation.urn,
                "type": decision.operation.type,
                "name": decision.operation.name,
                "verdict": decision.verdict.name.lower(),
                "id": decision.id or None,
                "why": decision.why,
                "commands": list(decision.commands),
                "exists": exists.get(id(decision)),
            }
            for decision in plan.decisions
        ],
    }
