"""The decided nodes as frozen data."""

from collections.abc import Sequence

from planning.capacity.placement.explaining import explain
from planning.capacity.placement.layout import Node, places
from planning.capacity.placement.lock import Place
from planning.capacity.placement.pieces import Room
from planning.capacity.placement.placement import (
    Assignment,
    Move,
    NodeGroup,
    Placement,
    SharedServer,
    WholeServer,
)
from planning.capacity.placement.rules import PlacementRules
from quantities import Bytes


def report(
    nodes: Sequence[Node], rooms: Sequence[Room], rules: PlacementRules, moves: tuple[Move, ...]
) -> Placement:
    """All nodes and servers must have their names."""
    reasons = explain(nodes, rooms)
    return Placement(
        shared=tuple(
            sorted(
                (server for node in nodes for server in _shared(node)),
                key=lambda server: (server.place.pool, server.place.server or 0),
            )
        ),
        whole=tuple(
            sorted((server for node in nodes for server in _whole(node)), key=lambda server: server.selector)
        ),
        groups=_groups(nodes, rooms, rules),
        assignments=tuple(
            Assignment(selector=name, place=place, reason=reasons[name])
            for name, place in sorted(places(nodes).items())
        ),
        moves=moves,
    )


def _shared(node: Node) -> list[SharedServer]:
    room = node.room
    return [
        SharedServer(
            place=Place(pool=node.pool or "", server=server.number),
            device=server.pieces[0].family[0],
            instance_type=room.offer.instance_type,
            share=room.offer.share,
            replicas=node.replicas,
            variants=tuple(piece.name for piece in server.pieces),
            gpu_memory=Bytes(sum(piece.gpu_memory for piece in server.pieces)),
            gpu_memory_left=Bytes(node.gpu_memory(server)),
            millicores=room.server_millicores + sum(piece.millicores for piece in server.pieces),
            memory=Bytes(room.server_memory + sum(piece.memory for piece in server.pieces)),
        )
        for server in node.servers
    ]


def _whole(node: Node) -> list[WholeServer]:
    return [
        WholeServer(
            selector=piece.name,
            place=Place(pool=node.pool or ""),
            instance_type=node.room.offer.instance_type,
            share=node.room.offer.share,
            gpus=piece.gpus,
            replicas=node.replicas,
        )
        for piece in node.wholes
    ]


def _groups(nodes: Sequence[Node], rooms: Sequence[Room], rules: PlacementRules) -> tuple[NodeGroup, ...]:
    """Spare nodes are given out by name as long as the instance type may have more."""
    counts: dict[str, int] = {}
    growth: dict[str, int] = {}
    by_pool: dict[str, Room] = {}
    spare = {room.index: room.offer.max_nodes for room in rooms}
    for node in nodes:
        pool = node.pool or ""
        counts[pool] = counts.get(pool, 0) + node.replicas
        growth[pool] = growth.get(pool, 0) + _growth(node)
        by_pool[pool] = node.room
        spare[node.room.index] -= node.replicas
    groups = []
    for pool in sorted(counts):
        room, desired = by_pool[pool], counts[pool]
        wanted = max(growth[pool], -(-desired * rules.spare_nodes_percent // 100))
        extra = min(spare[room.index], wanted)
        spare[room.index] -= extra
        groups.append(
            NodeGroup(
                name=pool,
                instance_type=room.offer.instance_type,
                share=room.offer.share,
                nodes=desired,
                min_nodes=desired,
                max_nodes=desired + extra,
                gpus=desired * room.offer.gpus,
                price=None if room.offer.price is None else desired * room.offer.price,
            )
        )
    return tuple(groups)


def _growth(node: Node) -> int:
    """Nodes more, where autoscaling asks for as many replicas as it may."""
    most = max(piece.demand.most_replicas or node.replicas for piece in node.pieces)
    return max(0, most - node.replicas)
