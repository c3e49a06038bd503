"""What a report holds. A GPU may hold several servers' versions, and several GPUs may look alike."""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from hardware import PurchaseOption
from model_catalog import Engine, Selector, WithoutEffect, declared_within
from planning.capacity.cost import Charge, Cost, NodePrice, Use, total_cost
from planning.capacity.memory import PartName
from planning.capacity.placement import Move
from planning.capacity.resources import Resources
from planning.routes import Route
from planning.spending import Spending
from planning.versions import VersionPlan
from quantities import Bytes


class Held(StrEnum):
    """Whether something stops a server at its part of a GPU's memory."""

    ENFORCED = "enforced"
    TRUSTED = "trusted"


@dataclass(frozen=True, kw_only=True)
class MemoryBound:
    """What keeps a version within its part of a GPU's memory."""

    held: Held
    by: str
    """What does or does not, in words."""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A part of one version's memory on one GPU."""

    server: str
    selector: Selector
    part: PartName
    memory: Bytes
    source: str
    """What the figure was made of, in words."""


@dataclass(frozen=True, kw_only=True)
class GpuBar:
    """One GPU, or one share of one, and how many more hold the same."""

    count: int
    usable: Bytes | None
    """What processes can allocate. None: nobody has read it, and there are no segments."""
    segments: tuple[Segment, ...]
    """By server, version and part; () on a spare GPU."""
    servers: tuple[str, ...]
    """Sorted; () on a spare GPU."""
    claimed: Bytes | None
    """What the servers hold once they run: TGI and vLLM fill the memory they were given with KV cache."""
    devices: int = 1
    """That Kubernetes counts on each: 1, or the slices of a GPU whose servers are all known."""
    share: str = ""
    """What the bar or each of its devices is, where that is no whole GPU."""

    @property
    def taken(self) -> Bytes:
        """All segments."""
        return Bytes(sum(segment.memory for segment in self.segments))

    @property
    def free(self) -> Bytes | None:
        """None where the usable memory is unknown."""
        return None if self.usable is None else Bytes(max(0, self.usable - self.taken))

    @property
    def parts(self) -> dict[PartName, Bytes]:
        """Sums over versions, in the order of PartName; those of nothing are left out."""
        sums = {
            name: Bytes(sum(segment.memory for segment in self.segments if segment.part is name))
            for name in PartName
        }
        return {name: memory for name, memory in sums.items() if memory}


@dataclass(frozen=True, kw_only=True)
class VersionReport:
    """One version in a server."""

    selector: Selector
    owner: str
    default: bool
    memory: Bytes | None
    """Of each of its GPUs. None on a CPU, and where the GPU's memory is unknown."""
    bound: MemoryBound | None
    """What keeps it within that. None on a CPU."""
    reason: str
    """Why it is on this server."""
    not_served: str = ""
    """Why its server leaves it out, and what mends that. Empty where it is served."""


@dataclass(frozen=True, kw_only=True)
class ServerReport:
    """One server."""

    name: str
    owners: tuple[str, ...]
    """Sorted."""
    engine: Engine
    engine_version: str
    replicas: int
    running: int
    """Replicas that have a pod: none of a language model that cannot be served."""
    resources: Resources
    """Of one replica."""
    startup_budget: timedelta
    versions: tuple[VersionReport, ...]
    cost: Cost


@dataclass(frozen=True, kw_only=True)
class PoolReport:
    """One pool."""

    name: str
    use: Use
    """SYSTEM or MODEL."""
    instance_type: str
    nodes: int
    max_nodes: int
    gpu: str | None
    """The card's model."""
    share: str
    """What each of `gpus` is, as in mig-3g.20gb. Empty for whole ones."""
    purchase_option: PurchaseOption
    gpus: int
    """Of all nodes, as Kubernetes counts them."""
    gpus_taken: int
    """Those that hold a server, shown or not."""
    usable_source: str
    """Where the GPUs' usable memory was read; empty where there is no GPU."""
    price: NodePrice
    cost: Cost
    servers: tuple[ServerReport, ...]
    bars: tuple[GpuBar, ...]
    """Whose counts, times their devices, add up to `gpus`, where all servers are shown."""

    @property
    def gpus_spare(self) -> int:
        """The others."""
        return self.gpus - self.gpus_taken


class RiskKind(StrEnum):
    """What a reader should know before merging."""

    NOT_SERVED = "not_served"
    OUTAGE_AT_ROLLOUT = "outage_at_rollout"
    SPOT_NODES = "spot_nodes"
    PRICE_STAND_IN = "price_stand_in"
    PRICE_UNKNOWN = "price_unknown"
    GPU_MEMORY_UNKNOWN = "gpu_memory_unknown"
    NODE_GROUP_QUOTA = "node_group_quota"


@dataclass(frozen=True, kw_only=True)
class Risk:
    """One of them."""

    kind: RiskKind
    pool: str = ""
    """Empty where it is the whole environment's."""
    server: str = ""
    """Empty where it is the whole pool's."""
    message: str


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """The environment's cost if GPUs were used in another way; pools without GPUs stay as they are."""

    name: str
    gpu_nodes: int
    gpus: int
    """Those that hold a model."""
    cost: Cost


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that is to be said of a plan. Equal for equal input."""

    environment: str
    region: str
    pools: tuple[PoolReport, ...]
    charges: tuple[Charge, ...]
    """Which add up to what the pools cost."""
    planned: Alternative
    alternatives: tuple[Alternative, ...]
    """() where no server has a GPU."""
    versions: tuple[VersionPlan, ...]
    """The plan's."""
    routes: tuple[Route, ...]
    """The plan's."""
    risks: tuple[Risk, ...]
    spending: Spending | None
    """None where nobody has decided on a budget."""
    moves: tuple[Move, ...]
    """What is not where the committed lock has it. Sorted."""
    stale: bool
    """Whether the committed lock says something else, or says nothing of some."""
    selector: Selector | None = None
    """What alone is shown."""
    without_effect: tuple[WithoutEffect, ...] = ()
    """The keys that the shown versions declare and nothing acts on yet."""

    @property
    def total(self) -> Cost:
        """Of the shown."""
        return total_cost(one.cost for one in self.charges)

    def only(self, selector: Selector) -> "Report":
        """The servers that hold a matching version, their pools and GPUs, and the cost of the matching versions.

        `planned` stays the whole environment's.
        """
        charges = tuple(one for one in self.charges if one.selector and selector.matches(one.selector))
        names = {one.server for one in charges}
        pools = tuple(
            replace(
                pool,
                servers=tuple(server for server in pool.servers if server.name in names),
                bars=tuple(bar for bar in pool.bars if names & set(bar.servers)),
            )
            for pool in self.pools
            if any(server.name in names for server in pool.servers)
        )
        kept = {pool.name for pool in pools}
        versions = tuple(version for version in self.versions if selector.matches(version.selector))
        variants = {version.selector.variant for version in versions}
        risks = tuple(
            risk for risk in self.risks if risk.server in names or (not risk.server and risk.pool in kept)
        )
        return replace(
            self,
            pools=pools,
            charges=charges,
            risks=risks,
            selector=selector,
            alternatives=(),
            without_effect=declared_within(self.without_effect, selector),
            versions=versions,
            routes=tuple(route for route in self.routes if route.variant in variants),
        )
