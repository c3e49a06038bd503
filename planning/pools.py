"""Which groups of identical nodes an environment may have, and those that its placement fills."""

from collections.abc import Mapping
from dataclasses import dataclass

from hardware import PRICES, InstanceType, instance_type
from planning.capacity import Prices, node_price
from planning.capacity.placement import NodeGroup, Offer, Placement, offer
from planning.pool_names import GPU_TAINT_KEY, POOL_LABEL, pool_name


@dataclass(frozen=True, kw_only=True)
class PoolSettings:
    """Nodes that an environment may have."""

    region: str
    """Whose prices decide."""
    gpu_nodes: Mapping[str, int]
    """Instance type with GPUs → the most nodes of it."""
    cpu_nodes: Mapping[str, int]
    """Instance type without GPUs → the most nodes of it."""
    system_instance_type: str
    system_nodes: int
    autoscaled: bool = False
    """Whether something in the cluster adds and removes nodes of serving pools."""


@dataclass(frozen=True, kw_only=True)
class Taint:
    """Keeps pods without the matching toleration away."""

    key: str
    value: str
    effect: str
    """As EKS spells it: NO_SCHEDULE."""


@dataclass(frozen=True, kw_only=True)
class PoolPlan:
    """One group of identical nodes."""

    name: str
    instance_type: InstanceType
    min_nodes: int
    desired_nodes: int
    """What the placement fills."""
    max_nodes: int
    """Within what the settings allow; all of it, for each pool of the type, where an autoscaler owns the number."""
    autoscaled: bool
    """Whether an autoscaler owns the number of nodes once the pool exists."""
    labels: tuple[tuple[str, str], ...]
    taints: tuple[Taint, ...]


def make_offers(settings: PoolSettings, prices: Prices = PRICES) -> tuple[Offer, ...]:
    """What the placement may choose from, sorted by instance type.

    Prices are on demand, another region's where the region's own is unknown: only their order matters here. Raises
    UnknownInstanceTypeError, and PlanningError where the usable memory of a GPU is unknown.
    """
    nodes = {**settings.gpu_nodes, **settings.cpu_nodes}
    found = ((name, node_price(name, settings.region, prices).price) for name in sorted(nodes))
    return tuple(
        offer(name, price=price.usd_per_hour if price else None, max_nodes=nodes[name])
        for name, price in found
    )


def plan_pools(placement: Placement, settings: PoolSettings) -> tuple[PoolPlan, ...]:
    """Pools sorted by name: the system pool always, the others as the placement fills them.

    The system pool carries no taint: cluster DNS and other add-ons must run somewhere, and no GPU node takes
    them.
    """
    pools = [
        _system_pool(settings),
        *(_serving_pool(group, settings) for group in placement.groups),
    ]
    return tuple(sorted(pools, key=lambda pool: pool.name))


def _serving_pool(group: NodeGroup, settings: PoolSettings) -> PoolPlan:
    kind = instance_type(group.instance_type)
    allowed = {**settings.gpu_nodes, **settings.cpu_nodes}[group.instance_type]
    taints = (Taint(key=GPU_TAINT_KEY, value="present", effect="NO_SCHEDULE"),) if kind.gpu else ()
    return PoolPlan(
        name=group.name,
        instance_type=kind,
        # Nodes that pods need are held by the pods. A minimum above what an autoscaler left is an error of EKS.
        min_nodes=0,
        desired_nodes=group.nodes,
        # EKS refuses a maximum below the nodes that an autoscaler has made of it, and the plan's falls with its models.
        max_nodes=allowed if settings.autoscaled else group.max_nodes,
        autoscaled=settings.autoscaled,
        labels=((POOL_LABEL, group.name),),
        taints=taints,
    )


def _system_pool(settings: PoolSettings) -> PoolPlan:
    kind = instance_type(settings.system_instance_type)
    name = pool_name("system", kind.name)
    return PoolPlan(
        name=name,
        instance_type=kind,
        min_nodes=settings.system_nodes,
        desired_nodes=settings.system_nodes,
        # One more than desired lets EKS bring a new node before it drains an old one.
        max_nodes=settings.system_nodes + 1,
        autoscaled=False,
        labels=((POOL_LABEL, name),),
        taints=(),
    )
