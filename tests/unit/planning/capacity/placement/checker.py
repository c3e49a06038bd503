"""Whether a placement may be deployed: written from docs/placement.md, with nothing of the planner but its types."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

from model_catalog import Device
from planning.capacity.gpu_shares import TimeSlices
from planning.capacity.placement import (
    Demand,
    NodeGroup,
    Offer,
    Placement,
    PlacementRules,
    SharedDemand,
    SharedServer,
    WholeDemand,
    WholeServer,
)

Server = SharedServer | WholeServer
Pod = tuple[str, int, int, int]
"""Server, GPUs, millicores, bytes of host memory."""


def violations(
    placement: Placement, demands: Sequence[Demand], offers: Sequence[Offer], rules: PlacementRules
) -> list[str]:
    """Everything that is wrong; empty where nothing is."""
    return list(_violations(placement, {d.selector: d for d in demands}, {o.name: o for o in offers}, rules))


def _violations(
    placement: Placement, demands: dict[str, Demand], offers: dict[str, Offer], rules: PlacementRules
) -> Iterator[str]:
    places = [found.selector for found in placement.assignments]
    if sorted(places) != sorted(demands):
        yield f"assigned {places}, demanded {sorted(demands)}"
    served = Counter(name for server in placement.shared for name in server.variants)
    served.update(server.selector for server in placement.whole)
    if served != Counter(demands.keys()):
        yield f"served {served}"
    groups = {group.name: group for group in placement.groups}
    if len(groups) != len(placement.groups):
        yield "two pools of one name"
    for server in placement.shared:
        yield from _shared(server, demands, offers, rules)
    for whole in placement.whole:
        yield from _whole(whole, demands, offers)
    for group in placement.groups:
        yield from _group(group, placement, demands, offers, rules)
    pools = {s.place.pool for s in placement.shared} | {s.place.pool for s in placement.whole}
    if pools != set(groups):
        yield "pools without servers, or servers without a pool"
    for name, offer in offers.items():
        here = [group for group in placement.groups if _offer_name(group) == name]
        if sum(group.max_nodes for group in here) > offer.max_nodes:
            yield f"{name}: more nodes than allowed"
    prices = [offers[_offer_name(group)].price for group in placement.groups]
    if None not in prices and placement.price != sum(
        (group.nodes * (price or 0) for group, price in zip(placement.groups, prices, strict=True)),
        Decimal(0),
    ):
        yield f"price {placement.price}"
    for found in placement.assignments:
        if not found.reason.startswith(f"on {found.place} because "):
            yield f"{found.selector}: {found.reason}"


def _shared(
    server: SharedServer, demands: dict[str, Demand], offers: dict[str, Offer], rules: PlacementRules
) -> Iterator[str]:
    name, offer = str(server.place), offers[_offer_name(server)]
    models = [demands[variant] for variant in server.variants]
    if not models:
        yield f"{name}: empty"
    limit = rules.max_models_per_server
    for model in models:
        if not isinstance(model, SharedDemand):
            yield f"{name}: {model.selector} wants GPUs of its own"
            continue
        limit = min(limit, model.max_models or limit)
        if model.device is not server.device or (model.device is Device.GPU) != bool(offer.gpus):
            yield f"{name}: {model.selector} is on the wrong device"
        if model.replicas != server.replicas:
            yield f"{name}: {model.selector} has other replicas"
        if model.instance_type not in (None, server.instance_type):
            yield f"{name}: {model.selector} is pinned elsewhere"
        if isinstance(offer.share, TimeSlices):
            yield f"{name}: {model.selector} on a time slice, without a limit to its memory"
        if model.device is Device.GPU and model.compute_capability > offer.compute_capability:
            yield f"{name}: {model.selector} needs a newer GPU"
        for other in models:
            if other.owner != model.owner and other.owner in model.keep_apart_from:
                yield f"{name}: {model.owner} beside {other.owner}"
    if len(models) > limit:
        yield f"{name}: {len(models)} models"
    on_gpu = sum(model.gpu_memory for model in models if server.device is Device.GPU)
    if server.device is Device.GPU and on_gpu + rules.server_gpu_memory > offer.gpu_memory:
        yield f"{name}: GPU memory"


def _whole(server: WholeServer, demands: dict[str, Demand], offers: dict[str, Offer]) -> Iterator[str]:
    demand, offer = demands[server.selector], offers[_offer_name(server)]
    if not isinstance(demand, WholeDemand):
        yield f"{server.selector} shares"
        return
    if (demand.gpus, demand.replicas) != (server.gpus, server.replicas):
        yield f"{server.selector}: other GPUs or replicas"
    if demand.instance_type not in (None, server.instance_type):
        yield f"{server.selector}: pinned elsewhere"
    if offer.share and demand.gpus > 1:
        yield f"{server.selector}: spreads over shares of GPUs"
    if isinstance(offer.share, TimeSlices) and not demand.bounded:
        yield f"{server.selector}: on a time slice, where starts decide what it gets"
    needed = demand.gpu_memory_by_type.get(offer.name, demand.gpu_memory)
    if needed > offer.gpu_memory or demand.compute_capability > offer.compute_capability:
        yield f"{server.selector}: another GPU"


def _group(
    group: NodeGroup,
    placement: Placement,
    demands: dict[str, Demand],
    offers: dict[str, Offer],
    rules: PlacementRules,
) -> Iterator[str]:
    offer = offers[_offer_name(group)]
    here = _servers(placement, group)
    if any(_offer_name(server) != _offer_name(group) for server in here):
        yield f"{group.name}: mixed instance types"
    if not group.min_nodes <= group.nodes <= group.max_nodes:
        yield f"{group.name}: {group.min_nodes} {group.nodes} {group.max_nodes}"
    pods = {_name(server): _pod(server, demands, rules) for server in here}
    packed = "-set-" in group.name
    nodes = [list(pods.values())] if packed else [[pod] for pod in pods.values()]
    replicas = [server.replicas for server in here]
    if packed and set(replicas) != {group.nodes}:
        yield f"{group.name}: {group.nodes} nodes for {replicas} replicas"
    if not packed and sum(replicas) != group.nodes:
        yield f"{group.name}: {group.nodes} nodes for {sum(replicas)} servers"
    for node in nodes:
        if sum(pod[1] for pod in node) > offer.gpus:
            yield f"{group.name}: GPUs"
        if sum(pod[2] for pod in node) > offer.millicores:
            yield f"{group.name}: CPU"
        if sum(pod[3] for pod in node) > offer.memory:
            yield f"{group.name}: host memory"


def _offer_name(what: Server | NodeGroup) -> str:
    return f"{what.instance_type}/{what.share.name}" if what.share else what.instance_type


def _servers(placement: Placement, group: NodeGroup) -> list[Server]:
    everything: list[Server] = [*placement.shared, *placement.whole]
    return [server for server in everything if server.place.pool == group.name]


def _name(server: Server) -> str:
    return server.selector if isinstance(server, WholeServer) else str(server.place)


def _pod(server: Server, demands: dict[str, Demand], rules: PlacementRules) -> Pod:
    if isinstance(server, WholeServer):
        demand = demands[server.selector]
        return server.selector, server.gpus, demand.millicores, demand.memory
    models = [demands[name] for name in server.variants]
    return (
        str(server.place),
        int(server.device is Device.GPU),
        rules.server_millicores + sum(model.millicores for model in models),
        rules.server_memory + sum(model.memory for model in models),
    )


def unscheduled(
    placement: Placement,
    demands: Sequence[Demand],
    offers: Sequence[Offer],
    rules: PlacementRules,
    chance: random.Random,
) -> list[str]:
    """Pods that find no node when they come in any order and each takes any node of its pool that has room.

    Replicas of one server keep off each other's nodes. That is the worst that a real scheduler may do.
    """
    by_selector = {demand.selector: demand for demand in demands}
    by_name = {offer.name: offer for offer in offers}
    left_over: list[str] = []
    for group in placement.groups:
        offer = by_name[_offer_name(group)]
        nodes = [[offer.gpus, offer.millicores, int(offer.memory)] for _ in range(group.nodes)]
        names: list[set[str]] = [set() for _ in nodes]
        here = _servers(placement, group)
        pods = [_pod(server, by_selector, rules) for server in here for _ in range(server.replicas)]
        chance.shuffle(pods)
        for name, *needs in pods:
            able = [
                i
                for i, room in enumerate(nodes)
                if name not in names[i]
                and all(need <= there for need, there in zip(needs, room, strict=True))
            ]
            if not able:
                left_over.append(name)
                continue
            chosen = chance.choice(able)
            names[chosen].add(name)
            nodes[chosen] = [there - need for need, there in zip(needs, nodes[chosen], strict=True)]
    return left_over
