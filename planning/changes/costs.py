"""What a change adds to the bill, and to whose part of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from planning.capacity import HOURS_PER_MONTH, Charge, Cost, Use, by_owner, total_cost


@dataclass(frozen=True, kw_only=True)
class CostChange:
    """An amount on both sides."""

    before: Cost
    after: Cost

    @property
    def usd_per_hour(self) -> Decimal:
        """More than before, of what is known; below zero for a saving."""
        return self.after.usd_per_hour - self.before.usd_per_hour

    @property
    def usd_per_month(self) -> Decimal:
        """Of HOURS_PER_MONTH."""
        return self.usd_per_hour * HOURS_PER_MONTH

    @property
    def missing(self) -> tuple[str, ...]:
        """What has no price on either side and is not in the amounts: the change may be another one. Sorted."""
        return tuple(sorted({*self.before.missing, *self.after.missing}))

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """Prices of another region that are in the amounts. Sorted."""
        return tuple(sorted({*self.before.stand_ins, *self.after.stand_ins}))


@dataclass(frozen=True, kw_only=True)
class OwnerCost:
    """What one team pays, or what is nobody's."""

    owner: str
    """Empty where the use is no model."""
    use: Use
    cost: CostChange


@dataclass(frozen=True, kw_only=True)
class CostChanges:
    """Of one environment."""

    total: CostChange
    by_owner: tuple[OwnerCost, ...]
    """Those whose part changes: teams by name, then what is idle and the system."""


def cost_changes(before: Iterable[Charge], after: Iterable[Charge]) -> CostChanges:
    """From what the charges of both plans add up to."""
    old, new = tuple(before), tuple(after)
    total = CostChange(before=total_cost(one.cost for one in old), after=total_cost(one.cost for one in new))
    return CostChanges(total=total, by_owner=_by_owner(old, new))


def _by_owner(old: tuple[Charge, ...], new: tuple[Charge, ...]) -> tuple[OwnerCost, ...]:
    sides = [{(line.use, line.name): line.cost for line in by_owner(charges)} for charges in (old, new)]
    order = list(Use)
    lines = (
        OwnerCost(
            owner=name,
            use=use,
            cost=CostChange(
                before=sides[0].get((use, name), Cost()), after=sides[1].get((use, name), Cost())
            ),
        )
        for use, name in sorted({*sides[0], *sides[1]}, key=lambda key: (order.index(key[0]), key[1]))
    )
    return tuple(line for line in lines if line.cost.before != line.cost.after)
