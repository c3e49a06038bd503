"""Which models share which GPU, on which nodes, and what stays where it is (docs/placement.md)."""

from planning.capacity.placement.apart import FilledNodes, one_model_a_gpu
from planning.capacity.placement.demands import Demand, SharedDemand, WholeDemand
from planning.capacity.placement.lock import HEADER, LOCK_RULE, Lock, Place, format_lock, parse_lock
from planning.capacity.placement.offers import Offer, known_offers, offer
from planning.capacity.placement.placement import (
    Assignment,
    Comparison,
    Move,
    NodeGroup,
    Placement,
    SharedServer,
    WholeServer,
    compare,
    is_stale,
)
from planning.capacity.placement.planner import plan_placement, repack
from planning.capacity.placement.rules import PlacementRules

__all__ = [
    "Assignment",
    "Comparison",
    "Demand",
    "FilledNodes",
    "HEADER",
    "LOCK_RULE",
    "Lock",
    "Move",
    "NodeGroup",
    "Offer",
    "Place",
    "Placement",
    "PlacementRules",
    "SharedDemand",
    "SharedServer",
    "WholeDemand",
    "WholeServer",
    "compare",
    "format_lock",
    "is_stale",
    "known_offers",
    "offer",
    "one_model_a_gpu",
    "parse_lock",
    "plan_placement",
    "repack",
]
