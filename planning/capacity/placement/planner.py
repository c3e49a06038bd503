"""The decision: what stays, what is new, what has to move, and on which nodes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from model_catalog import Device
from planning.capacity.placement.balancing import balance
from planning.capacity.placement.demands import Demand, check_demands
from planning.capacity.placement.keeping import Evicted, keep
from planning.capacity.placement.layout import Node, node_of, places, used_nodes
from planning.capacity.placement.lock import Lock, Place
from planning.capacity.placement.naming import name_nodes
from planning.capacity.placement.offers import Offer, check_offers
from planning.capacity.placement.packing import NoNodesLeftError, Packer
from planning.capacity.placement.pieces import Piece, Room, make_pieces, make_rooms
from planning.capacity.placement.placement import Move, Placement
from planning.capacity.placement.refusing import refuse_full, refuse_homeless
from planning.capacity.placement.reporting import report
from planning.capacity.placement.rules import PlacementRules
from planning.capacity.placement.settling import exchange, settle
from planning.capacity.placement.values import set_values, value

_DEFAULTS = PlacementRules()
_NO_LOCK = Lock()


def plan_placement(
    demands: Iterable[Demand],
    offers: Iterable[Offer],
    lock: Lock = _NO_LOCK,
    rules: PlacementRules = _DEFAULTS,
) -> Placement:
    """A place for every demand. What the lock placed stays there as long as it fits.

    What is new goes first where there is room, then onto new nodes. Something else moves only where the lock does not
    hold any more, or where no more nodes may be had: then one is exchanged, and only if that does not do, all is
    planned anew. Raises PlanningError where a demand fits no offer, or not within the nodes allowed.
    """
    pieces, rooms = _read(demands, offers, rules)
    nodes, evicted = keep(lock, pieces, rooms)
    stays = places(nodes)
    homeless = [piece for piece in pieces if piece.name not in stays]
    homeless.sort(key=lambda piece: (-piece.gpus, -piece.value, piece.name))
    left = [piece for piece in homeless if not settle(nodes, piece)]
    try:
        fresh = _pack(left, rooms, used_nodes(nodes, rooms))
    except NoNodesLeftError:
        nodes, fresh = _squeeze(nodes, left, pieces, rooms, evicted)
    return _finish([*nodes, *fresh], fresh, rooms, rules, lock.places, evicted)


def repack(
    demands: Iterable[Demand],
    offers: Iterable[Offer],
    lock: Lock = _NO_LOCK,
    rules: PlacementRules = _DEFAULTS,
) -> Placement:
    """What would be planned if nothing ran yet. The lock only lends its names where a server is nearly the same.

    Raises PlanningError as plan_placement does.
    """
    pieces, rooms = _read(demands, offers, rules)
    try:
        nodes = _pack(pieces, rooms, [0] * len(rooms))
    except NoNodesLeftError as error:
        raise refuse_full(error.piece, rooms) from error
    why = dict.fromkeys(lock.places, "a repack places everything anew")
    return _finish(nodes, nodes, rooms, rules, lock.places, why)


def _read(
    demands: Iterable[Demand], offers: Iterable[Offer], rules: PlacementRules
) -> tuple[tuple[Piece, ...], tuple[Room, ...]]:
    rooms = make_rooms(check_offers(offers), rules)
    pieces = make_pieces(check_demands(demands), rooms)
    refuse_homeless(pieces, rooms, rules)
    for family in _families(pieces):
        set_values(family, rooms, value(family, rooms))
    return pieces, rooms


def _families(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """Many replicas first: they need the most nodes at once."""
    families: dict[tuple[Device, int], list[Piece]] = {}
    for piece in pieces:
        families.setdefault(piece.family, []).append(piece)
    return [families[key] for key in sorted(families, key=lambda key: (-key[1], key[0]))]


def _pack(pieces: Sequence[Piece], rooms: Sequence[Room], used: Sequence[int]) -> list[Node]:
    """New nodes for the pieces. Raises NoNodesLeftError.

    Where nodes run out it tries again with who lacked them first, and at last for the fewest nodes at any cost.
    """
    even = [replace(room, cost=max(other.cost for other in rooms)) for room in rooms]
    failure: NoNodesLeftError | None = None
    for costs in (rooms, even):
        families = _families(pieces)
        for _ in range(len(families) + 1):
            packer = Packer(costs, used)
            nodes: list[Node] = []
            try:
                for family in families:
                    nodes += [node_of(draft, family[0].replicas) for draft in packer.pack(family)]
            except NoNodesLeftError as error:
                failure = failure or error
                first = [family for family in families if family[0].family == error.piece.family]
                if families[0] is first[0]:
                    break
                families = [*first, *(family for family in families if family is not first[0])]
                continue
            for node in nodes:
                node.room = rooms[node.room.index]
            balance(nodes)
            return nodes
    if failure is not None:
        raise failure
    return []


def _squeeze(
    nodes: list[Node], left: Sequence[Piece], pieces: Sequence[Piece], rooms: Sequence[Room], evicted: Evicted
) -> tuple[list[Node], list[Node]]:
    """(nodes that stay, new nodes) when no more nodes may be had."""
    waiting = list(left)
    for piece in left:
        other = exchange(nodes, piece)
        if other is not None:
            evicted.setdefault(other.name, f"it makes room for {piece.name}, and no more nodes may be had")
            waiting.remove(piece)
    try:
        return nodes, _pack(waiting, rooms, used_nodes(nodes, rooms))
    except NoNodesLeftError as error:
        full = error
    try:
        fresh = _pack(pieces, rooms, [0] * len(rooms))
    except NoNodesLeftError as error:
        raise refuse_full(error.piece, rooms) from error
    for piece in pieces:
        evicted.setdefault(
            piece.name,
            f"{full.piece.name} has room only where all is placed anew, since no more nodes may be had",
        )
    return [], fresh


def _finish(
    nodes: Sequence[Node],
    fresh: Sequence[Node],
    rooms: Sequence[Room],
    rules: PlacementRules,
    before: Mapping[str, Place],
    why: Mapping[str, str],
) -> Placement:
    for node in nodes:
        for server in node.servers:
            server.pieces.sort(key=lambda piece: piece.name)
    # A repack may use an old name; a plan that keeps its nodes never takes one from a server that is gone.
    name_nodes(nodes, before if len(fresh) == len(nodes) else {})
    after = places(nodes)
    moves = tuple(
        Move(selector=name, before=before[name], after=after[name], reason=why[name])
        for name in sorted(before.keys() & after.keys())
        if before[name] != after[name]
    )
    return report(nodes, rooms, rules, moves)
