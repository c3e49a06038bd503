"""What asks for a place: a variant that shares a server, or a language model's server that has whole GPUs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

from model_catalog import Device
from planning.capacity.errors import PlanningError
from quantities import Bytes


@dataclass(frozen=True, kw_only=True)
class SharedDemand:
    """One variant that a TorchServe server loads beside others: all its running versions and workers together."""

    selector: str
    """Task/Model/lang."""
    owner: str
    device: Device
    gpu_memory: Bytes
    """On its one GPU; 0B on a CPU."""
    millicores: int
    memory: Bytes
    """On the host."""
    replicas: int
    """Servers with the same variants, on as many nodes. Only demands of equal replicas share a server."""
    compute_capability: tuple[int, int] = (0, 0)
    """At least."""
    keep_apart_from: frozenset[str] = frozenset()
    """Owners whose variants may not be in the same server. It holds both ways."""
    instance_type: str | None = None
    """Pinned there by a person."""
    max_models: int | None = None
    """Variants in its server, itself included, where it asks for fewer than the rules allow."""
    most_replicas: int | None = None
    """That its autoscaling may ask for. None: no more than `replicas`."""


@dataclass(frozen=True, kw_only=True)
class WholeDemand:
    """One language model's server, which shares the devices that it is given with nobody."""

    selector: str
    """Task/Model/lang@version."""
    owner: str
    gpus: int
    """Of one replica, all in one node: its tensor-parallel group."""
    gpu_memory: Bytes
    """On each of them, at least."""
    gpu_memory_by_type: Mapping[str, Bytes] = field(default_factory=lambda: MappingProxyType({}))
    """By `Offer.name`, on each GPU of an offer where that is another amount: engines choose batch sizes by the card."""
    millicores: int
    memory: Bytes
    """On the host."""
    replicas: int
    compute_capability: tuple[int, int] = (0, 0)
    """At least."""
    instance_type: str | None = None
    """Pinned there by a person."""
    most_replicas: int | None = None
    """That its autoscaling may ask for. None: no more than `replicas`."""
    memory_source: str = ""
    """What of `memory` was assumed, and how to replace it: a refusal names it."""
    bounded: bool = False
    """Whether arguments bound what it takes of a GPU, whoever else is there and started first: vLLM's do, TGI's do
    not. Only then may it have a time slice."""


Demand = SharedDemand | WholeDemand


def check_demands(demands: Iterable[Demand]) -> tuple[Demand, ...]:
    """The demands sorted by selector. Raises PlanningError for one that is there twice or makes no sense."""
    ordered = tuple(sorted(demands, key=lambda demand: demand.selector))
    for one, other in pairwise(ordered):
        if one.selector == other.selector:
            raise PlanningError(f"{one.selector} asks for a place twice; one demand holds all its versions")
    for demand in ordered:
        if demand.replicas < 1:
            raise PlanningError(f"{demand.selector} asks for {demand.replicas} replicas; the least is 1")
        if isinstance(demand, WholeDemand) and demand.gpus < 1:
            raise PlanningError(f"{demand.selector} asks for {demand.gpus} GPUs; the least is 1")
    return ordered
