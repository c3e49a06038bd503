"""Places for what has none, beside what stays where it is."""

from collections.abc import Sequence

from planning.capacity.placement.layout import Node, Server, fullness
from planning.capacity.placement.pieces import Piece


def settle(nodes: Sequence[Node], piece: Piece) -> bool:
    """Put the piece where it costs no node: the fullest server that takes it, so that the emptier stay open for larger
    ones; or else a GPU that a packed node has left. False where there is neither.
    """
    found = _room(nodes, piece, None)
    if found is None:
        return False
    _put(found, piece)
    return True


def exchange(nodes: Sequence[Node], piece: Piece) -> Piece | None:
    """Put a shared piece where one other has to go, and that one where it costs no node. Returns the other.

    The last resort before everything is planned anew, when no more nodes are allowed. None where no exchange helps.
    """
    if piece.gpus:
        return None
    for node in nodes:
        for server in node.servers:
            for other in sorted(server.pieces, key=lambda found: (found.value, found.name)):
                server.pieces.remove(other)
                fits = node.takes(piece, server)
                found = _room(nodes, other, server) if fits else None
                if found is not None:
                    _put(found, other)
                    server.pieces.append(piece)
                    return other
                server.pieces.append(other)
    return None


def _room(nodes: Sequence[Node], piece: Piece, closed: Server | None) -> tuple[Node, Server | None] | None:
    """The node, and its server; None for the server where it has GPUs of its own."""
    if piece.gpus:
        tight = [node for node in nodes if node.takes_whole(piece)]
        node = min(tight, key=lambda found: (found.free_servers, found.pool), default=None)
        return None if node is None else (node, None)
    best: tuple[tuple[int, str, int], Node, Server] | None = None
    for node in nodes:
        for server in node.servers:
            if server is not closed and node.takes(piece, server):
                rank = (-fullness(node, [*server.pieces, piece]), node.pool or "", server.number or 0)
                if best is None or rank < best[0]:
                    best = (rank, node, server)
    if best is not None:
        return best[1:]
    for node in nodes:
        new = Server()
        if node.free_servers > 0 and node.takes(piece, new):
            return node, new
    return None


def _put(found: tuple[Node, Server | None], piece: Piece) -> None:
    node, server = found
    if server is None:
        node.wholes.append(piece)
        return
    if server not in node.servers:
        node.servers.append(server)
    server.pieces.append(piece)
