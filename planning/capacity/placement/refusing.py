"""What cannot be placed: how much is missing where it nearly fits, and what would hold it."""

from collections.abc import Sequence
from typing import Final

from planning.capacity.errors import PlanningError
from planning.capacity.placement.demands import WholeDemand
from planning.capacity.placement.offers import known_offers
from planning.capacity.placement.pieces import Piece, Room, make_rooms, missing
from planning.capacity.placement.rules import PlacementRules
from planning.capacity.placement.words import lacks
from quantities import counted

_SUGGESTIONS: Final = 3
_WRONG_KIND: Final = (
    "device",
    "pin",
    "parts",
    "unlimited",
    "start_order",
    "capability",
    "limit",
    "gpus",
    "nodes",
    "gpu_memory",
    "memory",
    "millicores",
)
"""From what is furthest off to what is nearest."""


def refuse_homeless(pieces: Sequence[Piece], rooms: Sequence[Room], rules: PlacementRules) -> None:
    """Raises PlanningError where no empty node of any offer holds a piece; it names all such pieces."""
    messages = [_no_host(piece, rooms, rules) for piece in pieces if not piece.hosts]
    if messages:
        raise PlanningError("\n".join(messages))


def _no_host(piece: Piece, rooms: Sequence[Room], rules: PlacementRules) -> str:
    kind = piece.family[0]
    if piece.limit < 1:
        return (
            f"{piece.name} allows {piece.limit} models in its server; it is one itself, so allow at least 1"
        )
    if not rooms:
        return f"{piece.name} has no place, since no instance type is offered; offer one"
    nearest = min(rooms, key=lambda room: (_distance(missing(piece, room)), room.cost, room.index))
    lacking = missing(piece, nearest)
    others = [lack for lack in lacking if lack[0] != "pin"]
    name = nearest.offer.name
    if others == [("device", 1)] or not any(bool(room.offer.gpus) == (kind == "gpu") for room in rooms):
        found = f"{piece.name} runs on a {kind.upper()} and no {kind.upper()} machine is offered"
    elif lacking == [("pin", 1)]:
        found = f"{piece.name} is pinned to {piece.demand.instance_type}, which is not offered or does not hold it"
    else:
        pinned = f" (it is pinned to {piece.demand.instance_type})" if piece.demand.instance_type else ""
        found = (
            f"{piece.name} fits no offered node{pinned}: the nearest, {name}, is {_phrase(others, nearest)}"
        )
    return f"{found}; {_way_out(piece, rooms, rules, lacking)}{_assumed(piece, lacking)}"


def _assumed(piece: Piece, lacking: Sequence[tuple[str, int]]) -> str:
    """What of an amount that is too large somebody can replace by a better figure."""
    source = piece.demand.memory_source if isinstance(piece.demand, WholeDemand) else ""
    return f". Its host memory counts {source}" if source and "memory" in dict(lacking) else ""


def _phrase(lacking: Sequence[tuple[str, int]], room: Room) -> str:
    if lacking[0][0] == "nodes":
        return (
            f"allowed {counted(room.offer.max_nodes, 'node')}, {lacks(lacking[:1]).split(' more')[0]} too few"
        )
    if lacking[0][0] == "capability":
        has = ".".join(str(part) for part in room.offer.compute_capability)
        return f"of compute capability {has}, too low"
    return lacks(lacking)


def _way_out(
    piece: Piece, rooms: Sequence[Room], rules: PlacementRules, lacking: Sequence[tuple[str, int]]
) -> str:
    unpinned = [room.offer.name for room in rooms if not [x for x in missing(piece, room) if x[0] != "pin"]]
    if unpinned:
        return f"drop the pin, and {' or '.join(unpinned[:_SUGGESTIONS])} holds it"
    if [what for what, _ in lacking] == ["nodes"]:
        return f"allow {counted(piece.replicas, 'node')} of it, one for each replica"
    offered = {room.offer.name for room in rooms}
    would = [
        room
        for room in make_rooms(known_offers(), rules)
        if room.offer.name not in offered
        and not [x for x in missing(piece, room) if x[0] not in ("nodes", "pin")]
    ]
    would.sort(key=lambda room: (room.cost, room.offer.name))
    if not would:
        return f"no known instance type holds it: {_smaller(piece)}"
    names = " or ".join(room.offer.name for room in would[:_SUGGESTIONS])
    return f"offer {names}, which would hold it, or {_smaller(piece)}"


def _smaller(piece: Piece) -> str:
    if piece.gpus:
        return "make it smaller, or spread it over another number of GPUs"
    return "lower its max_workers or batch_size"


def _distance(lacking: Sequence[tuple[str, int]]) -> tuple[tuple[int, ...], int]:
    """Fewer and lesser things missing are nearer."""
    kinds = tuple(sum(what == kind for what, _ in lacking) for kind in _WRONG_KIND)
    return kinds, sum(amount for _, amount in lacking)


def refuse_full(piece: Piece, rooms: Sequence[Room]) -> PlanningError:
    """What to say when nodes that would hold the piece may not be had."""
    able = [room for room in rooms if piece.hosts >> room.index & 1]
    limits = ", ".join(f"{room.offer.name} {room.offer.max_nodes}" for room in able)
    cheapest = min(able, key=lambda room: (room.cost, room.index)).offer.name
    return PlanningError(
        f"{piece.name} needs room on {counted(piece.replicas, 'node')} and no plan was found within the nodes that may "
        f"be had ({limits}): it is {counted(piece.replicas, 'node')} short with all others placed; allow more nodes of "
        f"{cheapest}, offer another instance type, or lower its replicas"
    )
