"""What a reader should know before merging, told from two plans. Only what the change brings: risks that stay are not
repeated (`slipway plan` lists all).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Final

from model_catalog import Selector
from model_catalog.changes import Change
from planning.capacity import total_cost
from planning.capacity.gpu_shares import shared_name
from planning.changes.places import PlaceChanges
from planning.changes.servers import ServerChange
from planning.changes.sides import PlanSide
from planning.changes.spare import has_spare_room
from planning.changes.switches import switch
from planning.report import GpuBar, PoolReport
from planning.servers import Server
from planning.spending import Spending
from planning.torchserve_servers import TorchServePlan
from quantities import Bytes, counted

TIGHT_PERCENT: Final = 5
"""Of a GPU's usable memory. Fragmentation or one longer request can take the rest. Chosen, not measured."""

MANY_VARIANTS: Final = 10
"""In one server: more than these away at once is worth a look. Chosen, not measured."""


class ChangeRiskKind(StrEnum):
    """In the order in which they are told."""

    BUDGET = "budget"
    """The nodes cost more than somebody has decided, and `slipway validate` fails."""
    NOT_SERVED = "not_served"
    """Something runs that its server leaves out, perhaps with all of its model."""
    REGION = "region"
    """Everything is made anew elsewhere."""
    POOL_REPLACED = "pool_replaced"
    """By one of another instance type: all of its servers move."""
    PURCHASE_OPTION = "purchase_option"
    """A pool's nodes are paid for in another way: they are replaced."""
    POOL_SHRINKS = "pool_shrinks"
    """Nodes go before the servers that left them, and which nodes is AWS's choice."""
    MOVED = "moved"
    """A server that stays lets a model go before another one has loaded it."""
    SWITCH_NEEDS_ROOM = "switch_needs_room"
    """A server does not hold what leaves and what comes at the same time, and it holds both until it has switched."""
    NO_SPARE = "no_spare"
    """A server's only replica restarts, and there is nowhere to start a second one first."""
    OUTAGE_AT_ROLLOUT = "outage_at_rollout"
    """Its only replica restarts, and there would be room for a second one."""
    REPLICAS_LOWERED = "replicas_lowered"
    FAILURE_DOMAIN = "failure_domain"
    """A server of many models has got more of them."""
    SINGLE_REPLICA = "single_replica"
    """A new server with one replica."""
    GPU_TIGHT = "gpu_tight"
    """Hardly anything of a GPU's memory is left."""
    GPU_MEMORY_UNKNOWN = "gpu_memory_unknown"
    POOL_AT_MAX = "pool_at_max"
    PRICE_UNKNOWN = "price_unknown"


@dataclass(frozen=True, kw_only=True)
class ChangeRisk:
    """One of them."""

    kind: ChangeRiskKind
    server: str = ""
    """Empty where it is a whole pool's."""
    pool: str = ""
    message: str


def change_risks(
    base: PlanSide, head: PlanSide, servers: Iterable[ServerChange], places: PlaceChanges
) -> tuple[ChangeRisk, ...]:
    """By kind, then by name."""
    changed = tuple(servers)
    found = [
        *_budgets(base, head),
        *_not_served(base, head),
        *_regions(base, head),
        *_replaced_pools(base, head, places),
        *_other_purchases(base, head),
        *_shrinking_pools(base, head, changed),
        *_moves(base, head, places),
        *_switches(base, head, changed),
        *_rollouts(head, changed),
        *_fewer_replicas(changed),
        *_failure_domains(base, head, changed),
        *_single_replicas(changed),
        *_tight_gpus(base, head, changed),
        *_pools_at_max(base, head),
        *_unknowns(base, head),
    ]
    order = list(ChangeRiskKind)
    return tuple(sorted(found, key=lambda risk: (order.index(risk.kind), risk.server, risk.pool)))


def _budgets(base: PlanSide, head: PlanSide) -> Iterator[ChangeRisk]:
    before, after = _spending(base), _spending(head)
    if after is None or after.excess <= 0 or (before is not None and before.excess >= after.excess):
        return
    yield ChangeRisk(
        kind=ChangeRiskKind.BUDGET,
        message=f"nodes cost ${after.excess:,.2f} a month above the budget of ${after.limit:,.2f}: `slipway validate` "
        "refuses it",
    )


