"""From a plan to its report."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from hardware import PRICES, PurchaseOption
from hardware.gpu import DRIVER_RESERVE, MIG_RESERVE
from model_catalog import TorchServeVersion, Version
from planning.capacity.cost import (
    Charge,
    Cost,
    Prices,
    Tenant,
    Use,
    charge,
    node_price,
    node_share,
    total_cost,
)
from planning.capacity.gpu_shares import MigInstances
from planning.capacity.placement import one_model_a_gpu
from planning.capacity.resources import llm_resources, node_resources, torchserve_resources
from planning.node_group_quotas import too_many_groups
from planning.plan import Plan
from planning.pools import PoolPlan
from planning.report.bars import gpu_bars, server_estimates, server_versions
from planning.report.bounds import memory_bound
from planning.report.content import (
    Alternative,
    PoolReport,
    Report,
    Risk,
    RiskKind,
    ServerReport,
    VersionReport,
)
from planning.servers import Server
from planning.spending import Spending, pools_cost
from quantities import format_duration

PLANNED: Final = "as planned"
MODELS_APART: Final = "one model a GPU, at least"


def make_report(plan: Plan, region: str, prices: Prices = PRICES) -> Report:
    """Everything about the plan, with the prices of the region."""
    pools, charges = report_pools(plan, region, prices)
    planned = Alternative(
        name=PLANNED,
        gpu_nodes=sum(pool.nodes for pool in pools if pool.gpus),
        gpus=sum(pool.gpus_taken for pool in pools),
        cost=total_cost(pool.cost for pool in pools),
    )
    return Report(
        environment=plan.environment.value,
        region=region,
        pools=pools,
        charges=charges,
        planned=planned,
        alternatives=tuple(_alternatives(plan, pools, region, prices)),
        versions=plan.versions,
        routes=plan.routes,
        risks=(*_quota_risks(plan), *(risk for pool in pools for risk in _risks(pool))),
        spending=_spending(plan, region, prices),
        moves=plan.placement.moves,
        stale=plan.stale,
        without_effect=plan.without_effect,
    )


def _spending(plan: Plan, region: str, prices: Prices) -> Spending | None:
    if plan.budget is None:
        return None
    return Spending(cost=pools_cost(plan.pools, region, prices), budget=plan.budget)


def report_pools(
    plan: Plan, region: str, prices: Prices = PRICES
) -> tuple[tuple[PoolReport, ...], tuple[Charge, ...]]:
    """What is on the plan's pools and what that costs, without asking how else it could have been placed."""
    reasons = {found.selector: found.reason for found in plan.placement.assignments}
    reports = [_pool(pool, _placed(plan.servers, pool), region, prices, reasons) for pool in plan.pools]
    return tuple(pool for pool, _ in reports), tuple(one for _, charges in reports for one in charges)


def _placed(servers: Iterable[Server], pool: PoolPlan) -> tuple[Server, ...]:
    return tuple(server for server in servers if server.pool == pool.name)


def _pool(
    pool: PoolPlan, servers: Sequence[Server], region: str, prices: Prices, reasons: Mapping[str, str]
) -> tuple[PoolReport, tuple[Charge, ...]]:
    kind = pool.instance_type
    price = node_price(kind.name, region, prices, pool.purchase_option)
    # The system pool is the one that is there whatever is served.
    use = Use.MODEL if servers else Use.SYSTEM
    tenants = [tenant for server in servers for tenant in _tenants(server, pool)]
    charges = charge(pool.name, pool.desired_nodes, price, tenants, rest=Use.IDLE if servers else Use.SYSTEM)
    gpus = pool.desired_nodes * pool.gpus_per_node
    bars = tuple(gpu_bars(servers, pool))
    report = PoolReport(
        name=pool.name,
        use=use,
        instance_type=kind.name,
        nodes=pool.desired_nodes,
        max_nodes=pool.max_nodes,
        gpu=kind.gpu.model if kind.gpu else None,
        share=pool.share.name if pool.share else "",
        purchase_option=pool.purchase_option,
        gpus=gpus,
        gpus_taken=sum(server.replicas * server.resources.gpus for server in servers),
        usable_source=_usable_source(pool),
        price=price,
        cost=price.times(pool.desired_nodes),
        servers=tuple(
            _server(server, pool, [one.cost for one in charges if one.server == server.name], reasons)
            for server in servers
        ),
        bars=bars,
    )
    return report, charges


def _tenants(server: Server, pool: PoolPlan) -> Iterator[Tenant]:
    """The server's part of the nodes, divided among its versions by what each needs."""
    owners = {model.selector: model.owner for model in server.models}
    node = replace(node_resources(pool.instance_type), gpus=pool.gpus_per_node)
    nodes = node_share(server.resources, node) * server.replicas
    needs = [(selector, int(found.total)) for selector, found in server_estimates(server, pool)] or [
        (selector, _host_memory(version)) for selector, version in server_versions(server)
    ]
    whole = sum(need for _, need in needs)
    for selector, need in needs:
        yield Tenant(
            server=server.name, owner=owners[selector], selector=selector, nodes=nodes * Fraction(need, whole)
        )


