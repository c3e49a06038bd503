"""What becomes of one environment's servers, models and alerts, as sections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from cli.diff_cells import Cell, Code, Section, count, joined, setting
from cli.diff_cost_sections import costs, nodes
from cli.diff_live_section import live, what_changes
from model_catalog import Selector
from model_catalog.changes import Change, SettingChange
from planning.changes import (
    Affected,
    AlertChange,
    PlanChanges,
    PodPart,
    Restart,
    ServerChange,
)
from quantities import counted, format_duration

_NAMED = 5
"""Models that a cell names before it counts."""

_PARTS = {
    PodPart.MODELS: "another configuration",
    PodPart.IMAGE: "another image",
    PodPart.RESOURCES: "other CPU, memory or GPUs",
    PodPart.POOL: "another pool",
    PodPart.IDENTITY: "other labels",
    PodPart.SETTINGS: "overrides that a running TorchServe cannot take",
    PodPart.STARTUP: "another startup budget",
}
_FOLLOWING = frozenset({PodPart.MODELS, PodPart.RESOURCES, PodPart.STARTUP})
"""What changes with the models, and needs no word of its own beside them."""

_SERVES = {
    (True, True): "stays up",
    (False, True): "begins to serve",
    (True, False): "stops: not served",
    (False, False): "not served",
}
"""Whether a server has pods before and after → what becomes of it where none is replaced."""

_BOUND: Cell = (
    (
        "At most: each new pod's startup budget, one after another. The end of the pod before it comes on top, "
        "and the pull of an image that its node does not have."
    ),
)
_ADDRESS: Cell = ("Who calls a moved model by its server's address must take the new one.",)


def plan_sections(plan: PlanChanges) -> tuple[Section, ...]:
    """In the order of what a reviewer asks."""
    return (
        _lock(plan),
        _risks(plan),
        _without_effect(plan),
        _servers(plan),
        _losses(plan),
        live(plan),
        _places(plan),
        nodes(plan),
        costs(plan),
        _alerts(plan),
    )


def _lock(plan: PlanChanges) -> Section:
    command = f"slipway plan --env {plan.environment} --write"
    rows = (
        (
            (
                "HEAD's lock does not say where everything is. Run ",
                Code(command),
                " and commit what it writes.",
            ),
        ),
    )
    return Section(
        title=f"The placement of {plan.environment} is not written",
        columns=("what to do",),
        rows=rows if plan.stale else (),
        lines=tuple("".join(cell) for row in rows for cell in row),
    )


def _risks(plan: PlanChanges) -> Section:
    return Section(
        title=f"Risks in {plan.environment}",
        columns=("risk", "what"),
        rows=tuple(((one.kind.value.replace("_", " "),), (one.message,)) for one in plan.risks),
        lines=tuple(one.message for one in plan.risks),
    )


def _without_effect(plan: PlanChanges) -> Section:
    return Section(
        title=f"Without effect in {plan.environment}",
        columns=("key", "what"),
        rows=tuple(((Code(one.kind),), (one.message,)) for one in plan.without_effect),
        lines=tuple(one.message for one in plan.without_effect),
    )


def _servers(plan: PlanChanges) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (
            (Code(one.name),),
            (_what(one),),
            (count(one.before.replicas, one.after.replicas),),
            (count(one.before.gpus, one.after.gpus),),
            _why(one),
        )
        for one in plan.servers
    ]
    if plan.unplanned:
        rows.append((("all",), ("not compared",), ("",), ("",), (plan.unplanned,)))
    return Section(
        title=f"Servers of {plan.environment}",
        columns=("server", "", "replicas", "GPUs", "because"),
        rows=tuple(rows),
    )


def _what(change: ServerChange) -> str:
    if change.restart:
        return "restarts"
    if change.change is not Change.CHANGED:
        return change.change.value
    return _SERVES[bool(change.before.running), bool(change.after.running)]


def _why(change: ServerChange) -> Cell:
    if change.live:
        return what_changes(change.live)
    if change.restart is None:
        return joined(setting(one) for one in change.settings if one.name != "replicas")
    found = change.restart
    own = [one.variant for one in found.affected if not one.untouched]
    causes = [*_named("gets ", found.gained), *_named("loses ", found.lost), *_named("changes ", own)]
    silent = _FOLLOWING if causes else frozenset()
    return joined((*causes, *((_PARTS[part],) for part in found.parts if part not in silent)))


def _named(verb: str, variants: Iterable[Selector]) -> Iterator[Cell]:
    names = [str(variant) for variant in variants]
    if names:
        rest = len(names) - _NAMED
        more = (f" and {rest} more",) if rest > 0 else ()
        between = [part for name in names[:_NAMED] for part in (", ", Code(name))][1:]
        yield (verb, *between, *more)


def _losses(plan: PlanChanges) -> Section:
    """Whom a restart takes how much for how long; a line for each model of a server."""
    rows = [
        (
            (Code(entry),),
            (_languages(affected),),
            (Code(affected[0].owner),),
            (Code(restart.server),),
            (_left(restart),),
            (format_duration(restart.longest),),
            (_blame(restart, affected),),
        )
        for restart in plan.restarts
        if restart.ready < restart.before
        for entry, affected in _by_entry(restart)
    ]
    return Section(
        title=f"Who loses capacity in {plan.environment}",
        columns=("model", "languages", "owner", "server", "left", "for up to", "because of"),
        rows=tuple(rows),
        notes=(_BOUND,),
    )


def _by_entry(restart: Restart) -> Iterator[tuple[str, tuple[Affected, ...]]]:
    """Those of one entry together; who pays for a neighbour apart from who changes."""
    rows: dict[tuple[str, bool], list[Affected]] = {}
    for one in restart.affected:
        rows.setdefault((f"{one.variant.task}/{one.variant.model}", one.untouched), []).append(one)
    for (entry, _), affected in rows.items():
        yield entry, tuple(affected)


def _languages(affected: Iterable[Affected]) -> str:
    return ", ".join(
        f"{one.variant.language}{'' if one.default else ' (by version alone)'}" for one in affected
    )


def _left(restart: Restart) -> str:
    of = f"{restart.ready} of {counted(restart.before, 'replica')}"
    return f"{of}: no answer" if restart.away else of


def _blame(restart: Restart, affected: Iterable[Affected]) -> str:
    if not all(one.untouched for one in affected):
        return "their own change"
    neighbours = restart.gained or restart.lost or not restart.for_neighbours
    return "a neighbour's change" if neighbours else "the server's change"


def _places(plan: PlanChanges) -> Section:
    places = plan.places
    rows: tuple[tuple[Cell, ...], ...] = (
        *(
            (
                (Code(one.selector),),
                ("moves",),
                (Code(str(one.before)),),
                (Code(str(one.after)),),
                (one.reason,),
            )
            for one in places.moved
        ),
        *(
            ((Code(one.selector),), ("new",), ("",), (Code(str(one.place)),), (one.reason,))
            for one in places.added
        ),
        *(
            ((Code(one.selector),), ("goes",), (Code(str(one.place)),), ("",), ("",))
            for one in places.removed
        ),
    )
    return Section(
        title=f"Placement in {plan.environment}",
        columns=("what", "", "from", "to", "why"),
        rows=rows,
        lines=(
            *(f"{one.selector} moves from {one.before} to {one.after}: {one.reason}" for one in places.moved),
            *(f"{one.selector} is new: {one.reason}" for one in places.added),
            *(f"{one.selector} leaves {one.place}" for one in places.removed),
        ),
        notes=(("Nothing else moves.",), _ADDRESS) if places.moved else (("Nothing moves.",),),
    )


def _alerts(plan: PlanChanges) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for (server, change), group in groupby(
        sorted(plan.alerts, key=lambda one: (one.server, one.change, one.name)),
        key=lambda one: (one.server, one.change),
    ):
        rows.append(((Code(server),), (change.value,), joined(_alert(one) for one in group)))
    return Section(title=f"Alerts of {plan.environment}", columns=("server", "", "alerts"), rows=tuple(rows))


def _alert(change: AlertChange) -> Cell:
    said: list[str] = [Code(change.name)]
    for one in change.settings:
        old, new = _difference(one) if one.name == "expression" else (str(one.old), str(one.new))
        what = "" if one.name == "expression" else f"{one.name} "
        said += [f" {what}", Code(old), " → ", Code(new)]
    return tuple(said)


def _difference(change: SettingChange) -> tuple[str, str]:
    """What of two expressions differs, with the word before it: a comparison with its number, most often."""
    old, new = str(change.old).split(" "), str(change.new).split(" ")
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    start = max(0, start - 1)
    return " ".join(old[start : len(old) - end]), " ".join(new[start : len(new) - end])
