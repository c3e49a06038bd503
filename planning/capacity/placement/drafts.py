"""How a node is filled: the largest piece first, then what is worth most and still fits."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from planning.capacity.placement.pieces import Piece, Room


@dataclass(eq=False, slots=True, kw_only=True)
class Draft:
    """As many nodes as the family has replicas, all with the same pieces."""

    room: Room
    wholes: list[Piece] = field(default_factory=list)
    servers: list[list[Piece]] = field(default_factory=list)
    worth: int = 0

    @property
    def pieces(self) -> list[Piece]:
        """All of it."""
        return [*self.wholes, *(piece for server in self.servers for piece in server)]


Row = tuple[int, int, int, int, int, Piece]
"""What filling reads of a piece: GPU memory, millicores, memory, GPUs, hosts; then the piece."""


def make_row(piece: Piece) -> Row:
    """A tuple unpacks three times as fast as five attributes are read."""
    return (piece.gpu_memory, piece.millicores, piece.memory, piece.gpus, piece.hosts, piece)


def fill(seed: Piece, room: Room, pool: Sequence[Row], server_worth: int) -> Draft:
    """A node of the room that holds the seed and what else of the pool fits, in the pool's order.

    The seed is in the pool, and the room among its hosts. Another piece with GPUs of its own comes before shared
    servers only where it is worth no less than as many servers at `server_worth` each; else it gets what they leave.
    """
    draft = Draft(room=room)
    left = _Left(gpus=room.offer.gpus, millicores=room.millicores, memory=room.memory)
    wholes: list[Piece] = []
    if room.offer.gpus:
        wholes = [row[5] for row in pool if row[3] and row[4] >> room.index & 1 and row[5] is not seed]
    if seed.gpus:
        _add_wholes(draft, left, [seed])
        _add_wholes(draft, left, [piece for piece in wholes if piece.value >= piece.gpus * server_worth])
    _add_servers(draft, left, None if seed.gpus else seed, pool)
    if left.gpus:
        _add_wholes(draft, left, [piece for piece in wholes if piece not in draft.wholes])
    return draft


@dataclass(slots=True, kw_only=True)
class _Left:
    """What is left of a node."""

    gpus: int
    millicores: int
    memory: int


def _add_wholes(draft: Draft, left: _Left, wholes: Sequence[Piece]) -> None:
    for piece in wholes:
        if piece.gpus <= left.gpus and piece.millicores <= left.millicores and piece.memory <= left.memory:
            draft.wholes.append(piece)
            draft.worth += piece.value
            left.gpus -= piece.gpus
            left.millicores -= piece.millicores
            left.memory -= piece.memory


def _add_servers(draft: Draft, left: _Left, seed: Piece | None, pool: Sequence[Row]) -> None:
    room = draft.room
    for _ in range(left.gpus if room.offer.gpus else 1):
        millicores = left.millicores - room.server_millicores
        memory = left.memory - room.server_memory
        if millicores <= 0 or memory <= 0:
            return
        server = _fill_server(seed, room, pool, millicores, memory)
        if not server:
            return
        seed = None
        draft.servers.append(server)
        left.gpus -= 1
        for piece in server:
            draft.worth += piece.value
            millicores -= piece.millicores
            memory -= piece.memory
        left.millicores, left.memory = millicores, memory
        if room.servers > 1:
            names = {piece.name for piece in server}
            pool = [row for row in pool if row[5].name not in names]


def _fill_server(
    seed: Piece | None, room: Room, pool: Sequence[Row], millicores: int, memory: int
) -> list[Piece]:
    server: list[Piece] = []
    gpu_memory, limit, bit = room.gpu_memory, room.limit, 1 << room.index
    owners: set[str] = set()
    apart: set[str] = set()
    if seed is not None:
        server.append(seed)
        gpu_memory -= seed.gpu_memory
        millicores -= seed.millicores
        memory -= seed.memory
        limit = min(limit, seed.limit)
        owners.add(seed.owner)
        apart.update(seed.apart)
    strict: list[Row] = []
    # What wants few neighbours would end the server early: it comes when all others had their turn.
    for rows in (pool, strict):
        for row in rows:
            of_gpu, of_cpu, of_host, gpus, hosts, piece = row
            if (
                of_gpu > gpu_memory
                or of_cpu > millicores
                or of_host > memory
                or gpus
                or not hosts & bit
                or piece is seed
                or piece.owner in apart
                or (piece.apart and not piece.apart.isdisjoint(owners))
            ):
                continue
            if piece.limit < limit and rows is pool:
                strict.append(row)
                continue
            if len(server) >= min(limit, piece.limit):
                if len(server) >= limit:
                    break
                continue
            server.append(piece)
            gpu_memory -= of_gpu
            millicores -= of_cpu
            memory -= of_host
            limit = min(limit, piece.limit)
            owners.add(piece.owner)
            apart.update(piece.apart)
    return server
