"""What the GPUs would be if no two models shared one: the comparison that shows what sharing saves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from model_catalog import Device
from planning.capacity.placement.demands import Demand, check_demands
from planning.capacity.placement.offers import Offer, check_offers, offer
from planning.capacity.placement.pieces import Piece, Room, make_pieces, make_rooms
from planning.capacity.placement.rules import PlacementRules

_ANY_NUMBER: Final = 10**6
"""Of nodes: it is a question of money, not of what the settings allow."""


@dataclass(frozen=True, kw_only=True)
class FilledNodes:
    """Nodes of one instance type, each filled as far as it goes."""

    instance_type: str
    nodes: int
    gpus: int
    """That hold a model."""


def one_model_a_gpu(demands: Iterable[Demand], offers: Iterable[Offer]) -> tuple[FilledNodes, ...]:
    """Each variant and each language model on the offered GPUs that hold it at the least cost a GPU.

    A lower bound: GPUs are whole, and nodes with several of them count as filled, whatever CPU and host memory say.
    Sorted by instance type.
    """
    rooms = make_rooms(_whole(offers), PlacementRules(max_models_per_server=1))
    gpus: dict[int, int] = {}
    most_replicas: dict[int, int] = {}
    for piece in make_pieces(check_demands(demands), rooms):
        if piece.family[0] is not Device.GPU:
            continue
        room = _cheapest(piece, rooms)
        gpus[room.index] = gpus.get(room.index, 0) + piece.replicas * max(1, piece.gpus)
        most_replicas[room.index] = max(most_replicas.get(room.index, 0), piece.replicas)
    return tuple(
        FilledNodes(
            instance_type=room.offer.instance_type,
            nodes=max(most_replicas[room.index], -(-gpus[room.index] // room.offer.gpus)),
            gpus=gpus[room.index],
        )
        for room in rooms
        if room.index in gpus
    )


def _whole(offers: Iterable[Offer]) -> tuple[Offer, ...]:
    """Each offered type with undivided GPUs, however many nodes it takes."""
    whole = {
        found.instance_type: offer(found.instance_type, price=found.price, max_nodes=_ANY_NUMBER)
        for found in offers
    }
    return check_offers(whole.values())


def _cheapest(piece: Piece, rooms: Sequence[Room]) -> Room:
    able = [room for room in rooms if piece.hosts >> room.index & 1]
    return min(able, key=lambda room: (Fraction(room.cost, room.offer.gpus), room.index))
