"""A placement from nothing: greedy by worth, then the worst nodes torn down and built again, over and over.

Everything is an integer and every choice has a tie-break by name, so each machine finds the same placement. The number
of rounds depends on the number of pieces, never on a clock.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from planning.capacity.placement.drafts import Draft, Row, fill, make_row
from planning.capacity.placement.fleets import fleets, spread
from planning.capacity.placement.pieces import Piece, Room
from planning.capacity.placement.values import set_values, value

_WOBBLE: Final = 24
_NODE_WOBBLE: Final = 12
"""Likewise for a node. Both found by trying: 1 to 60 percent, on two seeds of 1,000 models."""
"""Percent by which a rebuild may misjudge a piece or a node, so that it does not build the same again."""

_WORK_OF_ONE_NODE: Final = 10_000
_LEAST_WORK: Final = 90_000
_WORK_PER_PIECE: Final = range(5_000, 10_000, 20)
"""How long a family is improved, counted in pieces looked at. A piece among many gets more, as there is more to gain.
All in all 0.3 s for 100 models and 4.5 s for 1,000, on one core (2026-11)."""
_WORK_PER_ROUND: Final = 300
"""What a round costs besides."""
_MANY: Final = 50
"""Pieces of a family."""
_ANEW_OF_FEW: Final = 2
_ANEW_OF_MANY: Final = 6
"""One rebuild of so many begins anew, the others do without a node: many pieces gain by closing nodes, few by beginning
again. Found by trying: 13 seeds of 1,000 models whose owners keep apart, and 60 cases beside an exact solver."""
_BOLD: Final = 8
"""One rebuilt node in so many takes any type: a worse node may leave a better one for the rest. Where there are many
pieces it seldom does, and so is tried less often."""
_TRIED: Final = 5
"""Types that are filled for one seed, the most promising first."""
_RATIO: Final = 10**6
"""Keeps worth by cost whole."""


class NoNodesLeftError(Exception):
    """Types that would hold the piece have too few nodes left."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        super().__init__(piece.name)


