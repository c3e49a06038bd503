"""Which groups of identical nodes an environment needs, and how many nodes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hardware import InstanceType, instance_type
from planning.errors import PlanningError
from planning.gpu_memory import require_gpu_memory
from planning.resources import Resources, node_resources
from planning.servers import Server
from planning.text_generation_servers import TextGenerationPlan

POOL_LABEL: Final = "slipway.dev/pool"
GPU_TAINT_KEY: Final = "nvidia.com/gpu"


@dataclass(frozen=True, kw_only=True)
class PoolSettings:
    """Nodes that an environment may have."""

    gpu_instance_type: str
    gpu_max_nodes: int
    cpu_instance_type: str
    cpu_max_nodes: int
    system_instance_type: str
    system_nodes: int


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
    max_nodes: int
    labels: tuple[tuple[str, str], ...]
    taints: tuple[Taint, ...]


def pool_name(role: str, instance_type_name: str) -> str:
    """("gpu", "g4dn.xlarge") → "gpu-g4dn-xlarge".

    Another instance type is another pool, since EKS cannot change the type of a node group: the new one is
    there before the old one goes.
    """
    return f"{role}-{instance_type_name.replace('.', '-')}"


def plan_pools(servers: Iterable[Server], settings: PoolSettings) -> tuple[PoolPlan, ...]:
    """Pools sorted by name: the system pool always, the others where a server needs them.

    The system pool carries no taint: cluster DNS and other add-ons must run somewhere, and no GPU node takes
    them. Raises PlanningError when a server fits no node, or the servers need more nodes than allowed.
    """
    by_pool: dict[str, list[Server]] = {}
    for server in servers:
        by_pool.setdefault(server.pool, []).append(server)
    pools = [_system_pool(settings)]
    for role, type_name, max_nodes, key in (
        ("cpu", settings.cpu_instance_type, settings.cpu_max_nodes, "cpuMaxNodes"),
        ("gpu", settings.gpu_instance_type, settings.gpu_max_nodes, "gpuMaxNodes"),
    ):
        placed = by_pool.get(pool_name(role, type_name))
        if placed:
            pools.append(_serving_pool(role, instance_type(type_name), max_nodes, key, placed))
    return tuple(sorted(pools, key=lambda pool: pool.name))


def _serving_pool(role: str, kind: InstanceType, max_nodes: int, key: str, servers: list[Server]) -> PoolPlan:
    name = pool_name(role, kind.name)
    needed = _nodes_needed(kind, servers)
    if needed > max_nodes:
        raise PlanningError(
            f"pool {name}: the servers need {needed} nodes of {kind.name}, {needed - max_nodes} more than "
            f"slipway:{key} allows ({max_nodes}); raise it, or choose a larger instance type"
        )
    taints = (Taint(key=GPU_TAINT_KEY, value="present", effect="NO_SCHEDULE"),) if kind.gpu else ()
    return PoolPlan(
        name=name,
        instance_type=kind,
        min_nodes=0,
        desired_nodes=needed,
        max_nodes=max_nodes,
        labels=((POOL_LABEL, name),),
        taints=taints,
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
        labels=((POOL_LABEL, name),),
        taints=(),
    )


def _nodes_needed(kind: InstanceType, servers: list[Server]) -> int:
    """First fit, largest first. Deterministic; the real scheduler may need no more nodes than this."""
    for server in servers:
        _require_capable_gpu(kind, server)
        require_gpu_memory(kind, server)
    empty = node_resources(kind)
    nodes: list[Resources] = []
    for server in sorted(servers, key=lambda s: (-s.resources.gpus, -s.resources.memory, s.name)):
        if not server.resources.fits(empty):
            raise PlanningError(
                f"server {server.name} needs {server.resources}; an empty {kind.name} has {empty}: choose a "
                "larger instance type, or lower max_workers or memory of its versions"
            )
        for _ in range(server.replicas):
            index = next((i for i, room in enumerate(nodes) if server.resources.fits(room)), len(nodes))
            if index == len(nodes):
                nodes.append(empty)
            nodes[index] -= server.resources
    return len(nodes)


def _require_capable_gpu(kind: InstanceType, server: Server) -> None:
    """A pod with the wrong GPU would be scheduled, load its model and then fail."""
    if not isinstance(server, TextGenerationPlan) or kind.gpu is None:
        return
    needed, has = server.compute_capability, kind.gpu.compute_capability
    if has < needed:
        raise PlanningError(
            f"server {server.name} needs a GPU of compute capability {needed[0]}.{needed[1]} for its serving options, "
            f"and the {kind.gpu.model} of {kind.name} has {has[0]}.{has[1]}: choose another quantization, "
            "precision or kv_cache_dtype, or another slipway:gpuInstanceType"
        )
