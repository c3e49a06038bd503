"""Which groups of identical nodes an environment may have, and those that its placement fills."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from hardware import PRICES, InstanceType, PurchaseOption, instance_type
from planning.capacity import Prices, node_price
from planning.capacity.gpu_shares import GpuShare, gpu_nodes, shared_name
from planning.capacity.placement import NodeGroup, Offer, Placement, offer
from planning.capacity.pool_names import GPU_TAINT_KEY, POOL_LABEL, SHARE_LABEL, pool_name
from planning.node_settings import node_settings

NODE_DISK_GIB: Final = 100
"""Data volume of a node. EKS's default of 20 GiB does not hold a GPU image of several GB beside archives and what
TorchServe extracts from them. Chosen, not measured."""


@dataclass(frozen=True, kw_only=True)
class PoolSettings:
    """Nodes that an environment may have."""

    region: str
    """Whose prices decide."""
    gpu_nodes: Mapping[str, int]
    """Instance type with GPUs, and perhaps the share that its devices are (planning/capacity/gpu_shares.py) → the most
    nodes of it."""
    cpu_nodes: Mapping[str, int]
    """Instance type without GPUs → the most nodes of it."""
    system_instance_type: str
    system_nodes: int
    autoscaled: bool = False
    """Whether something in the cluster adds and removes nodes of serving pools."""
    purchase_option: PurchaseOption = PurchaseOption.ON_DEMAND
    """How the nodes of serving pools are paid for; those of the system are on demand."""


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
    share: GpuShare | None = None
    """What each GPU that its nodes offer is. None for whole ones."""
    purchase_option: PurchaseOption = PurchaseOption.ON_DEMAND

    @property
    def gpus_per_node(self) -> int:
        """What Kubernetes counts."""
        return self.instance_type.gpu_count * (self.share.devices if self.share else 1)

    @property
    def node_settings(self) -> str | None:
        """Bottlerocket's settings in TOML, beyond those that EKS gives. None where there are none."""
        gpu = self.instance_type.gpu
        return node_settings(gpu, self.share) if gpu and self.share else None


def make_offers(settings: PoolSettings, prices: Prices = PRICES) -> tuple[Offer, ...]:
    """What the placement may choose from, sorted by name.

    Prices are on demand, another region's where the region's own is unknown: only their order matters here. Raises
    UnknownInstanceTypeError, and PlanningError where there is no such share or the usable memory of a GPU is unknown.
    """
    kinds: list[tuple[str, GpuShare | None, int]] = [
        (name, None, most) for name, most in settings.cpu_nodes.items()
    ]
    for name, most in settings.gpu_nodes.items():
        nodes = gpu_nodes(name)
        kinds.append((nodes.instance_type.name, nodes.share, most))
    offers = (
        offer(name, price=_usd(name, settings.region, prices), max_nodes=most, share=share)
        for name, share, most in kinds
    )
    return tuple(sorted(offers, key=lambda found: found.name))


def _usd(type_name: str, region: str, prices: Prices) -> Decimal | None:
    price = node_price(type_name, region, prices).price
    return price.usd_per_hour if price else None


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
    allowed = {**settings.gpu_nodes, **settings.cpu_nodes}[shared_name(group.instance_type, group.share)]
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
        labels=((POOL_LABEL, group.name), *(((SHARE_LABEL, group.share.name),) if group.share else ())),
        taints=taints,
        share=group.share,
        purchase_option=settings.purchase_option,
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
