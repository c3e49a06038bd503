"""Why each demand is where it is, from the placement alone: how it came there changes nothing."""

from collections.abc import Iterable, Sequence
from typing import Final

from model_catalog import Device
from planning.capacity.placement.layout import Node, Server
from planning.capacity.placement.lock import Place
from planning.capacity.placement.pieces import Piece, Room, missing
from planning.capacity.placement.words import lacks, size
from quantities import counted

_OTHERS: Final = 2
"""Places that a reason rules out by name: the likeliest ones."""

_Spot = tuple[Node, Server]


def explain(nodes: Sequence[Node], rooms: Sequence[Room]) -> dict[str, str]:
    """Selector → reason."""
    by_device: dict[Device, list[_Spot]] = {}
    for node in nodes:
        for server in node.servers:
            by_device.setdefault(server.pieces[0].family[0], []).append((node, server))
    for spots in by_device.values():
        spots.sort(key=lambda spot: (-_left(spot), spot[0].pool or "", spot[1].number or 0))
    reasons: dict[str, str] = {}
    for node in nodes:
        for piece in node.wholes:
            reasons[piece.name] = f"on {node.pool} because {_why_whole(piece, node, rooms)}"
        for server in node.servers:
            for piece in server.pieces:
                reasons[piece.name] = _reason(piece, node, server, by_device[piece.family[0]])
    return reasons


def _left(spot: _Spot) -> int:
    node, server = spot
    return node.gpu_memory(server) if node.room.gpu_memory else node.memory


def _reason(piece: Piece, node: Node, server: Server, spots: Iterable[_Spot]) -> str:
    others: list[str] = []
    for other_node, other in spots:
        if len(others) == _OTHERS:
            break
        if other is not server and other_node.replicas == piece.replicas:
            others.append(f"{_name(other_node, other)}: {_why_not(piece, other_node, other)}")
    ruled_out = f"; not on {'; '.join(others)}" if others else ""
    return f"on {_name(node, server)} because {_why(piece, node, server)}{ruled_out}"


def _name(node: Node, server: Server) -> str:
    return str(Place(pool=node.pool or "", server=server.number))


def _why(piece: Piece, node: Node, server: Server) -> str:
    what = f"a GPU of {node.room.offer.name}" if piece.family[0] is Device.GPU else "a CPU node"
    neighbours = len(server.pieces) - 1
    beside = f"beside {counted(neighbours, 'other')}" if neighbours else "alone"
    if node.room.gpu_memory:
        taken = node.room.gpu_memory - node.gpu_memory(server)
        fill = f"{size(taken)} of {size(node.room.gpu_memory, up=False)} taken"
    else:
        fill = f"{size(max(0, node.memory), up=False)} of host memory left"
    pinned = f"it is pinned to {node.room.offer.instance_type}, and " if piece.demand.instance_type else ""
    return f"{pinned}{what} holds it {beside} ({fill})"


def _why_not(piece: Piece, node: Node, server: Server) -> str:
    offer_lacks = missing(piece, node.room)
    short = offer_lacks or node.shortage(piece, server)
    return lacks(short) if short else "would hold it too"


def _why_whole(piece: Piece, node: Node, rooms: Sequence[Room]) -> str:
    needs = f"{counted(piece.gpus, 'GPU')} of {size(piece.gpu_memory)}"
    own = node.room.offer.name
    neighbours = len(node.pieces) - 1
    beside = f" beside {counted(neighbours, 'other')}" if neighbours else ""
    if piece.demand.instance_type:
        why = f"it is pinned to {piece.demand.instance_type}, which has {needs}{beside}"
    else:
        why = f"a node of {own} has its {needs}{beside}"
    cheaper = [room for room in rooms if room.offer.gpus and room.cost < node.room.cost]
    cheaper.sort(key=lambda room: (-room.cost, room.index))
    others = [
        f"{room.offer.name}: {lacks(missing(piece, room)) or 'costs more with what is beside it'}"
        for room in cheaper[:_OTHERS]
    ]
    return f"{why}; not on {'; '.join(others)}" if others else why
