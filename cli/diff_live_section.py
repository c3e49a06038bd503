"""What TorchServe servers take over as they run, as a section of `slipway diff`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TypeVar

from cli.diff_cells import Cell, Code, Section, joined, setting
from model_catalog import Selector
from planning.changes import LiveChange, LiveChanges, LiveKind, PlanChanges, WaitingChange
from quantities import counted

_NOTE: Cell = (
    (
        "Nobody loses capacity: the agent beside TorchServe loads a version, tries it, makes it the default, and lets "
        "the old one finish (docs/agent.md). What waits takes effect when a pod starts anew, for whatever reason."
    ),
)


_T = TypeVar("_T", LiveChange, WaitingChange)


def live(plan: PlanChanges) -> Section:
    """A line for each model and language."""
    rows = [
        (
            (Code(f"{variant.task}/{variant.model}"),),
            (Code(variant.language or ""),),
            (Code(owner),),
            (Code(one.server),),
            joined(_change(change) for change in changes),
            joined(_waiting(change) for change in waiting),
        )
        for one in plan.live
        for variant, owner, changes, waiting in _by_variant(one)
    ]
    return Section(
        title=f"What changes as servers of {plan.environment} run",
        columns=("model", "language", "owner", "server", "now", "at the next start"),
        rows=tuple(rows),
        notes=(_NOTE,),
    )


def what_changes(one: LiveChanges) -> Cell:
    """Of a server, in one cell."""
    numbers = {kind: sum(change.kind is kind for change in one.changes) for kind in LiveKind}
    words = {
        LiveKind.ADDED: "comes",
        LiveKind.DEFAULT: "becomes the default",
        LiveKind.WORKERS: "gets workers",
        LiveKind.SMOKE: "has another smoke input",
        LiveKind.REMOVED: "leaves",
    }
    said = [f"{counted(number, 'version')} {words[kind]}" for kind, number in numbers.items() if number]
    if one.waiting:
        said.append(f"{counted(len(one.waiting), 'setting')} at the next start")
    return ("; ".join(said),)


def _by_variant(
    one: LiveChanges,
) -> Iterator[tuple[Selector, str, tuple[LiveChange, ...], tuple[WaitingChange, ...]]]:
    changes, waiting = _grouped(one.changes), _grouped(one.waiting)
    for variant in sorted({*changes, *waiting}, key=lambda selector: selector.sort_key):
        own, later = changes.get(variant, ()), waiting.get(variant, ())
        yield variant, (own[0] if own else later[0]).owner, own, later


def _grouped(changes: Iterable[_T]) -> dict[Selector, tuple[_T, ...]]:
    return {
        variant: tuple(group) for variant, group in groupby(changes, key=lambda one: one.selector.variant)
    }


def _change(change: LiveChange) -> Cell:
    version = Code(change.selector.version or "")
    match change.kind:
        case LiveKind.ADDED:
            return ("version ", version, " comes")
        case LiveKind.DEFAULT if change.setting and change.setting.old:
            return ("version ", version, " becomes the default instead of ", Code(change.setting.old))
        case LiveKind.DEFAULT:
            return ("version ", version, " is the default")
        case LiveKind.WORKERS if change.setting:
            return ("version ", version, f": workers {change.setting.old} → {change.setting.new}")
        case LiveKind.SMOKE:
            return ("version ", version, " is asked another smoke input")
        case _:
            return ("version ", version, " leaves")


def _waiting(change: WaitingChange) -> Cell:
    return ("version ", Code(change.selector.version or ""), ": ", *setting(change.setting))
