"""Which machines an environment may have, and what they cost beside each other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final

from hardware import INSTANCE_TYPES, InstanceType, instance_type
from planning.capacity.errors import PlanningError
from planning.capacity.gpu_shares import GpuShare, shared_name
from planning.capacity.granted_memory import granted_memory
from planning.capacity.pool_names import pool_name
from planning.capacity.resources import node_resources
from quantities import Bytes

_STEPS_PER_DOLLAR: Final = 10**9
"""Decisions compare whole numbers. AWS prices have at most ten decimals, machines at most six."""
_STAND_IN_STEP: Final = 10**9
"""More than any plan has of the lesser quantity, so that the greater one decides alone."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One kind of node that the environment may use: an instance type, and what its GPUs are divided into."""

    instance_type: str
    gpus: int
    """What Kubernetes counts: whole GPUs, or all shares of all of them. 0 for a CPU machine."""
    gpu_memory: Bytes
    """What one server may take of each of them."""
    compute_capability: tuple[int, int]
    millicores: int
    """What pods can request on one node."""
    memory: Bytes
    """What pods can request on one node."""
    price: Decimal | None
    """US dollars an hour; None where nobody has read it."""
    max_nodes: int
    """Of this type, in all its pools."""
    share: GpuShare | None = None
    """What each of `gpus` is. None for a whole GPU."""

    @property
    def name(self) -> str:
        """As the settings write it: g5.xlarge, or g5.xlarge/time-sliced-2. No two offers have one name."""
        return shared_name(self.instance_type, self.share)

    @property
    def pool(self) -> str:
        """The pool of its nodes; packed nodes add a number (docs/placement.md)."""
        return pool_name("gpu" if self.gpus else "cpu", self.name)


def offer(type_name: str, *, price: Decimal | None, max_nodes: int, share: GpuShare | None = None) -> Offer:
    """What a type offers by the hardware tables.

    Raises UnknownInstanceTypeError, and PlanningError where the usable memory of its GPU is unknown.
    """
    kind = instance_type(type_name)
    made = _offer(kind, price, max_nodes, share)
    if made is None:
        raise PlanningError(
            f"nobody has read how much memory of {shared_name(kind.name, share)}'s GPU can be used, so nothing can be "
            "placed there; offer another type, or write the reading in hardware/gpus.py (docs/hardware.md)"
        )
    return made


def _offer(
    kind: InstanceType, price: Decimal | None, max_nodes: int, share: GpuShare | None = None
) -> Offer | None:
    usable = granted_memory(kind, share) if kind.gpu else Bytes(0)
    if usable is None:
        return None
    node = node_resources(kind)
    return Offer(
        instance_type=kind.name,
        gpus=kind.gpu_count * (share.devices if share else 1),
        gpu_memory=usable,
        compute_capability=kind.gpu.compute_capability if kind.gpu else (0, 0),
        millicores=node.millicores,
        memory=node.memory,
        price=price,
        max_nodes=max_nodes,
        share=share,
    )


def known_offers() -> tuple[Offer, ...]:
    """Every type of the hardware tables that something could be placed on, without prices: what errors suggest."""
    made = (_offer(kind, None, 1) for kind in INSTANCE_TYPES.values())
    return tuple(found for found in made if found is not None)


def check_offers(offers: Iterable[Offer]) -> tuple[Offer, ...]:
    """The offers sorted by name. Raises PlanningError for one that is there twice."""
    ordered = tuple(sorted(offers, key=lambda found: found.name))
    for one, other in pairwise(ordered):
        if one.name == other.name:
            raise PlanningError(f"{one.name} is offered twice; keep one of them")
    return ordered


def node_costs(offers: Sequence[Offer]) -> tuple[int, ...]:
    """What a node of each offer costs, in whole steps that compare and add up.

    Steps are billionths of a dollar an hour. Where one price is unknown they are not dollars at all: the machine with
    less GPU memory counts as cheaper, then the one with fewer CPUs, then the one with less memory.
    """
    prices = [found.price for found in offers if found.price is not None]
    if len(prices) == len(offers):
        return tuple(max(1, int(price * _STEPS_PER_DOLLAR)) for price in prices)
    return tuple(_stand_in(found) for found in offers)


def _stand_in(found: Offer) -> int:
    gpu_memory = found.gpus * found.gpu_memory // Bytes.mebibytes(1)
    memory = found.memory // Bytes.mebibytes(1)
    return (gpu_memory * _STAND_IN_STEP + found.millicores) * _STAND_IN_STEP + memory