def _spending(side: PlanSide) -> Spending | None:
    if side.plan.budget is None:
        return None
    return Spending(cost=total_cost(pool.cost for pool in side.pools), budget=side.plan.budget)


def _not_served(base: PlanSide, head: PlanSide) -> Iterator[ChangeRisk]:
    """By variant: one sentence of its first version, as all of them most often lack the same."""
    known = {version.selector for version in base.plan.versions if version.not_served}
    served, still = _served(base), _served(head)
    for server in head.plan.servers:
        out = {model.selector: model.not_served for model in server.models if model.not_served}
        for variant, group in groupby(sorted(out, key=lambda one: one.sort_key), key=lambda one: one.variant):
            new = [selector for selector in group if selector not in known]
            if not new:
                continue
            gone = f"; nobody answers {variant} any more" if variant in served - still else ""
            yield ChangeRisk(
                kind=ChangeRiskKind.NOT_SERVED,
                server=server.name,
                pool=server.pool,
                message=f"{', '.join(map(str, new))} is {out[new[0]]}{gone}",
            )


def _served(side: PlanSide) -> set[Selector]:
    """Variants whose default is served, so that requests which name no version are answered."""
    return {
        version.selector.variant
        for version in side.plan.versions
        if version.default and not version.not_served
    }


def _regions(base: PlanSide, head: PlanSide) -> Iterator[ChangeRisk]:
    if base.region != head.region:
        yield ChangeRisk(
            kind=ChangeRiskKind.REGION,
            message=f"the region is {head.region} instead of {base.region}: network, cluster, bucket and servers are "
            "made anew there, and the old ones go",
        )


def _replaced_pools(base: PlanSide, head: PlanSide, places: PlaceChanges) -> Iterator[ChangeRisk]:
    new = {pool.name: pool for pool in head.pools}
    moved: dict[str, list[str]] = {}
    for move in places.moved:
        moved.setdefault(move.before.pool, []).append(move.after.pool)
    for pool in base.pools:
        targets = moved.get(pool.name, [])
        if pool.name in new or not targets:
            continue
        onto = ", ".join(f"{name} ({new[name].instance_type})" for name in sorted(set(targets)))
        yield ChangeRisk(
            kind=ChangeRiskKind.POOL_REPLACED,
            pool=pool.name,
            message=f"{pool.name} ({pool.instance_type}) goes, and all of its servers with it: "
            f"{counted(len(targets), 'placement')} of it now on {onto}",
        )


def _other_purchases(base: PlanSide, head: PlanSide) -> Iterator[ChangeRisk]:
    before = {pool.name: pool.purchase_option for pool in base.plan.pools}
    for pool in head.plan.pools:
        was = before.get(pool.name, pool.purchase_option)
        if was is not pool.purchase_option:
            yield ChangeRisk(
                kind=ChangeRiskKind.PURCHASE_OPTION,
                pool=pool.name,
                message=f"{pool.name} is {pool.purchase_option.value} instead of {was.value}: all its nodes are "
                "replaced, new ones first, and its servers move over",
            )


def _shrinking_pools(base: PlanSide, head: PlanSide, changed: Sequence[ServerChange]) -> Iterator[ChangeRisk]:
    """An update deletes last (docs/known-limits.md), so for a while there are more servers than nodes."""
    restarting = {one.name for one in changed if one.change is Change.CHANGED and one.restart}
    before = {pool.name: pool.desired_nodes for pool in base.plan.pools}
    for pool in head.plan.pools:
        was = before.get(pool.name, 0)
        staying = {server.name: server for server in head.plan.servers if server.pool == pool.name}
        leaving = [
            server.name
            for server in base.plan.servers
            if server.pool == pool.name and server.name not in staying
        ]
        if pool.autoscaled or pool.desired_nodes >= was or not staying or not leaving:
            continue
        waiting = [name for name in staying if name in restarting]
        if waiting:
            outcome = (
                f"{', '.join(waiting)} may wait for a node until its deadline, and the update fails: apply what "
                "changes it first, and what leaves in another update"
            )
        else:
            outcome = f"{', '.join(staying)} may lose its node, and is away until what left is deleted"
        nodes = f"{was} to {counted(pool.desired_nodes, 'node')}"
        yield ChangeRisk(
            kind=ChangeRiskKind.POOL_SHRINKS,
            pool=pool.name,
            message=f"{pool.name} goes from {nodes} before {', '.join(leaving)} is deleted: {outcome}",
        )