def _host_memory(version: Version) -> int:
    """What a server of this version alone would request."""
    if isinstance(version, TorchServeVersion):
        return int(torchserve_resources((version,), gpus=0).memory)
    return int(llm_resources(version).memory)


def _server(
    server: Server, pool: PoolPlan, costs: Iterable[Cost], reasons: Mapping[str, str]
) -> ServerReport:
    needs = {selector: found.total for selector, found in server_estimates(server, pool)}
    return ServerReport(
        name=server.name,
        owners=server.owners,
        engine=server.engine,
        engine_version=server.engine_version,
        replicas=server.replicas,
        running=server.running_replicas,
        resources=server.resources,
        startup_budget=server.startup_budget,
        versions=tuple(
            VersionReport(
                selector=model.selector,
                owner=model.owner,
                default=model.default,
                memory=needs.get(model.selector),
                bound=memory_bound(server, model, pool.instance_type, pool.share),
                reason=reasons.get(str(model.selector.variant)) or reasons[str(model.selector)],
                not_served=model.not_served,
            )
            for model in server.models
        ),
        cost=total_cost(costs),
    )


def _usable_source(pool: PoolPlan) -> str:
    gpu = pool.instance_type.gpu
    if gpu is None:
        return ""
    if isinstance(pool.share, MigInstances):
        return f"{pool.share.profile.memory} by nvidia-smi ({gpu.mig_source}), less {MIG_RESERVE} that it may keep"
    if gpu.driver_total is None:
        return f"nobody has read how much memory of a {gpu.model} the driver reports"
    total_read = gpu.driver_total
    return f"{total_read.memory} by the driver ({total_read.source}), less {DRIVER_RESERVE} that it may keep"


def _alternatives(
    plan: Plan, pools: Sequence[PoolReport], region: str, prices: Prices
) -> Iterator[Alternative]:
    """No two models on one GPU, on as many nodes as that takes at least."""
    if not any(pool.gpus for pool in pools):
        return
    apart = one_model_a_gpu(plan.demands, plan.offers)
    others = total_cost(pool.cost for pool in pools if not pool.gpus)
    costs = (node_price(found.instance_type, region, prices).times(found.nodes) for found in apart)
    yield Alternative(
        name=MODELS_APART,
        gpu_nodes=sum(found.nodes for found in apart),
        gpus=sum(found.gpus for found in apart),
        cost=total_cost((others, *costs)),
    )


def _quota_risks(plan: Plan) -> Iterator[Risk]:
    if said := too_many_groups(plan.pools):
        yield Risk(kind=RiskKind.NODE_GROUP_QUOTA, message=said)


def _risks(pool: PoolReport) -> Iterator[Risk]:
    if pool.nodes and pool.price.note:
        kind = RiskKind.PRICE_STAND_IN if pool.price.stand_in else RiskKind.PRICE_UNKNOWN
        yield Risk(kind=kind, pool=pool.name, message=f"{pool.name} is counted with {pool.price.note}")
    if any(bar.usable is None for bar in pool.bars):
        yield Risk(
            kind=RiskKind.GPU_MEMORY_UNKNOWN,
            pool=pool.name,
            message=f"{pool.name}: {pool.usable_source}, so whether its models fit was not checked",
        )
    if pool.purchase_option is PurchaseOption.SPOT:
        yield Risk(
            kind=RiskKind.SPOT_NODES,
            pool=pool.name,
            message=f"{pool.name} has spot nodes: AWS may take each of them with two minutes' notice",
        )
    for server in pool.servers:
        if found := [version for version in server.versions if version.not_served]:
            yield Risk(
                kind=RiskKind.NOT_SERVED,
                pool=pool.name,
                server=server.name,
                message=_not_served(server, found),
            )
        if server.running == 1:
            yield Risk(
                kind=RiskKind.OUTAGE_AT_ROLLOUT,
                pool=pool.name,
                server=server.name,
                message=_outage(server, pool),
            )


def _not_served(server: ServerReport, found: Sequence[VersionReport]) -> str:
    """The first of them; `slipway show` has the others."""
    rest = f"; `slipway show --server {server.name}` says it of {len(found) - 1} more" if found[1:] else ""
    return (
        f"{server.name} serves {len(server.versions) - len(found)} of its {len(server.versions)} versions. "
        f"{found[0].selector} is {found[0].not_served}{rest}"
    )


def _outage(server: ServerReport, pool: PoolReport) -> str:
    """Deployments have max_surge 0: a pod goes before its successor starts (planning/workload/manifests.py)."""
    spare = (
        ", and no GPU is spare to start a second one first" if server.resources.gpus > pool.gpus_spare else ""
    )
    return (
        f"{server.name} has one replica{spare}: a rollout stops it, and it is away until its successor has loaded, "
        f"for up to {format_duration(server.startup_budget)} after its image is there"
    )
