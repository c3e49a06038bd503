"""Decisions made from the catalog: pure functions from entries and releases to frozen plans."""

from planning.errors import PlanningError
from planning.launch import Launch, launch
from planning.network import NatGateways
from planning.plan import Plan, make_plan
from planning.pools import GPU_TAINT_KEY, POOL_LABEL, PoolPlan, PoolSettings, Taint, pool_name
from planning.resources import Resources
from planning.server import ModelPlan, ServerPlan
from planning.servers import Server
from planning.text_generation_servers import TextGenerationPlan
from planning.torchserve_servers import TorchServeModelPlan, TorchServePlan

__all__ = [
    "GPU_TAINT_KEY",
    "Launch",
    "ModelPlan",
    "NatGateways",
    "POOL_LABEL",
    "Plan",
    "PlanningError",
    "PoolPlan",
    "PoolSettings",
    "Resources",
    "Server",
    "ServerPlan",
    "Taint",
    "TextGenerationPlan",
    "TorchServeModelPlan",
    "TorchServePlan",
    "launch",
    "make_plan",
    "pool_name",
]
