"""What the lock says, as far as it still holds; and who has to go where it does not."""

from collections.abc import Callable, Sequence

from planning.capacity.placement.layout import Node, Server, are_apart, base_pool, set_number
from planning.capacity.placement.lock import Lock, Place
from planning.capacity.placement.pieces import Piece, Room, missing
from planning.capacity.placement.words import lacks
from quantities import counted

Evicted = dict[str, str]
"""Selector → why it cannot stay."""


def keep(lock: Lock, pieces: Sequence[Piece], rooms: Sequence[Room]) -> tuple[list[Node], Evicted]:
    """The locked nodes with all that can stay on them. What is not on one of them and not evicted is new."""
    evicted: Evicted = {}
    nodes = _nodes(lock, pieces, rooms, evicted)
    for node in nodes:
        _settle(node, evicted)
        _readmit(node, lock, pieces, evicted)
    nodes = [node for node in nodes if _drop_empty(node)]
    return _within_limits(nodes, rooms, evicted), evicted


def _nodes(lock: Lock, pieces: Sequence[Piece], rooms: Sequence[Room], evicted: Evicted) -> list[Node]:
    by_pool = {room.offer.pool: room for room in rooms}
    nodes: dict[tuple[str, str], Node] = {}
    servers: dict[Place, Server] = {}
    for piece in pieces:
        place = lock.places.get(piece.name)
        if place is None:
            continue
        room = by_pool.get(base_pool(place.pool))
        if room is None:
            evicted[piece.name] = f"no instance type of pool {place.pool} is offered any more"
            continue
        wrong = [lacking for lacking in missing(piece, room) if lacking[0] != "nodes"]
        if wrong:
            evicted[piece.name] = f"{room.offer.name} cannot hold it: {lacks(wrong)}"
            continue
        packed = set_number(place.pool) is not None
        # A pool without sets has one server a node: the server's name, or the language model's, tells nodes apart.
        own = "" if packed else place.name or piece.name
        node = nodes.setdefault((place.pool, own), Node(room=room, replicas=0, pool=place.pool))
        if place.server is None:
            node.wholes.append(piece)
            continue
        server = servers.setdefault(place, Server(number=place.server))
        if not server.pieces:
            node.servers.append(server)
        server.pieces.append(piece)
    return [nodes[key] for key in sorted(nodes)]


def _settle(node: Node, evicted: Evicted) -> None:
    """Let go of as little as makes the rest fit."""
    node.replicas = _majority(node.pieces)
    for piece in node.pieces:
        if piece.replicas != node.replicas:
            _evict(
                node,
                piece,
                evicted,
                f"it has {counted(piece.replicas, 'replica')}, {node.pool} {node.replicas}",
            )
    for server in node.servers:
        _separate(node, server, evicted)
        while len(server.pieces) > node.limit(server):
            strictest = min(server.pieces, key=lambda piece: (piece.limit, piece.value, piece.name))
            strict = sum(piece.limit == strictest.limit for piece in server.pieces)
            loosest = min(server.pieces, key=lambda piece: (piece.value, piece.name))
            # Few that want few neighbours go before their many neighbours do.
            few = strictest.limit < node.room.limit and strict <= len(server.pieces) - strictest.limit
            going = strictest if few else loosest
            _evict(node, going, evicted, "its server has more models than it may")
        _shrink(node, server.pieces, evicted, lambda server=server: _over(gpu_memory=node.gpu_memory(server)))  # type: ignore[misc]
    _shrink_gpus(node, evicted)
    _shrink(node, None, evicted, lambda: _over(millicores=node.millicores, memory=node.memory))


def _majority(pieces: Sequence[Piece]) -> int:
    """The number of replicas that most of what is here has, by worth; of equals the lower."""
    weights: dict[int, int] = {}
    for piece in pieces:
        weights[piece.replicas] = weights.get(piece.replicas, 0) + piece.value
    return min(weights, key=lambda replicas: (-weights[replicas], replicas))