class Dice:
    """The same numbers everywhere and always: Knuth's MMIX congruence, its upper bits."""

    def __init__(self) -> None:
        self._state = 1

    def below(self, limit: int) -> int:
        """From 0 up to, not including, `limit`."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self._state >> 33) % limit


class Packer:
    """Packs families one after another into the same offers; what one took, the next cannot have."""

    def __init__(self, rooms: Sequence[Room], used: Sequence[int]) -> None:
        self._rooms = rooms
        self._left = [room.offer.max_nodes - taken for room, taken in zip(rooms, used, strict=True)]
        self._better = _dominance(rooms)
        self._most: tuple[int, ...] = ()
        self._work = 0
        self._bold = _BOLD
        self._anew_of = _ANEW_OF_FEW

    @property
    def left(self) -> tuple[int, ...]:
        """Nodes of each offer that nobody has."""
        return tuple(self._left)

    def pack(self, pieces: Sequence[Piece]) -> list[Draft]:
        """One family's pieces in as cheap nodes as the search finds. Raises NoNodesLeftError."""
        if not pieces:
            return []
        values = value(pieces, self._rooms)
        set_values(pieces, self._rooms, values)
        self._most = values.most
        best: list[Draft] | None = None
        failure: NoNodesLeftError | None = None
        for fleet in (None, *fleets(pieces, self._rooms, values)):
            try:
                drafts = self._first(pieces) if fleet is None else self._on_fleet(pieces, fleet)
            except NoNodesLeftError as error:
                failure = failure or error
                continue
            self._give_back(drafts)
            if best is None or _score(drafts) < _score(best):
                best = drafts
        if best is None or self._runs_out(best):
            choosy = self._choosy_first(pieces)
            if choosy is not None and (best is None or _score(choosy) < _score(best)):
                best = choosy
        if best is None:
            assert failure is not None  # noqa: S101 - every attempt made drafts or failed
            raise failure
        self._take(best)
        return self._improve(best)

    def _first(self, pieces: Sequence[Piece]) -> list[Draft]:
        order = sorted(pieces, key=lambda piece: (-piece.value, piece.name))
        return self._build(self._by_need(order), order, None)

    def _choosy_first(self, pieces: Sequence[Piece]) -> list[Draft] | None:
        """Nodes for what has few hosts before others take them. None where that does not do either."""
        order = sorted(pieces, key=lambda piece: (-piece.value, piece.name))
        try:
            drafts = self._build(
                sorted(self._by_need(order), key=lambda piece: piece.hosts.bit_count()), order, None
            )
        except NoNodesLeftError:
            return None
        self._give_back(drafts)
        return drafts

    def _runs_out(self, drafts: Sequence[Draft]) -> bool:
        """Whether they would take the last node of an offer."""
        left = list(self._left)
        for draft in drafts:
            left[draft.room.index] -= draft.pieces[0].replicas
        return any(left[draft.room.index] < 1 for draft in drafts)

    def _on_fleet(self, pieces: Sequence[Piece], fleet: Sequence[Room]) -> list[Draft]:
        """Nodes for pieces with GPUs of their own, filled up; the rest onto the fleet."""
        order = sorted(pieces, key=lambda piece: (-piece.value, piece.name))
        drafts = self._build(self._by_need([piece for piece in order if piece.gpus]), order, None)
        done = {piece.name for draft in drafts for piece in draft.pieces}
        return drafts + self._spread([piece for piece in order if piece.name not in done], fleet, drafts)

    def _spread(self, shared: Sequence[Piece], fleet: Sequence[Room], before: Sequence[Draft]) -> list[Draft]:
        """As much of the fleet as may be had, and new nodes for what it cannot hold.

        On NoNodesLeftError the nodes of `before` are given back as well.
        """
        if not shared:
            return []
        left = list(self._left)
        allowed: list[Room] = []
        for room in fleet:
            left[room.index] -= shared[0].replicas
            if left[room.index] >= 0:
                allowed.append(room)
        self._work += len(shared) * len(allowed) * 2
        drafts, homeless = spread(shared, allowed)
        self._take(drafts)
        try:
            return [*drafts, *self._build(self._by_need(homeless), homeless, None)]
        except NoNodesLeftError:
            self._give_back([*drafts, *before])
            raise

    def _by_need(self, pieces: Sequence[Piece]) -> list[Piece]:
        """What has the fewest and dearest hosts first; the largest of those first."""
        cheapest: dict[tuple[int, int], int] = {}
        for piece in pieces:
            key = (piece.hosts, piece.gpus)
            if key not in cheapest:
                costs = [
                    room.cost * max(1, piece.gpus) // max(1, room.offer.gpus)
                    for room in self._rooms
                    if piece.hosts >> room.index & 1
                ]
                cheapest[key] = min(costs)
        return sorted(
            pieces,
            key=lambda piece: (-cheapest[piece.hosts, piece.gpus], -piece.gpus, -piece.value, piece.name),
        )

    def _build(self, seeds: Sequence[Piece], order: Sequence[Piece], dice: Dice | None) -> list[Draft]:
        """Nodes for all pieces. On NoNodesLeftError the nodes that it took are given back."""
        taken: set[str] = set()
        drafts: list[Draft] = []
        pool = [make_row(piece) for piece in order]
        for seed in seeds:
            if seed.name in taken:
                continue
            draft = self._best(seed, pool, dice)
            if draft is None:
                self._give_back(drafts)
                raise NoNodesLeftError(seed)
            self._left[draft.room.index] -= seed.replicas
            drafts.append(draft)
            taken.update(piece.name for piece in draft.pieces)
            pool = [row for row in pool if row[-1].name not in taken]
        return drafts

    def _best(self, seed: Piece, pool: Sequence[Row], dice: Dice | None) -> Draft | None:
        """The filled node with the most worth for its cost."""
        best: Draft | None = None
        best_worth = 0
        waiting = sum(row[-1].value for row in pool)
        candidates = self._candidates(seed, waiting)
        if dice is not None and candidates and not dice.below(self._bold):
            candidates = [candidates[dice.below(len(candidates))]]
        for most, room in candidates:
            if best is not None and not seed.gpus and most * best.room.cost < best_worth * room.cost:
                break
            self._work += len(pool) * room.servers
            draft = fill(seed, room, pool, self._most[room.index] // room.servers)
            worth = draft.worth
            if dice is not None:
                worth = worth * (100 + dice.below(_NODE_WOBBLE)) // 100
            if best is None or worth * best.room.cost > best_worth * room.cost:
                best, best_worth = draft, worth
        return best

    def _candidates(self, seed: Piece, waiting: int) -> list[tuple[int, Room]]:
        """The most that a node can be worth with what is waiting, and its room; best for its cost first."""
        able = 0
        for room in self._rooms:
            if seed.hosts >> room.index & 1 and self._left[room.index] >= seed.replicas:
                able |= 1 << room.index
        ranked = [
            (-min(self._most[room.index], waiting) * _RATIO // room.cost, room.index)
            for room in self._rooms
            if able >> room.index & 1 and not able & self._better[room.index]
        ]
        ranked.sort()
        tried = ranked if seed.gpus else ranked[:_TRIED]
        return [(min(self._most[index], waiting), self._rooms[index]) for _, index in tried]

    def _give_back(self, drafts: Iterable[Draft]) -> None:
        for draft in drafts:
            self._left[draft.room.index] += draft.pieces[0].replicas

    def _take(self, drafts: Iterable[Draft]) -> None:
        for draft in drafts:
            self._left[draft.room.index] -= draft.pieces[0].replicas

    def _improve(self, drafts: list[Draft]) -> list[Draft]:
        dice = Dice()
        self._work = 0
        self._bold = _BOLD + len(drafts) * 2
        pieces = sum(len(draft.pieces) for draft in drafts)
        self._anew_of = _ANEW_OF_MANY if pieces > _MANY else _ANEW_OF_FEW
        enough = max(_LEAST_WORK, pieces * _WORK_PER_PIECE[min(pieces, len(_WORK_PER_PIECE) - 1)])
        while self._work < (enough if len(drafts) > 1 else _WORK_OF_ONE_NODE):
            self._work += _WORK_PER_ROUND
            torn = _choose(drafts, dice)
            rebuilt = self._rebuild(torn, dice)
            if rebuilt is not None:
                chosen = {id(draft) for draft in torn}
                drafts = [draft for draft in drafts if id(draft) not in chosen] + rebuilt
        return drafts

    def _rebuild(self, torn: list[Draft], dice: Dice) -> list[Draft] | None:
        """Something no dearer from the same pieces, or None and nothing changed."""
        self._give_back(torn)
        try:
            rebuilt = self._on_fewer(torn, dice) if dice.below(self._anew_of) else self._anew(torn, dice)
        except NoNodesLeftError:
            self._take(torn)
            return None
        if _score(rebuilt) <= _score(torn):
            return rebuilt
        self._give_back(rebuilt)
        self._take(torn)
        return None

    def _anew(self, torn: Sequence[Draft], dice: Dice) -> list[Draft]:
        pieces = [piece for draft in torn for piece in draft.pieces]
        wobble = {piece.name: piece.value * (100 + dice.below(_WOBBLE)) for piece in pieces}
        order = sorted(pieces, key=lambda piece: (-wobble[piece.name], piece.name))
        return self._build(self._by_need(order) if dice.below(2) else order, order, dice)

    def _on_fewer(self, torn: Sequence[Draft], dice: Dice) -> list[Draft]:
        """Spread over the same nodes without one of them, or with a cheaper one in its stead."""
        whole = [draft for draft in torn if draft.wholes]
        rooms = [draft.room for draft in torn if not draft.wholes]
        self._take(whole)
        if not rooms:
            return whole
        pieces = [piece for draft in torn if not draft.wholes for piece in draft.pieces]
        gone = rooms.pop(dice.below(len(rooms)))
        cheaper = [
            room
            for room in self._rooms
            if room.cost < gone.cost and bool(room.offer.gpus) == bool(gone.offer.gpus)
        ]
        choice = dice.below(len(cheaper) + 1)
        if choice < len(cheaper):
            rooms.append(cheaper[choice])
        return [*whole, *self._spread(pieces, rooms, whole)]


def _score(drafts: Sequence[Draft]) -> tuple[int, int]:
    """Cost; then full nodes beside empty ones rather than half-full ones, since an empty one can go."""
    return (
        sum(draft.room.cost for draft in drafts),
        -sum(draft.worth * draft.worth // draft.room.cost for draft in drafts),
    )


def _choose(drafts: Sequence[Draft], dice: Dice) -> list[Draft]:
    """A few nodes, the first among the worst filled."""
    ranked = sorted(
        range(len(drafts)),
        key=lambda i: (drafts[i].worth * _RATIO // drafts[i].room.cost, i),
    )
    count = min(len(drafts), 2 + dice.below(3))
    worst = max(1, len(drafts) // 4)
    chosen = [ranked[dice.below(worst)]]
    # Mostly nodes of any type; one time in six of the first one's, which may be all that some pieces can be on.
    alike = [i for i in ranked if drafts[i].room is drafts[chosen[0]].room]
    if len(alike) > 1 and not dice.below(6):
        ranked, count = alike, min(count, len(alike))
    while len(chosen) < count:
        another = ranked[dice.below(len(ranked))]
        if another not in chosen:
            chosen.append(another)
    return [drafts[i] for i in chosen]


def _dominance(rooms: Sequence[Room]) -> tuple[int, ...]:
    """For each room the bits of those that are never worse in anything, and of those alike the first by name."""

    def figures(room: Room) -> tuple[int, ...]:
        found = room.offer
        return (
            found.gpus,
            room.gpu_memory,
            *found.compute_capability,
            room.millicores,
            room.memory,
            -room.cost,
        )

    better = []
    for room in rooms:
        mine, bits = figures(room), 0
        for other in rooms:
            theirs = figures(other)
            same_kind = bool(room.offer.gpus) == bool(other.offer.gpus)
            if (
                same_kind
                and other is not room
                and all(b >= a for a, b in zip(mine, theirs, strict=True))
                and (theirs != mine or other.index < room.index)
            ):
                bits |= 1 << other.index
        better.append(bits)
    return tuple(better)
