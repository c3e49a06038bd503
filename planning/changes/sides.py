"""One side of a change: a plan, and what its pools hold and cost."""

from dataclasses import dataclass
from typing import Self

from hardware import PRICES
from planning.capacity import Charge, Prices
from planning.plan import Plan
from planning.report import PoolReport, report_pools


@dataclass(frozen=True, kw_only=True)
class PlanSide:
    """A plan as changes are judged on it."""

    plan: Plan
    region: str
    pools: tuple[PoolReport, ...]
    charges: tuple[Charge, ...]

    @classmethod
    def of(cls, plan: Plan, region: str, prices: Prices = PRICES) -> Self:
        """With the prices of the region."""
        pools, charges = report_pools(plan, region, prices)
        return cls(plan=plan, region=region, pools=pools, charges=charges)

    @property
    def gpus_wanted(self) -> int:
        """That all servers ask for."""
        return sum(server.replicas * server.resources.gpus for server in self.plan.servers)

    @property
    def gpus_bought(self) -> int:
        """That all nodes have."""
        return sum(pool.gpus for pool in self.pools)
