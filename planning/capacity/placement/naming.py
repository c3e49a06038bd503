"""Names of pools and servers: what has one keeps it, what is new takes the lowest that is free.

A repack keeps as many names as it can: a new server takes the name of the old one with which it has most in common, so
that what is listed as moved did move.
"""

from collections.abc import Mapping, Sequence

from planning.capacity.placement.layout import SET, Node, Server, base_pool, set_number
from planning.capacity.placement.lock import Place
from planning.capacity.placement.pieces import Piece


def name_nodes(nodes: Sequence[Node], before: Mapping[str, Place]) -> None:
    """Name every pool and server that has no name."""
    fresh = sorted((node for node in nodes if node.pool is None), key=_first)
    for node in fresh:
        if not _is_packed(node):
            node.pool = node.room.offer.pool
    _number_sets([node for node in fresh if node.pool is None], nodes, before)
    by_pool: dict[str, list[Server]] = {}
    for node in sorted(nodes, key=_first):
        by_pool.setdefault(node.pool or "", []).extend(node.servers)
    for pool, servers in sorted(by_pool.items()):
        _number_servers(pool, servers, before)


def _first(node: Node) -> str:
    return min(piece.name for piece in node.pieces)


def _is_packed(node: Node) -> bool:
    """A node that one server fills needs no pool of its own. One with a GPU left does, so that another may join."""
    return len(node.servers) + len(node.wholes) > 1 or (node.room.offer.gpus > 1 and node.free_servers > 0)


def _number_sets(fresh: Sequence[Node], nodes: Sequence[Node], before: Mapping[str, Place]) -> None:
    taken = {node.pool for node in nodes}
    wishes: list[tuple[int, str, int]] = []
    for index, node in enumerate(fresh):
        for pool, count in _shared_pools(node.pieces, before).items():
            if base_pool(pool) == node.room.offer.pool and set_number(pool) is not None:
                wishes.append((-count, pool, index))
    for _, pool, index in sorted(wishes):
        if pool not in taken and fresh[index].pool is None:
            fresh[index].pool = pool
            taken.add(pool)
    for node in fresh:
        number = 1
        while node.pool is None:
            name = f"{node.room.offer.pool}{SET}{number}"
            if name not in taken:
                node.pool = name
                taken.add(name)
            number += 1


def _shared_pools(pieces: Sequence[Piece], before: Mapping[str, Place]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for piece in pieces:
        if piece.name in before:
            pool = before[piece.name].pool
            counts[pool] = counts.get(pool, 0) + 1
    return counts


def _number_servers(pool: str, servers: Sequence[Server], before: Mapping[str, Place]) -> None:
    taken = {server.number for server in servers}
    wishes: list[tuple[int, int, int]] = []
    for index, server in enumerate(servers):
        counts: dict[int, int] = {}
        for piece in server.pieces:
            place = before.get(piece.name)
            if place is not None and place.pool == pool and place.server is not None:
                counts[place.server] = counts.get(place.server, 0) + 1
        wishes.extend((-count, number, index) for number, count in counts.items())
    for _, number, index in sorted(wishes):
        if number not in taken and servers[index].number is None:
            servers[index].number = number
            taken.add(number)
    number = 1
    for server in servers:
        if server.number is None:
            while number in taken:
                number += 1
            server.number = number
            taken.add(number)
