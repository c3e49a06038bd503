"""The whole decision for one environment, as plain data."""

from dataclasses import dataclass

from hardware import UnknownInstanceTypeError
from model_catalog import Catalog, Device, Environment
from planning.errors import PlanningError
from planning.pools import PoolPlan, PoolSettings, plan_pools, pool_name
from planning.servers import Server, plan_servers


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an environment will run. Equal for equal input."""

    environment: Environment
    servers: tuple[Server, ...]
    """Sorted by name."""
    pools: tuple[PoolPlan, ...]
    """Sorted by name; every server's pool is among them."""


def make_plan(catalog: Catalog, environment: Environment, settings: PoolSettings) -> Plan:
    """Decide servers and pools. Raises PlanningError when they cannot be had within the settings."""
    pools = {
        Device.CPU: pool_name("cpu", settings.cpu_instance_type),
        Device.GPU: pool_name("gpu", settings.gpu_instance_type),
    }
    servers = plan_servers(catalog, environment, pools)
    try:
        return Plan(environment=environment, servers=servers, pools=plan_pools(servers, settings))
    except UnknownInstanceTypeError as error:
        raise PlanningError(str(error)) from error
