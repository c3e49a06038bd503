"""Demands and offers as plain integers: what the search reads millions of times."""

from collections.abc import Sequence
from dataclasses import dataclass

from model_catalog import Device
from planning.capacity.gpu_shares import TimeSlices
from planning.capacity.placement.demands import Demand, SharedDemand, WholeDemand
from planning.capacity.placement.offers import Offer, node_costs
from planning.capacity.placement.rules import PlacementRules


@dataclass(eq=False, slots=True, kw_only=True)
class Piece:
    """One demand. Compared by identity, sorted by `name`."""

    name: str
    demand: Demand
    owner: str
    apart: frozenset[str]
    gpu_memory: int
    millicores: int
    memory: int
    gpus: int
    """0: it shares a server."""
    replicas: int
    limit: int
    """Variants in its server."""
    hosts: int
    """Bit t is set where an empty node of offer t holds it."""
    value: int = 0
    """What it adds to a node's cost where nothing is wasted; see values.py."""

    @property
    def family(self) -> tuple[Device, int]:
        """Pieces of different families are never on one node: the device, and how many replicas."""
        return (self.demand.device if isinstance(self.demand, SharedDemand) else Device.GPU, self.replicas)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """An empty node of an offer."""

    index: int
    offer: Offer
    cost: int
    servers: int
    """Shared servers that it holds at most: one a GPU, or one on a CPU node."""
    gpu_memory: int
    """For models in each server."""
    millicores: int
    memory: int
    limit: int
    """Variants in a server."""
    server_millicores: int
    """Of each server before its first model."""
    server_memory: int


def make_rooms(offers: Sequence[Offer], rules: PlacementRules) -> tuple[Room, ...]:
    """One a offer, in their order."""
    return tuple(
        Room(
            index=index,
            offer=found,
            cost=cost,
            servers=max(1, found.gpus),
            gpu_memory=max(0, found.gpu_memory - rules.server_gpu_memory) if found.gpus else 0,
            millicores=found.millicores,
            memory=int(found.memory),
            limit=rules.max_models_per_server,
            server_millicores=rules.server_millicores,
            server_memory=int(rules.server_memory),
        )
        for index, (found, cost) in enumerate(zip(offers, node_costs(offers), strict=True))
    )


def make_pieces(demands: Sequence[Demand], rooms: Sequence[Room]) -> tuple[Piece, ...]:
    """One a demand, in their order."""
    return tuple(_piece(demand, rooms) for demand in demands)


def _piece(demand: Demand, rooms: Sequence[Room]) -> Piece:
    on_cpu = isinstance(demand, SharedDemand) and demand.device is Device.CPU
    limit = min((room.limit for room in rooms), default=1)
    if isinstance(demand, SharedDemand) and demand.max_models is not None:
        limit = min(limit, demand.max_models)
    piece = Piece(
        name=demand.selector,
        demand=demand,
        owner=demand.owner,
        apart=demand.keep_apart_from - {demand.owner} if isinstance(demand, SharedDemand) else frozenset(),
        gpu_memory=0 if on_cpu else int(demand.gpu_memory),
        millicores=demand.millicores,
        memory=int(demand.memory),
        gpus=demand.gpus if isinstance(demand, WholeDemand) else 0,
        replicas=demand.replicas,
        limit=limit,
        hosts=0,
    )
    piece.hosts = sum(1 << room.index for room in rooms if not missing(piece, room))
    return piece


def missing(piece: Piece, room: Room) -> list[tuple[str, int]]:
    """What an empty node of the type lacks for the piece: (name in Shortage, amount). Empty where it fits.

    The amount counts bytes, millicores, GPUs or nodes; 1 where something is of the wrong kind.
    """
    demand, found = piece.demand, room.offer
    lacks: list[tuple[str, int]] = []
    on_gpu = piece.family[0] is Device.GPU
    if demand.instance_type not in (None, found.instance_type):
        lacks.append(("pin", 1))
    if on_gpu != bool(found.gpus):
        lacks.append(("device", 1))
    elif on_gpu and demand.compute_capability > found.compute_capability:
        lacks.append(("capability", 1))
    lacks.extend(_refusals(piece, found))
    frontend = 0 if piece.gpus else 1
    for what, needed, there in (
        ("gpus", piece.gpus, found.gpus),
        ("gpu_memory", _gpu_memory(piece, found), int(found.gpu_memory) if piece.gpus else room.gpu_memory),
        ("millicores", piece.millicores, room.millicores - frontend * room.server_millicores),
        ("memory", piece.memory, room.memory - frontend * room.server_memory),
        ("nodes", piece.replicas, found.max_nodes),
        ("limit", 1, piece.limit),
    ):
        if needed > there:
            lacks.append((what, needed - there))
    return lacks


def _refusals(piece: Piece, found: Offer) -> list[tuple[str, int]]:
    """What forbids the piece a share of a GPU, however large."""
    if found.share is None:
        return []
    refused: list[tuple[str, int]] = []
    if piece.gpus > 1:
        refused.append(("parts", 1))
    if isinstance(found.share, TimeSlices):
        if isinstance(piece.demand, SharedDemand):
            refused.append(("unlimited", 1))
        elif not piece.demand.bounded:
            refused.append(("start_order", 1))
    return refused


def _gpu_memory(piece: Piece, found: Offer) -> int:
    if isinstance(piece.demand, WholeDemand):
        return int(piece.demand.gpu_memory_by_type.get(found.name, piece.gpu_memory))
    return piece.gpu_memory
