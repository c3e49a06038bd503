"""What is in another place than before: real moves with their reasons, apart from what comes and goes."""

from dataclasses import dataclass, replace

from planning.capacity.placement import Assignment, Lock, Move, Place, Placement, compare, plan_placement
from planning.errors import PlanningError
from planning.plan import Plan

BY_LOCK = "HEAD's lock puts it there, though it fits where it is"
"""The reason of a move that nothing but the lock asks for: somebody edited or repacked it."""


@dataclass(frozen=True, kw_only=True)
class Gone:
    """Something that has no place any more."""

    selector: str
    place: Place


@dataclass(frozen=True, kw_only=True)
class PlaceChanges:
    """Each sorted by selector: Task/Model/lang of what shares servers, Task/Model/lang@version of language models."""

    moved: tuple[Move, ...] = ()
    added: tuple[Assignment, ...] = ()
    removed: tuple[Gone, ...] = ()


def place_changes(base: Plan, head: Plan) -> PlaceChanges:
    """From where BASE has it to where HEAD has it."""
    if base.placement is head.placement:
        return PlaceChanges()
    found = compare(base.placement, head.placement)
    new = set(found.added)
    return PlaceChanges(
        moved=_with_reasons(found.moved, base, head),
        added=tuple(one for one in head.placement.assignments if one.selector in new),
        removed=tuple(
            Gone(selector=name, place=base.placement.places[name]) for name in sorted(found.removed)
        ),
    )


def _with_reasons(moved: tuple[Move, ...], base: Plan, head: Plan) -> tuple[Move, ...]:
    """Why it could not stay, which a lock that was written anew no longer tells: it is asked of BASE's places."""
    if not moved:
        return ()
    forced = {(one.selector, one.after): one.reason for one in _forced(head, base.placement.lock)}
    return tuple(replace(one, reason=forced.get((one.selector, one.after), BY_LOCK)) for one in moved)


def _forced(head: Plan, lock: Lock) -> tuple[Move, ...]:
    try:
        anew: Placement = plan_placement(head.demands, head.offers, lock)
    except PlanningError:
        return ()
    return anew.moves
