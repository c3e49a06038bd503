"""The same nodes at the same cost, with the load more even: the fullest server gives to the emptiest of its kind."""

from collections.abc import Sequence

from planning.capacity.placement.layout import Node, Server, fullness
from planning.capacity.placement.pieces import Piece

_MOVES_PER_PIECE = 4


def balance(nodes: Sequence[Node]) -> None:
    """Evens out, among nodes of one type and number of replicas, how full their shared servers are."""
    kinds: dict[tuple[int, int], list[tuple[Node, Server]]] = {}
    for node in nodes:
        for server in node.servers:
            kinds.setdefault((node.room.index, node.replicas), []).append((node, server))
    for key in sorted(kinds):
        if len(kinds[key]) > 1:
            _balance(kinds[key])


def _balance(servers: list[tuple[Node, Server]]) -> None:
    fill = [fullness(node, server.pieces) for node, server in servers]
    done: set[int] = set()
    for _ in range(_MOVES_PER_PIECE * sum(len(server.pieces) for _, server in servers)):
        left = [index for index in range(len(servers)) if index not in done]
        if not left:
            return
        fullest = max(left, key=lambda index: (fill[index], -index))
        emptiest = min(range(len(servers)), key=lambda index: (fill[index], index))
        if not _give(servers[fullest], servers[emptiest], fill[fullest]):
            done.add(fullest)
            continue
        done = set()
        for index in (fullest, emptiest):
            fill[index] = fullness(servers[index][0], servers[index][1].pieces)


def _give(giver: tuple[Node, Server], taker: tuple[Node, Server], peak: int) -> bool:
    """Move the piece that leaves the fuller of the two least full. False where none makes it less full."""
    (from_node, from_server), (to_node, to_server) = giver, taker
    best: Piece | None = None
    for piece in from_server.pieces:
        if len(from_server.pieces) == 1 or not to_node.takes(piece, to_server):
            continue
        after = max(
            fullness(from_node, [other for other in from_server.pieces if other is not piece]),
            fullness(to_node, [*to_server.pieces, piece]),
        )
        if after < peak:
            best, peak = piece, after
    if best is None:
        return False
    from_server.pieces.remove(best)
    to_server.pieces.append(best)
    return True
