"""Shared pieces onto a fleet of nodes that is chosen first: each piece goes where most is left of what it needs most.

Filling one node after the other spends the large pieces first and leaves many small ones that use up CPU and no GPU
memory. Spread over all nodes at once, large and small ones mix, and nodes run out of everything at about the same time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from planning.capacity.placement.drafts import Draft
from planning.capacity.placement.linear import maximize
from planning.capacity.placement.pieces import Piece, Room
from planning.capacity.placement.values import Values, capacities, grain_of, totals_of

_SCALE: Final = 2**60
"""Keeps the division of sizes by squares of capacities whole."""
_ALONE: Final = 3
"""Types that are tried alone. Of 4 the last was never the best on the benchmark's catalogs."""
_EXTRA: Final = (0, 5)
"""Percent of nodes above the sum of what they must hold."""


@dataclass(eq=False, slots=True, kw_only=True)
class _Node:
    """What all servers of one node share."""

    draft: Draft
    millicores: int
    memory: int


@dataclass(eq=False, slots=True, kw_only=True)
class _Bin:
    """One server of the fleet."""

    node: _Node
    gpu_memory: int
    limit: int
    bit: int
    scales: tuple[int, int, int]
    pieces: list[Piece]
    owners: set[str]
    apart: set[str]
    colour: int | None = None
    """Of owners that keep apart from others: whose pieces it takes first."""


def fleets(pieces: Sequence[Piece], rooms: Sequence[Room], values: Values) -> list[list[Room]]:
    """Fleets worth trying for one family's shared pieces, one room for each node.

    The mix of types that is cheapest by the fraction, and the cheapest types alone; each just enough in sum, and a
    little larger.
    """
    shared = [piece for piece in pieces if not piece.gpus]
    if not shared:
        return []
    totals, grain = totals_of(shared), grain_of(shared)
    alone: list[tuple[Fraction, int, Fraction]] = []
    for room in rooms:
        there = capacities(room, grain)
        if any(piece.hosts >> room.index & 1 for piece in shared):
            count = max(Fraction(total, max(1, whole)) for total, whole in zip(totals, there, strict=True))
            alone.append((count * room.cost, room.index, count))
    mixes = [values.nodes]
    for _, index, count in sorted(alone)[:_ALONE]:
        mixes.append(tuple(count if room.index == index else Fraction(0) for room in rooms))
    return [_fleet(shared, rooms, mix, extra) for mix in mixes for extra in _EXTRA]


