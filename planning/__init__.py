"""Decisions made from the catalog: pure functions from entries and releases to frozen plans."""

from planning.capacity.errors import PlanningError
from planning.capacity.gpu_shares import (
    GpuNodes,
    GpuShare,
    GpuShareError,
    MigInstances,
    TimeSlices,
    gpu_nodes,
)
from planning.capacity.pool_names import GPU_TAINT_KEY, POOL_LABEL, SHARE_LABEL, pool_name
from planning.capacity.resources import AGENT_RESOURCES, Resources
from planning.demands import demand_names
from planning.network import NatGateways
from planning.node_group_quotas import too_many_groups
from planning.plan import Plan, make_plan, make_repacked_plan
from planning.pools import NODE_DISK_GIB, PoolPlan, PoolSettings, Taint
from planning.server import DRAIN, ModelPlan, ServerPlan
from planning.servers import Server
from planning.text_generation_servers import TextGenerationPlan, WeightsFolder
from planning.torchserve_servers import TorchServeModelPlan, TorchServePlan

__all__ = [
    "AGENT_RESOURCES",
    "DRAIN",
    "GPU_TAINT_KEY",
    "GpuNodes",
    "GpuShare",
    "GpuShareError",
    "MigInstances",
    "ModelPlan",
    "NODE_DISK_GIB",
    "NatGateways",
    "POOL_LABEL",
    "Plan",
    "PlanningError",
    "PoolPlan",
    "PoolSettings",
    "Resources",
    "SHARE_LABEL",
    "Server",
    "ServerPlan",
    "Taint",
    "TextGenerationPlan",
    "TimeSlices",
    "TorchServeModelPlan",
    "TorchServePlan",
    "WeightsFolder",
    "demand_names",
    "gpu_nodes",
    "make_plan",
    "make_repacked_plan",
    "pool_name",
    "too_many_groups",
]
