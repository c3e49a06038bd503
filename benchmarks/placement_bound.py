"""The least that any placement costs: a bound that knows the constraints, for problems too large to solve exactly.

For each device and number of replicas it buys whole nodes, places each demand on instance types by the fraction, and
asks of every type only what every real placement meets:

- a demand goes only where an empty node holds it: device, compute capability, pin, memory of one GPU, CPU, host memory;
- a replica's GPUs are all in one node, a shared server has one GPU or one CPU node, and a node no more than it has;
- GPU memory, CPU and host memory of nodes are not exceeded, each server's own need included;
- models in a server, by the rules and by each demand's own wish;
- owners that all keep apart from each other have as many servers at least, among the types that can hold them;
- a node holds demands of equal replicas only, and each replica is on another node;
- what two large demands cannot share they do not share by fractions either: every rounding f(x) = ⌊(k+1)x⌋/k of sizes,
  which no set of demands within a node exceeds (a dual feasible function: Fekete and Schepers, Mathematical Programming
  91, 2001), is one more row.

It knows no more of owners that keep apart, and not how few nodes an environment allows. Either could only raise it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp  # type: ignore[import-untyped] # scipy has no types
from scipy.sparse import coo_array  # type: ignore[import-untyped] # likewise

from model_catalog import Device
from planning.capacity.placement import Demand, Offer, PlacementRules, SharedDemand, WholeDemand
from quantities import Bytes

_ROUNDINGS: Final = range(1, 12)
_SECONDS: Final = 20
"""The time limit of each family, in seconds. What is proven by then is the bound."""
_GAP: Final = 0.001


def lower_bound(demands: Iterable[Demand], offers: Sequence[Offer], rules: PlacementRules) -> float:
    """US dollars an hour. Every offer must have its price."""
    families: dict[tuple[Device, int], list[Demand]] = {}
    for demand in demands:
        device = demand.device if isinstance(demand, SharedDemand) else Device.GPU
        families.setdefault((device, demand.replicas), []).append(demand)
    return sum(
        replicas * _bound(found, [o for o in offers if bool(o.gpus) == (device is Device.GPU)], rules)
        for (device, replicas), found in sorted(families.items())
    )


@dataclass
class _Rows:
    """A sparse matrix of constraints that all say: at most."""

    places: list[tuple[int, int]] = field(default_factory=list)
    cells: list[float] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)

    def add(self, terms: Iterable[tuple[int, float]], limit: float = 0.0) -> None:
        for column, cell in terms:
            self.places.append((len(self.limits), column))
            self.cells.append(cell)
        self.limits.append(limit)


def _bound(demands: Sequence[Demand], offers: Sequence[Offer], rules: PlacementRules) -> float:
    """The columns are nodes of each offer, servers of each offer, then each demand on each offer that holds it."""
    count = len(offers)
    columns: dict[tuple[int, int], int] = {}
    for i, demand in enumerate(demands):
        for j, offer in enumerate(offers):
            if _holds(offer, demand, rules):
                columns[i, j] = 2 * count + len(columns)
    rows = _Rows()
    for i in range(len(demands)):
        rows.add([(columns[i, j], -1.0) for j in range(count) if (i, j) in columns], -1.0)
    for j, offer in enumerate(offers):
        here = [(columns[i, j], demand) for i, demand in enumerate(demands) if (i, j) in columns]
        _add_offer(rows, offer, rules, here, node=j, server=count + j)
    hosts = [frozenset(j for j in range(count) if (i, j) in columns) for i in range(len(demands))]
    for among in sorted(set(hosts), key=sorted):
        inside = [
            d for d, own in zip(demands, hosts, strict=True) if own <= among and isinstance(d, SharedDemand)
        ]
        rows.add([(count + j, -1.0) for j in sorted(among)], -float(_strangers(inside)))
    width = 2 * count + len(columns)
    cost = np.zeros(width)
    cost[:count] = [float(offer.price or 0) for offer in offers]
    whole = np.zeros(width)
    whole[:count] = 1
    most = np.ones(width)
    most[: 2 * count] = np.inf
    row_numbers, column_numbers = zip(*rows.places, strict=True)
    matrix = coo_array((rows.cells, (row_numbers, column_numbers)), shape=(len(rows.limits), width))
    solved = milp(
        cost,
        constraints=LinearConstraint(matrix, -np.inf, rows.limits),
        integrality=whole,
        bounds=Bounds(0, most),
        options={"time_limit": _SECONDS, "mip_rel_gap": _GAP},
    )
    return float(solved.mip_dual_bound)


def _strangers(demands: Sequence[SharedDemand]) -> int:
    """Return how many owners were found that all keep apart from each other; 1 where there is any owner."""
    owners = sorted({demand.owner for demand in demands})
    pairs = {(demand.owner, other) for demand in demands for other in demand.keep_apart_from}
    most = min(1, len(owners))
    for first in owners:
        group = [first]
        for owner in owners:
            if all(owner != one and ((owner, one) in pairs or (one, owner) in pairs) for one in group):
                group.append(owner)
        most = max(most, len(group))
    return most


def _holds(offer: Offer, demand: Demand, rules: PlacementRules) -> bool:
    if isinstance(demand, SharedDemand):
        on_gpu, gpus = demand.device is Device.GPU, min(1, offer.gpus)
        own = (rules.server_gpu_memory, rules.server_millicores, rules.server_memory)
    else:
        on_gpu, gpus, own = True, demand.gpus, (Bytes(0), 0, Bytes(0))
    return (
        demand.instance_type in (None, offer.instance_type)
        and (not on_gpu or demand.compute_capability <= offer.compute_capability)
        and (not on_gpu or demand.gpu_memory + own[0] <= offer.gpu_memory)
        and gpus <= offer.gpus
        and demand.millicores + own[1] <= offer.millicores
        and demand.memory + own[2] <= offer.memory
    )


def _add_offer(
    rows: _Rows,
    offer: Offer,
    rules: PlacementRules,
    here: Sequence[tuple[int, Demand]],
    *,
    node: int,
    server: int,
) -> None:
    shared = [(column, demand) for column, demand in here if isinstance(demand, SharedDemand)]
    whole = [(column, demand) for column, demand in here if isinstance(demand, WholeDemand)]
    slots = max(1, offer.gpus)
    rows.add([(server, 1), *((column, demand.gpus) for column, demand in whole), (node, -slots)])
    for own, there, name in (
        (rules.server_millicores, offer.millicores, "millicores"),
        (rules.server_memory, offer.memory, "memory"),
    ):
        taken = [(column, getattr(demand, name) / there) for column, demand in here]
        rows.add([(server, own / there), *taken, (node, -1)])
        if slots == 1:
            _add_roundings(
                rows, [(c, getattr(d, name)) for c, d in here], int(there - own * bool(shared)), node
            )
    rows.add(
        [
            *(
                (column, 1 / min(rules.max_models_per_server, demand.max_models or 10**6))
                for column, demand in shared
            ),
            (server, -1),
        ]
    )
    room = int(offer.gpu_memory - rules.server_gpu_memory)
    if offer.gpus and shared:
        rows.add([*((column, demand.gpu_memory / room) for column, demand in shared), (server, -1)])
        _add_roundings(rows, [(column, int(demand.gpu_memory)) for column, demand in shared], room, server)


def _add_roundings(rows: _Rows, sizes: Sequence[tuple[int, int]], room: int, holder: int) -> None:
    for k in _ROUNDINGS:
        rounded = [(column, _rounded(size, room, k)) for column, size in sizes]
        if any(cell for _, cell in rounded):
            rows.add([*((column, cell) for column, cell in rounded if cell), (holder, -1)])


def _rounded(size: int, room: int, k: int) -> float:
    whole, rest = divmod((k + 1) * size, room)
    return whole / k if rest else size / room
