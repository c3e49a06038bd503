"""Nodes with names while a placement is being decided: what is on them, and whether one more fits."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from planning.capacity.placement.drafts import Draft
from planning.capacity.placement.lock import Place
from planning.capacity.placement.pieces import Piece, Room

SET: Final = "-set-"
"""Before the number of a pool whose nodes each carry several servers."""
_SET_POOL: Final = re.compile(rf"(?P<base>.+){SET}(?P<number>[1-9][0-9]{{0,5}})")


@dataclass(eq=False, slots=True, kw_only=True)
class Server:
    """A shared server."""

    number: int | None = None
    """None until it has one."""
    pieces: list[Piece] = field(default_factory=list)


@dataclass(eq=False, slots=True, kw_only=True)
class Node:
    """As many identical nodes as `replicas`, each with one replica of everything here."""

    room: Room
    replicas: int
    pool: str | None = None
    """None until it has one."""
    wholes: list[Piece] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)

    @property
    def pieces(self) -> list[Piece]:
        """All of it."""
        return [*self.wholes, *(piece for server in self.servers for piece in server.pieces)]

    @property
    def packed(self) -> bool:
        """Whether several servers may be on each node, which takes a pool of its own."""
        return self.pool is not None and set_number(self.pool) is not None

    @property
    def free_servers(self) -> int:
        """Shared servers that could still come onto it: one a GPU left, or one on an empty CPU node."""
        if self.pool is not None and not self.packed:
            return 0 if self.pieces else 1
        return self.room.servers - len(self.servers) - sum(piece.gpus for piece in self.wholes)

    @property
    def millicores(self) -> int:
        """Left."""
        used = sum(piece.millicores for piece in self.pieces)
        return self.room.millicores - used - len(self.servers) * self.room.server_millicores

    @property
    def memory(self) -> int:
        """Left on the host."""
        used = sum(piece.memory for piece in self.pieces)
        return self.room.memory - used - len(self.servers) * self.room.server_memory

    @property
    def empty(self) -> bool:
        """Whether nothing is on it."""
        return not self.wholes and not any(server.pieces for server in self.servers)

    def gpu_memory(self, server: Server) -> int:
        """Left in one of its servers."""
        return self.room.gpu_memory - sum(piece.gpu_memory for piece in server.pieces)

    def limit(self, server: Server) -> int:
        """Variants that the server may hold."""
        return min((piece.limit for piece in server.pieces), default=self.room.limit)

    def shortage(self, piece: Piece, server: Server) -> list[tuple[str, int]]:
        """What it lacks to take a shared piece into one of its servers, a new one included; names as in `missing`."""
        new = server not in self.servers
        lacks: list[tuple[str, int]] = []
        if new and self.free_servers < 1:
            lacks.append(("gpus", 1))
        limit = min(self.limit(server), piece.limit)
        if len(server.pieces) >= limit:
            lacks.append(("limit", len(server.pieces) + 1 - limit))
        apart = sum(are_apart(piece, other) for other in server.pieces)
        if apart:
            lacks.append(("apart", apart))
        for what, needed, left in (
            ("gpu_memory", piece.gpu_memory, self.gpu_memory(server)),
            ("millicores", piece.millicores + new * self.room.server_millicores, self.millicores),
            ("memory", piece.memory + new * self.room.server_memory, self.memory),
        ):
            if needed > left:
                lacks.append((what, needed - left))
        return lacks

    def takes(self, piece: Piece, server: Server) -> bool:
        """Whether the piece may come into one of its servers, or into a new one."""
        return self._suits(piece) and not piece.gpus and not self.shortage(piece, server)

    def takes_whole(self, piece: Piece) -> bool:
        """Whether a piece with GPUs of its own may come beside the others."""
        return (
            self._suits(piece)
            and self.packed
            and 0 < piece.gpus <= self.free_servers
            and piece.millicores <= self.millicores
            and piece.memory <= self.memory
        )

    def _suits(self, piece: Piece) -> bool:
        return piece.replicas == self.replicas and bool(piece.hosts >> self.room.index & 1)


def are_apart(one: Piece, other: Piece) -> bool:
    """Whether the owners of the two may not share a server."""
    return one.owner in other.apart or other.owner in one.apart


def node_of(draft: Draft, replicas: int) -> Node:
    """The draft, still without a name."""
    return Node(
        room=draft.room,
        replicas=replicas,
        wholes=list(draft.wholes),
        servers=[Server(pieces=list(pieces)) for pieces in draft.servers],
    )


def base_pool(pool: str) -> str:
    """Without the number of a set: gpu-g5-12xlarge-set-2 → gpu-g5-12xlarge."""
    match = _SET_POOL.fullmatch(pool)
    return match["base"] if match else pool


def set_number(pool: str) -> int | None:
    """2 of gpu-g5-12xlarge-set-2; None for a pool whose nodes carry one server each."""
    match = _SET_POOL.fullmatch(pool)
    return int(match["number"]) if match else None


def used_nodes(nodes: Iterable[Node], rooms: Sequence[Room]) -> list[int]:
    """Nodes taken of each offer."""
    used = [0] * len(rooms)
    for node in nodes:
        used[node.room.index] += node.replicas
    return used


def places(nodes: Iterable[Node]) -> dict[str, Place]:
    """Where each piece is. All nodes and servers must have their names."""
    found: dict[str, Place] = {}
    for node in nodes:
        pool = node.pool or ""
        found.update({piece.name: Place(pool=pool) for piece in node.wholes})
        for server in node.servers:
            found.update({piece.name: Place(pool=pool, server=server.number) for piece in server.pieces})
    return found


def fullness(node: Node, pieces: Sequence[Piece]) -> int:
    """Per mille of the resource of which least is left; CPU and host memory of a node count evenly to its servers."""
    room = node.room
    parts = (
        (sum(piece.gpu_memory for piece in pieces), room.gpu_memory),
        (sum(piece.millicores for piece in pieces), room.millicores // room.servers - room.server_millicores),
        (sum(piece.memory for piece in pieces), room.memory // room.servers - room.server_memory),
        (len(pieces), room.limit),
    )
    return max(used * 1000 // whole if whole > 0 else 1000 for used, whole in parts if used)