def _moves(base: PlanSide, head: PlanSide, places: PlaceChanges) -> Iterator[ChangeRisk]:
    """No server waits for another one. What is deleted goes last, so a server that goes answers until then."""
    before, after = _holders(base), _holders(head)
    staying = {server.name for server in head.plan.servers}
    moved: dict[tuple[str, str], list[str]] = {}
    for move in places.moved:
        if (old := before.get(move.selector)) in staying and move.selector in after:
            moved.setdefault((old, after[move.selector]), []).append(move.selector)
    for (old, new), names in sorted(moved.items()):
        rest = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield ChangeRisk(
            kind=ChangeRiskKind.MOVED,
            server=new,
            message=f"{names[0]}{rest}: {old} lets go when its drain grace is over, or at once where it restarts, and "
            f"{new} answers once it has loaded, on a new node after that has come: nobody may answer in between",
        )


def _holders(side: PlanSide) -> Mapping[str, str]:
    """Variant → the shared server that holds it. A language model that moves keeps its server, which restarts."""
    return {
        str(model.selector.variant): server.name
        for server in side.plan.servers
        if isinstance(server, TorchServePlan)
        for model in server.models
    }


def _switches(base: PlanSide, head: PlanSide, changed: Iterable[ServerChange]) -> Iterator[ChangeRisk]:
    pools = {pool.name: pool for pool in head.plan.pools}
    old, new = ({server.name: server for server in side.plan.servers} for side in (base, head))
    for one in changed:
        # New pods load only what stays.
        if one.live is None:
            continue
        needed = switch(old[one.name], new[one.name], pools[one.pool])
        if needed is not None and needed.too_much:
            yield ChangeRisk(
                kind=ChangeRiskKind.SWITCH_NEEDS_ROOM, server=one.name, pool=one.pool, message=str(needed)
            )


def _rollouts(head: PlanSide, changed: Iterable[ServerChange]) -> Iterator[ChangeRisk]:
    pools = {pool.name: pool for pool in head.plan.pools}
    taken = _taken(head.plan.servers)
    for one in changed:
        if one.restart is None or not one.restart.away:
            continue
        pool, gpus = pools[one.restart.pool], one.restart.gpus
        room = "GPU" if gpus == 1 else f"node with {gpus} GPUs" if gpus else "node"
        if has_spare_room(pool, gpus=gpus, taken=taken[pool.name]):
            kind = ChangeRiskKind.OUTAGE_AT_ROLLOUT
            why = (
                f"is away while it restarts, though {pool.name} has a spare {room}: rollouts stop a pod first"
            )
        else:
            kind = ChangeRiskKind.NO_SPARE
            why = f"needs a spare {room} to surge: there is none in {pool.name}"
        # With replicas lowered to one it is as much away: both old pods go before the new one comes.
        message = f"{one.name} has one replica and {why}"
        yield ChangeRisk(kind=kind, server=one.name, pool=pool.name, message=message)


def _taken(servers: Iterable[Server]) -> Mapping[str, int]:
    """Pool → GPUs that its servers ask for; without GPUs, their replicas, each of which has a node to itself."""
    taken: dict[str, int] = {}
    for server in servers:
        taken[server.pool] = taken.get(server.pool, 0) + server.replicas * (server.resources.gpus or 1)
    return taken


def _fewer_replicas(changed: Iterable[ServerChange]) -> Iterator[ChangeRisk]:
    for one in changed:
        if one.change is Change.CHANGED and one.after.replicas < one.before.replicas:
            yield ChangeRisk(
                kind=ChangeRiskKind.REPLICAS_LOWERED,
                server=one.name,
                pool=one.pool,
                message=f"{one.name} has {one.after.replicas} of {one.before.replicas} replicas left",
            )


