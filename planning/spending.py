"""What a plan's nodes cost, and whether that is within the budget."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from hardware import PRICES
from model_catalog import Budget
from planning.capacity import Cost, Prices, node_price, total_cost
from planning.pools import PoolPlan


def pools_cost(pools: Iterable[PoolPlan], region: str, prices: Prices = PRICES) -> Cost:
    """Of the nodes that the plan fills, with those of the system."""
    return total_cost(
        node_price(pool.instance_type.name, region, prices, pool.purchase_option).times(pool.desired_nodes)
        for pool in pools
    )


@dataclass(frozen=True, kw_only=True)
class Spending:
    """A plan's cost beside its budget."""

    cost: Cost
    budget: Budget

    @property
    def limit(self) -> Decimal:
        """US dollars a month."""
        return Decimal(str(self.budget.usd_per_month))

    @property
    def excess(self) -> Decimal:
        """US dollars a month above the limit, of what has a price; 0 or less where it is kept."""
        return self.cost.usd_per_month - self.limit

    @property
    def kept(self) -> bool | None:
        """Whether the plan costs no more. None: something has no price, and what has one is within."""
        if self.excess > 0:
            return False
        return None if self.cost.missing else True