def _separate(node: Node, server: Server, evicted: Evicted) -> None:
    while True:
        conflicts = {
            piece.name: [other for other in server.pieces if are_apart(piece, other)]
            for piece in server.pieces
        }
        worst = max(
            server.pieces,
            key=lambda piece: (len(conflicts[piece.name]), -piece.value, piece.name),
            default=None,
        )
        if worst is None or not conflicts[worst.name]:
            return
        other = conflicts[worst.name][0]
        _evict(node, worst, evicted, f"{worst.owner} and {other.owner} ({other.name}) keep apart")


def _over(**left: int) -> dict[str, int]:
    return {what: -amount for what, amount in left.items() if amount < 0}


def _shrink(
    node: Node, pieces: Sequence[Piece] | None, evicted: Evicted, over: Callable[[], dict[str, int]]
) -> None:
    """Evict until nothing is over: the cheapest piece that is enough alone, or else the one that relieves most."""
    while excess := over():
        here = node.pieces if pieces is None else list(pieces)
        enough = [
            piece for piece in here if all(getattr(piece, what) >= amount for what, amount in excess.items())
        ]
        if enough:
            going = min(enough, key=lambda piece: (piece.value, piece.name))
        else:
            what = max(
                excess, key=lambda name: (excess[name] * 1000 // max(1, getattr(node.room, name)), name)
            )
            going = max(here, key=lambda piece: (getattr(piece, what), piece.name))
        _evict(node, going, evicted, f"what is there has grown: {lacks(sorted(excess.items()))}")


def _shrink_gpus(node: Node, evicted: Evicted) -> None:
    _drop_empty(node)
    while node.free_servers < 0 and node.packed:
        # A merge may have brought in more than the node has GPUs for: the least that is one server goes.
        groups: list[list[Piece]] = [*([piece] for piece in node.wholes), *(s.pieces for s in node.servers)]
        going = min(groups, key=lambda group: (sum(piece.value for piece in group), group[0].name))
        for piece in list(going):
            _evict(
                node,
                piece,
                evicted,
                f"nodes of {node.pool} have {counted(node.room.offer.gpus, 'GPU')}, all taken",
            )
        _drop_empty(node)


def _evict(node: Node, piece: Piece, evicted: Evicted, why: str) -> None:
    evicted[piece.name] = why
    if piece in node.wholes:
        node.wholes.remove(piece)
    for server in node.servers:
        if piece in server.pieces:
            server.pieces.remove(piece)


def _readmit(node: Node, lock: Lock, pieces: Sequence[Piece], evicted: Evicted) -> None:
    """One that went may fit again now that others went after it."""
    gone = [piece for piece in pieces if piece.name in evicted]
    for server in node.servers:
        place = Place(pool=node.pool or "", server=server.number)
        for piece in gone:
            if piece.name in evicted and lock.places[piece.name] == place and node.takes(piece, server):
                server.pieces.append(piece)
                del evicted[piece.name]


def _drop_empty(node: Node) -> bool:
    node.servers = [server for server in node.servers if server.pieces]
    return not node.empty


def _within_limits(nodes: list[Node], rooms: Sequence[Room], evicted: Evicted) -> list[Node]:
    """Where an instance type may have fewer nodes than are locked, those with least on them go."""
    kept = list(nodes)
    for room in rooms:
        here = sorted(
            (node for node in nodes if node.room is room),
            key=lambda node: (sum(piece.value for piece in node.pieces), node.pieces[0].name),
        )
        over = sum(node.replicas for node in here) - room.offer.max_nodes
        for node in here:
            if over <= 0:
                break
            over -= node.replicas
            kept.remove(node)
            for piece in node.pieces:
                evicted[piece.name] = (
                    f"{room.offer.name} may have {counted(room.offer.max_nodes, 'node')}, fewer than are locked"
                )
    return kept
