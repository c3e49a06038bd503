"""Quotas of EKS on managed node groups: what a plan may not exceed, and what somebody has to ask AWS for first.

Both are defaults that AWS raises on request; nobody here can know whether it did. A larger group is refused all the
same: its nodes fit into another group, while a cluster has no way around its number of groups.
"""

from collections.abc import Sequence
from typing import Final

from planning.capacity.errors import PlanningError
from planning.pools import PoolPlan

QUOTAS_PAGE: Final = "https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html"
"""Read 2026-11-29."""
NODES_A_GROUP: Final = 450
"""Nodes of a managed node group, at most (QUOTAS_PAGE)."""
GROUPS_A_CLUSTER: Final = 30
"""Managed node groups of a cluster, by default (QUOTAS_PAGE)."""


def refuse_large_groups(pools: Sequence[PoolPlan]) -> None:
    """Raise PlanningError where a pool may have more nodes than a node group takes; the message names all of them."""
    large = [pool for pool in pools if pool.max_nodes > NODES_A_GROUP]
    if not large:
        return
    found = ", ".join(f"{pool.name} {pool.max_nodes}" for pool in large)
    raise PlanningError(
        f"a managed node group of EKS has at most {NODES_A_GROUP} nodes ({QUOTAS_PAGE}), and these pools may have "
        f"more: {found}. Lower slipway:gpuNodes or slipway:cpuNodes of their instance type to {NODES_A_GROUP}, or "
        f"slipway:systemNodes to {NODES_A_GROUP - 1}, and allow a second instance type for the rest"
    )


def too_many_groups(pools: Sequence[PoolPlan]) -> str:
    """Return what to do before `up` where a cluster takes the groups only with a raised quota; empty where it does."""
    if len(pools) <= GROUPS_A_CLUSTER:
        return ""
    return (
        f"the plan has {len(pools)} node groups, and EKS takes {GROUPS_A_CLUSTER} a cluster unless AWS raised the "
        f"quota ({QUOTAS_PAGE}): ask for it before `pulumi up`, or allow fewer instance types. A group that is "
        "replaced counts twice meanwhile"
    )
