"""What is in another place than before: real moves with their reasons, apart from what comes and goes."""

from dataclasses import dataclass, replace

from planning.capacity.errors import PlanningError
from planning.capacity.placement import Assignment, Lock, Move, Place, compare, plan_placement
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
    """Why it could not stay. A lock that was written anew no longer tells: BASE's places are asked, by one more
    placement.
    """
    known = _reasons(head.placement.moves)
    if any(_key(one) not in known for one in moved):
        known = _reasons(_forced(head, base.placement.lock)) | known
    return tuple(replace(one, reason=known.get(_key(one), BY_LOCK)) for one in moved)


def _key(move: Move) -> tuple[str, Place, Place]:
    return move.selector, move.before, move.after


def _reasons(moves: tuple[Move, ...]) -> dict[tuple[str, Place, Place], str]:
    return {_key(move): move.reason for move in moves}


def _forced(head: Plan, lock: Lock) -> tuple[Move, ...]:
    try:
        return plan_placement(head.demands, head.offers, lock).moves
    except PlanningError:
        return ()
