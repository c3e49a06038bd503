"""What a piece is worth: the cost that it adds where nothing is wasted.

For shared pieces that is a price for a byte of GPU memory, of a millicore, of a byte of host memory and of a place in a
server, such that no node costs less than what it holds is worth, and all pieces together are worth as much as that
allows: the dual of buying nodes by the fraction. A scarce resource is dear, one that no node runs out of is free. So
the worth of what fills a node, against its cost, says how well it is filled in the only way that matters.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Final

from planning.capacity.placement.linear import maximize
from planning.capacity.placement.pieces import Piece, Room

_COUNT: Final = 10**6
"""The places of one server. A piece that wants n models at most in its server takes the n-th part of them."""


@dataclass(frozen=True, kw_only=True)
class Values:
    """What a family's resources are worth."""

    prices: tuple[Fraction, ...]
    """Of a byte of GPU memory, of a millicore, of a byte of host memory, of a place; in steps of cost."""
    most: tuple[int, ...]
    """For each room what the shared pieces in one node of it can be worth together."""
    nodes: tuple[Fraction, ...]
    """Of each room, the cheapest that hold the resources in sum that it knows."""


def value(pieces: Sequence[Piece], rooms: Sequence[Room]) -> Values:
    """The dual for one family's pieces: all zero where none of them shares."""
    shared = [piece for piece in pieces if not piece.gpus]
    if not shared:
        return Values(prices=(Fraction(0),) * 4, most=(0,) * len(rooms), nodes=(Fraction(0),) * len(rooms))
    grain = grain_of(shared)
    rows = [capacities(room, grain) for room in rooms]
    usable = 0
    for piece in shared:
        usable |= piece.hosts
    useful = [room.index for room in rooms if usable >> room.index & 1]
    prices, amounts = maximize(totals_of(shared), [rows[t] for t in useful], [rooms[t].cost for t in useful])
    nodes = dict(zip(useful, amounts, strict=True))
    return Values(
        prices=prices,
        most=tuple(_worth(prices, row) for row in rows),
        nodes=tuple(nodes.get(room.index, Fraction(0)) for room in rooms),
    )


def set_values(pieces: Sequence[Piece], rooms: Sequence[Room], values: Values) -> None:
    """Write `Piece.value` of one family's pieces."""
    for piece in pieces:
        if piece.gpus:
            piece.value = min(_share(piece, room) for room in rooms if piece.hosts >> room.index & 1)
        else:
            piece.value = max(1, _worth(values.prices, sizes_of(piece)))


def _share(piece: Piece, room: Room) -> int:
    """The cost of the part of a node that nothing else can use, rounded up."""
    shares = (
        (piece.gpus, room.offer.gpus),
        (piece.millicores, room.millicores),
        (piece.memory, room.memory),
    )
    return max(-(-room.cost * part // whole) for part, whole in shares if whole)


Sizes = tuple[int, int, int, int]
"""GPU memory, CPU, host memory, places in servers."""


def grain_of(shared: Iterable[Piece]) -> int:
    """Where every worker asks for 500 millicores, the 250 that a node has beyond a multiple are worth nothing."""
    return max(1, gcd(*(piece.millicores for piece in shared)))


def sizes_of(piece: Piece) -> Sizes:
    """What a shared piece takes."""
    return (piece.gpu_memory, piece.millicores, piece.memory, _COUNT // piece.limit)


def totals_of(shared: Sequence[Piece]) -> Sizes:
    """What all take together."""
    sizes = [sizes_of(piece) for piece in shared]
    gpu_memory, millicores, memory, places = (sum(size[i] for size in sizes) for i in range(4))
    return (gpu_memory, millicores, memory, places)


def capacities(room: Room, grain: int) -> Sizes:
    """What shared pieces can take of a node that has nothing else."""
    millicores = max(0, room.millicores - room.servers * room.server_millicores)
    return (
        room.servers * room.gpu_memory,
        millicores - millicores % grain,
        max(0, room.memory - room.servers * room.server_memory),
        room.servers * _COUNT,
    )


def _worth(prices: Sequence[Fraction], sizes: Sequence[int]) -> int:
    return int(
        sum((price * size for price, size in zip(prices, sizes, strict=True) if price), start=Fraction(0))
    )