def _fleet(
    shared: Sequence[Piece], rooms: Sequence[Room], amounts: Sequence[Fraction], extra: int
) -> list[Room]:
    """`amounts` of each room and `extra` percent more, rounded up.

    What can be on none of these gets nodes first, the cheapest of one type, and the rest is the fewer for it.
    """
    main = sum(1 << room.index for room in rooms if amounts[room.index])
    barred: dict[int, list[Piece]] = {}
    for piece in shared:
        if not piece.hosts & main:
            barred.setdefault(piece.hosts, []).append(piece)
    grain = grain_of(shared)
    chosen: list[Room] = []
    for hosts in sorted(barred):
        chosen += _alone(barred[hosts], [room for room in rooms if hosts >> room.index & 1], grain)
    if chosen:
        left = list(totals_of(shared))
        for room in chosen:
            left = [max(0, total - there) for total, there in zip(left, capacities(room, grain), strict=True)]
        known = [room for room in rooms if main >> room.index & 1]
        rows = [capacities(room, grain) for room in known]
        _, fewer = maximize(left, rows, [room.cost for room in known])
        by_room = {room.index: amount for room, amount in zip(known, fewer, strict=True)}
        amounts = [by_room.get(room.index, Fraction(0)) for room in rooms]
    for room in rooms:
        chosen += [room] * -(-amounts[room.index] * (100 + extra) // 100)
    return chosen


def _alone(pieces: Sequence[Piece], rooms: Sequence[Room], grain: int) -> list[Room]:
    totals = totals_of(pieces)
    counts = []
    for room in rooms:
        there = capacities(room, grain)
        count = max(-(-total // max(1, whole)) for total, whole in zip(totals, there, strict=True))
        counts.append((count * room.cost, room.index, count))
    _, index, count = min(counts)
    return [room for room in rooms if room.index == index] * count


def spread(shared: Sequence[Piece], chosen: Sequence[Room]) -> tuple[list[Draft], list[Piece]]:
    """(nodes with something on them, pieces that found no place). Pieces with few hosts first, then large ones."""
    bins: list[_Bin] = []
    for room in chosen:
        node = _Node(
            draft=Draft(room=room),
            millicores=room.millicores - room.servers * room.server_millicores,
            memory=room.memory - room.servers * room.server_memory,
        )
        wholes = (room.gpu_memory, node.millicores, node.memory)
        first, second, third = (_SCALE * _SCALE // max(1, whole) ** 2 for whole in wholes)
        bins += [
            _Bin(
                node=node,
                gpu_memory=room.gpu_memory,
                limit=room.limit,
                bit=1 << room.index,
                scales=(first, second, third),
                pieces=[],
                owners=set(),
                apart=set(),
            )
            for _ in range(room.servers)
        ]
    _paint(bins, shared)
    colours = _colours(shared)
    homeless: list[Piece] = []
    waiting = sorted(shared, key=lambda one: (one.hosts.bit_count(), -one.value, one.name))
    hosts = {piece.hosts: sum(piece.hosts & found.bit != 0 for found in bins) for piece in waiting}
    narrow = [piece for piece in waiting if hosts[piece.hosts] * 2 < len(bins)]
    wide = [piece for piece in waiting if hosts[piece.hosts] * 2 >= len(bins)]
    # What few servers can hold comes before anything else can take these.
    for piece in _in_turn(narrow, wide, bins):
        best = _roomiest(piece, [found for found in bins if found.colour == colours.get(piece.owner)])
        best = best or _roomiest(piece, bins)
        if best is None:
            homeless.append(piece)
        else:
            _put(piece, best)
    drafts: list[Draft] = []
    for found in bins:
        draft = found.node.draft
        if found.pieces:
            if not draft.servers:
                drafts.append(draft)
            draft.servers.append(found.pieces)
            draft.worth += sum(piece.value for piece in found.pieces)
    return drafts, homeless


def _put(piece: Piece, found: _Bin) -> None:
    found.gpu_memory -= piece.gpu_memory
    found.node.millicores -= piece.millicores
    found.node.memory -= piece.memory
    found.limit = min(found.limit, piece.limit)
    found.pieces.append(piece)
    found.owners.add(piece.owner)
    found.apart.update(piece.apart)


def _colours(shared: Sequence[Piece]) -> dict[str, int]:
    """Owner → colour, for those that keep apart from another: what keeps apart differs, all else need not."""
    apart: dict[str, set[str]] = {}
    for piece in shared:
        for other in piece.apart:
            apart.setdefault(piece.owner, set()).add(other)
            apart.setdefault(other, set()).add(piece.owner)
    colours: dict[str, int] = {}
    for owner in sorted(apart):
        taken = {colours.get(other) for other in apart[owner]}
        colours[owner] = next(colour for colour in range(len(apart)) if colour not in taken)
    return colours


def _paint(bins: Sequence[_Bin], shared: Sequence[Piece]) -> None:
    """Share the servers of each type out to the colours, as the worth of their pieces is: otherwise the first pieces of
    two owners that keep apart would shut each other out of every server.
    """
    colours = _colours(shared)
    worth = [0] * (max(colours.values(), default=-1) + 1)
    for piece in shared:
        if piece.owner in colours:
            worth[colours[piece.owner]] += piece.value
    if not sum(worth):
        return
    given: dict[int, list[int]] = {}
    for found in bins:
        counts = given.setdefault(found.bit, [0] * len(worth))
        total = sum(counts) + 1
        colour = max(range(len(worth)), key=lambda c: (worth[c] * total - counts[c] * sum(worth), -c))
        counts[colour] += 1
        found.colour = colour


def _in_turn(narrow: Sequence[Piece], wide: Sequence[Piece], bins: Sequence[_Bin]) -> Iterator[Piece]:
    yield from narrow
    yield from _place_strict(wide, bins)


def _place_strict(waiting: Sequence[Piece], bins: Sequence[_Bin]) -> list[Piece]:
    """Pieces that want few neighbours, several to a server, with large ones beside them. Returns the rest."""
    widest = max((piece.limit for piece in waiting), default=0)
    strict = [piece for piece in waiting if piece.limit < widest]
    if not strict:
        return list(waiting)
    rest = [piece for piece in waiting if piece.limit == widest]
    used: list[_Bin] = []
    for piece in strict:
        # A quarter of the places stays for large pieces, which fill what the strict ones may not.
        open_bins = [found for found in used if len(found.pieces) < piece.limit - piece.limit // 4]
        best = _roomiest(piece, open_bins) or _roomiest(piece, [found for found in bins if not found.pieces])
        if best is None:
            rest.append(piece)
            continue
        _put(piece, best)
        if best not in used:
            used.append(best)
    for found in used:
        while len(found.pieces) < found.limit:
            places = found.limit - len(found.pieces)
            large = next(
                (piece for piece in rest if _is_share(piece, found, places) and _takes(found, piece)), None
            )
            if large is None:
                break
            _put(large, found)
            rest.remove(large)
    return rest


def _is_share(piece: Piece, found: _Bin, places: int) -> bool:
    return (
        piece.gpu_memory * places <= found.gpu_memory
        and piece.millicores * places <= found.node.millicores
        and piece.memory * places <= found.node.memory
    )


def _roomiest(piece: Piece, bins: Sequence[_Bin]) -> _Bin | None:
    best: _Bin | None = None
    best_score = -1
    for found in bins:
        if _takes(found, piece):
            score = _match(found, piece)
            if score > best_score:
                best, best_score = found, score
    return best


def _takes(found: _Bin, piece: Piece) -> bool:
    return (
        piece.gpu_memory <= found.gpu_memory
        and piece.millicores <= found.node.millicores
        and piece.memory <= found.node.memory
        and piece.hosts & found.bit != 0
        and len(found.pieces) < found.limit
        and len(found.pieces) < piece.limit
        and piece.owner not in found.apart
        and (not piece.apart or piece.apart.isdisjoint(found.owners))
    )


def _match(found: _Bin, piece: Piece) -> int:
    """Greater where more is left of what the piece takes most of: the dot product of the two, each per capacity."""
    by_gpu, by_cpu, by_host = found.scales
    return (
        piece.gpu_memory * found.gpu_memory * by_gpu
        + piece.millicores * found.node.millicores * by_cpu
        + piece.memory * found.node.memory * by_host
    )