def _failure_domains(base: PlanSide, head: PlanSide, changed: Sequence[ServerChange]) -> Iterator[ChangeRisk]:
    names = {one.name for one in changed}
    before, after = ({one.name: _variants(one) for one in side.plan.servers} for side in (base, head))
    for name in sorted(names & after.keys()):
        if after[name] > max(MANY_VARIANTS, before.get(name, 0)):
            was = f", {before[name]} before" if name in before else ""
            yield ChangeRisk(
                kind=ChangeRiskKind.FAILURE_DOMAIN,
                server=name,
                message=f"{name} has {after[name]} models in one process{was}: what ends it takes all of them away",
            )


def _variants(server: Server) -> int:
    return len({model.selector.variant for model in server.models})


def _single_replicas(changed: Iterable[ServerChange]) -> Iterator[ChangeRisk]:
    for one in changed:
        if one.change is Change.ADDED and one.after.running == 1:
            yield ChangeRisk(
                kind=ChangeRiskKind.SINGLE_REPLICA,
                server=one.name,
                pool=one.pool,
                message=f"{one.name} is new and has one replica: a lost node or a rollout takes it away",
            )


def _tight_gpus(base: PlanSide, head: PlanSide, changed: Iterable[ServerChange]) -> Iterator[ChangeRisk]:
    names = {one.name for one in changed}
    before = {server: bar.free for bar in _bars(base.pools) for server in bar.servers}
    for bar in _bars(head.pools):
        for server in bar.servers:
            free, usable = bar.free, bar.usable
            if server not in names or free is None or usable is None or before.get(server) == free:
                continue
            if free * 100 < usable * TIGHT_PERCENT:
                yield ChangeRisk(
                    kind=ChangeRiskKind.GPU_TIGHT,
                    server=server,
                    message=f"{server} leaves {_mebibytes(free)} MiB of {_mebibytes(usable)} free on its GPU, under "
                    f"{TIGHT_PERCENT} %: a longer request or fragmentation may end it",
                )


def _bars(pools: Iterable[PoolReport]) -> Iterator[GpuBar]:
    return (bar for pool in pools for bar in pool.bars)


def _mebibytes(memory: Bytes) -> int:
    return int(memory) // int(Bytes.mebibytes(1))


def _pools_at_max(base: PlanSide, head: PlanSide) -> Iterator[ChangeRisk]:
    before, after = _nodes(base), _nodes(head)
    for offer in head.plan.offers:
        nodes = after.get(offer.name, 0)
        if nodes >= offer.max_nodes and nodes != before.get(offer.name, 0):
            pools = sorted(
                pool.name
                for pool in head.plan.pools
                if shared_name(pool.instance_type.name, pool.share) == offer.name
            )
            yield ChangeRisk(
                kind=ChangeRiskKind.POOL_AT_MAX,
                pool=pools[0],
                message=f"{', '.join(pools)} has all {counted(nodes, 'node')} of {offer.name} that the stack "
                "file allows: what needs one more is refused",
            )


def _nodes(side: PlanSide) -> Mapping[str, int]:
    """Offer → nodes that hold servers."""
    nodes: dict[str, int] = {}
    for group in side.plan.placement.groups:
        name = shared_name(group.instance_type, group.share)
        nodes[name] = nodes.get(name, 0) + group.nodes
    return nodes


def _unknowns(base: PlanSide, head: PlanSide) -> Iterator[ChangeRisk]:
    before = {pool.name: pool.nodes for pool in base.pools}
    for pool in head.pools:
        if pool.nodes == before.get(pool.name, 0):
            continue
        if pool.price.price is None:
            yield ChangeRisk(
                kind=ChangeRiskKind.PRICE_UNKNOWN,
                pool=pool.name,
                message=f"{pool.name}: {pool.price.note}, so what the change costs is unknown",
            )
        if any(bar.usable is None for bar in pool.bars):
            yield ChangeRisk(
                kind=ChangeRiskKind.GPU_MEMORY_UNKNOWN,
                pool=pool.name,
                message=f"{pool.name}: {pool.usable_source}, so whether its models fit was not checked",
            )
