"""Decisions made from the catalog: pure functions from entries and releases to frozen plans."""

from planning.errors import PlanningError
from planning.network import NatGateways
from planning.plan import Plan, make_plan
from planning.pools import GPU_TAINT_KEY, POOL_LABEL, PoolPlan, PoolSettings, Taint
from planning.resources import Resources
from planning.servers import ModelPlan, ServerPlan

__all__ = [
    "GPU_TAINT_KEY",
    "ModelPlan",
    "NatGateways",
    "POOL_LABEL",
    "Plan",
    "PlanningError",
    "PoolPlan",
    "PoolSettings",
    "Resources",
    "ServerPlan",
    "Taint",
    "make_plan",
]
