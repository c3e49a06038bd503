"""All that one environment runs otherwise: two plans, side by side."""

from collections.abc import Iterator
from dataclasses import dataclass

from model_catalog import Environment, WithoutEffect, declared_anew
from planning.changes.alerts import AlertChange, alert_changes
from planning.changes.costs import CostChanges, cost_changes
from planning.changes.live import LiveChanges
from planning.changes.places import PlaceChanges, place_changes
from planning.changes.pools import PoolChange, pool_changes
from planning.changes.restarts import Restart
from planning.changes.risks import ChangeRisk, change_risks
from planning.changes.servers import ServerChange, server_change
from planning.changes.sides import PlanSide
from planning.servers import Server

_NO_PLACES = PlaceChanges()


@dataclass(frozen=True, kw_only=True)
class PlanChanges:
    """What one environment runs otherwise. Equal for equal input."""

    environment: Environment
    servers: tuple[ServerChange, ...] = ()
    """Sorted by name."""
    places: PlaceChanges = _NO_PLACES
    pools: tuple[PoolChange, ...] = ()
    """Sorted by name."""
    gpus: tuple[int, int] = (0, 0)
    """That all servers ask for, before and after."""
    gpus_bought: tuple[int, int] = (0, 0)
    """That all nodes have."""
    cost: CostChanges | None = None
    """None where the two are not compared."""
    alerts: tuple[AlertChange, ...] = ()
    """Sorted by server and name."""
    risks: tuple[ChangeRisk, ...] = ()
    without_effect: tuple[WithoutEffect, ...] = ()
    """The keys that HEAD declares, BASE did not, and nothing acts on yet."""
    stale: bool = False
    """Whether HEAD's lock does not say where everything is."""
    newly_stale: bool = False
    """Whether BASE's did."""
    unplanned: str = ""
    """Why the two cannot be compared; empty where they are."""
    refused: bool = False
    """Whether that is because HEAD cannot be planned."""

    @property
    def restarts(self) -> tuple[Restart, ...]:
        """Servers whose pods are replaced, sorted by name."""
        return tuple(one.restart for one in self.servers if one.restart)

    @property
    def live(self) -> tuple[LiveChanges, ...]:
        """What servers take over without a restart, sorted by name."""
        return tuple(one.live for one in self.servers if one.live)

    @property
    def empty(self) -> bool:
        """Whether nothing changes. A lock that was behind before is no change."""
        changes = (
            self.servers,
            self.pools,
            self.risks,
            self.without_effect,
            self.unplanned,
            self.newly_stale,
        )
        return not any(changes)


def compare_plans(base: PlanSide, head: PlanSide, namespace: str) -> PlanChanges:
    """What HEAD's plan changes of BASE's, both of one environment. `namespace` is where servers run."""
    pairs = tuple(_pairs(base, head)) if base is not head else ()
    servers = tuple(found for old, new in pairs if (found := server_change(old, new)) is not None)
    places = place_changes(base.plan, head.plan)
    return PlanChanges(
        environment=head.plan.environment,
        servers=servers,
        places=places,
        pools=pool_changes(base.pools, head.pools),
        gpus=(base.gpus_wanted, head.gpus_wanted),
        gpus_bought=(base.gpus_bought, head.gpus_bought),
        cost=cost_changes(base.charges, head.charges),
        alerts=tuple(one for old, new in pairs for one in alert_changes(old, new, namespace)),
        risks=change_risks(base, head, servers, places),
        without_effect=declared_anew(base.plan.without_effect, head.plan.without_effect),
        stale=head.plan.stale,
        newly_stale=head.plan.stale and not base.plan.stale,
    )


def _pairs(base: PlanSide, head: PlanSide) -> Iterator[tuple[Server | None, Server | None]]:
    """Servers by name, sorted."""
    old, new = ({server.name: server for server in side.plan.servers} for side in (base, head))
    for name in sorted({*old, *new}):
        yield old.get(name), new.get(name)
