"""A placement: which server is where, which pools that takes, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from model_catalog import Device
from planning.capacity.gpu_shares import GpuShare, shared_name
from planning.capacity.placement.lock import Lock, Place
from quantities import Bytes


@dataclass(frozen=True, kw_only=True)
class SharedServer:
    """A TorchServe server. Each replica has one GPU, or a CPU node, to itself."""

    place: Place
    device: Device
    instance_type: str
    replicas: int
    variants: tuple[str, ...]
    """Sorted selectors."""
    gpu_memory: Bytes
    """That its models take of the GPU."""
    gpu_memory_left: Bytes
    millicores: int
    """What one replica requests, the server's own included."""
    memory: Bytes
    """Likewise on the host."""
    share: GpuShare | None = None
    """What its GPU is. None for a whole one, and on a CPU."""


@dataclass(frozen=True, kw_only=True)
class WholeServer:
    """A language model's server."""

    selector: str
    place: Place
    instance_type: str
    gpus: int
    """Of one replica."""
    replicas: int
    share: GpuShare | None = None
    """What its one GPU is. None for whole ones."""


@dataclass(frozen=True, kw_only=True)
class NodeGroup:
    """Identical nodes: one pool."""

    name: str
    instance_type: str
    nodes: int
    """What the placement fills."""
    min_nodes: int
    """Replicas are the fewest that may run, and so are their nodes."""
    max_nodes: int
    """With what an autoscaler may add: a quarter, or as many as autoscaled models may ask for."""
    gpus: int
    """In all its nodes."""
    price: Decimal | None
    """US dollars an hour for `nodes`; None where the type's price is unknown."""
    share: GpuShare | None = None
    """What each of `gpus` is. None for a whole GPU."""


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """One demand's place, and why there."""

    selector: str
    place: Place
    reason: str


@dataclass(frozen=True, kw_only=True)
class Move:
    """A demand that was elsewhere before."""

    selector: str
    before: Place
    after: Place
    reason: str


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The whole decision. Equal for equal input; each tuple is sorted by name or selector."""

    shared: tuple[SharedServer, ...]
    whole: tuple[WholeServer, ...]
    groups: tuple[NodeGroup, ...]
    assignments: tuple[Assignment, ...]
    moves: tuple[Move, ...]
    """What is not where the lock had it."""

    @property
    def lock(self) -> Lock:
        """What to commit."""
        return Lock(places=self.places)

    @property
    def places(self) -> Mapping[str, Place]:
        """By selector."""
        return MappingProxyType({found.selector: found.place for found in self.assignments})

    @property
    def price(self) -> Decimal | None:
        """US dollars an hour; None where a price that is needed is unknown."""
        prices = [group.price for group in self.groups]
        return (
            sum((price for price in prices if price is not None), Decimal(0)) if None not in prices else None
        )

    @property
    def gpus(self) -> int:
        """In all nodes."""
        return sum(group.gpus for group in self.groups)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What going from one placement to another changes."""

    moved: tuple[Move, ...]
    added: tuple[str, ...]
    """Selectors."""
    removed: tuple[str, ...]
    price: Decimal | None
    """US dollars an hour more; negative for a saving. None where a price is unknown."""
    gpus: int
    """More."""
    nodes: Mapping[str, int]
    """Instance type → more nodes; those that do not change are left out."""


def compare(old: Placement, new: Placement) -> Comparison:
    """Moves with their reasons in the new placement, and the difference in cost."""
    before, after = old.places, new.places
    reasons = {found.selector: found.reason for found in new.assignments}
    return Comparison(
        moved=tuple(
            Move(selector=name, before=before[name], after=after[name], reason=reasons[name])
            for name in sorted(before.keys() & after.keys())
            if before[name] != after[name]
        ),
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        price=None if old.price is None or new.price is None else new.price - old.price,
        gpus=new.gpus - old.gpus,
        nodes=MappingProxyType(_more_nodes(old, new)),
    )


def _more_nodes(old: Placement, new: Placement) -> dict[str, int]:
    counts: dict[str, int] = {}
    for placement, sign in ((new, 1), (old, -1)):
        for group in placement.groups:
            name = shared_name(group.instance_type, group.share)
            counts[name] = counts.get(name, 0) + sign * group.nodes
    return {name: number for name, number in sorted(counts.items()) if number}


def is_stale(lock: Lock, placement: Placement) -> bool:
    """Whether the committed lock says something else than the placement."""
    return dict(lock.places) != dict(placement.places)
