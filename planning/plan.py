"""The whole decision for one environment, as plain data."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hardware import UnknownInstanceTypeError
from model_catalog import Budget, Catalog, Environment, Release, WithoutEffect, without_effect
from planning.capacity.errors import PlanningError
from planning.capacity.placement import Demand, Lock, Offer, Placement, is_stale, plan_placement, repack
from planning.demands import make_demands
from planning.node_group_quotas import refuse_large_groups
from planning.pools import PoolPlan, PoolSettings, make_offers, plan_pools
from planning.routes import Route, plan_routes
from planning.servers import Server, plan_servers
from planning.versions import VersionPlan, plan_versions

_NOTHING_PLACED = Lock()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an environment will run. Equal for equal input."""

    environment: Environment
    servers: tuple[Server, ...]
    """Sorted by name."""
    pools: tuple[PoolPlan, ...]
    """Sorted by name; every server's pool is among them."""
    versions: tuple[VersionPlan, ...]
    """All that run, with all that the catalog says of them. Sorted by selector."""
    routes: tuple[Route, ...]
    """Of every variant, sorted."""
    placement: Placement
    """Which variant and which language model is where, and why."""
    demands: tuple[Demand, ...]
    """What was placed, sorted by selector."""
    offers: tuple[Offer, ...]
    """Where it could have been placed, sorted by instance type."""
    budget: Budget | None
    """What its nodes may cost, where somebody has decided that."""
    lock: Lock
    """What it began from."""
    without_effect: tuple[WithoutEffect, ...] = ()
    """The keys that its versions declare and nothing acts on yet."""

    @property
    def stale(self) -> bool:
        """Whether its lock says something else: what is new has no line there yet, or one is wrong."""
        return is_stale(self.lock, self.placement)


def make_plan(
    catalog: Catalog, environment: Environment, settings: PoolSettings, lock: Lock = _NOTHING_PLACED
) -> Plan:
    """Decide servers and pools; what `lock` has placed stays where it is as long as it fits.

    Raises PlanningError when they cannot be had within the settings.
    """
    return _plan(catalog, environment, settings, lock, plan_placement)


def make_repacked_plan(
    catalog: Catalog, environment: Environment, settings: PoolSettings, lock: Lock = _NOTHING_PLACED
) -> Plan:
    """As if nothing ran yet; `lock` lends names alone. Raises PlanningError."""
    return _plan(catalog, environment, settings, lock, repack)


def _plan(
    catalog: Catalog,
    environment: Environment,
    settings: PoolSettings,
    lock: Lock,
    place: Callable[[Iterable[Demand], Iterable[Offer], Lock], Placement],
) -> Plan:
    running = catalog.running(environment)
    release = catalog.releases.get(environment, Release({}))
    try:
        offers = make_offers(settings)
        demands = make_demands(running, release, offers)
        placement = place(demands, offers, lock)
        pools = plan_pools(placement, settings)
        refuse_large_groups(pools)
    except UnknownInstanceTypeError as error:
        raise PlanningError(str(error)) from error
    servers = plan_servers(running, environment, placement)
    versions = plan_versions(running, servers)
    return Plan(
        environment=environment,
        servers=servers,
        pools=pools,
        versions=versions,
        routes=plan_routes(versions, servers),
        placement=placement,
        demands=demands,
        offers=offers,
        budget=catalog.budgets.get(environment),
        lock=lock,
        without_effect=without_effect(catalog, environment),
    )
