"""What becomes of one environment's nodes and bill, as sections."""

from __future__ import annotations

from cli.diff_cells import Cell, Code, Section, count, signed
from cli.plan_formats import USES, an_hour
from planning.capacity import Cost
from planning.changes import CostChange, OwnerCost, PlanChanges


def nodes(plan: PlanChanges) -> Section:
    """Pools with another number of nodes."""
    wanted, bought = (count(*pair) for pair in (plan.gpus, plan.gpus_bought))
    rows = tuple(
        (
            (Code(pool.name),),
            (Code(pool.instance_type),),
            (count(pool.before, pool.after),),
            (count(*pool.gpus),),
            (_amounts(pool.cost),),
        )
        for pool in plan.pools
    )
    return Section(
        title=f"Nodes of {plan.environment}",
        columns=("pool", "type", "nodes", "GPUs", "an hour"),
        rows=rows,
        notes=((f"GPUs in all pools: {bought}. Servers ask for {wanted} of them.",),),
    )


def costs(plan: PlanChanges) -> Section:
    """In all, and of each team whose part changes."""
    cost = plan.cost
    if cost is None or not (cost.by_owner or cost.total.usd_per_hour):
        return Section(title="", columns=(), rows=())
    return Section(
        title=f"Cost of {plan.environment}",
        columns=("who", "an hour", "more an hour", "more a month"),
        rows=(
            *(_cost_row(_payer(one), one.cost) for one in cost.by_owner),
            _cost_row(("all of it",), cost.total),
        ),
        notes=tuple((note,) for note in (*cost.total.missing, *cost.total.stand_ins)),
    )


def _payer(one: OwnerCost) -> Cell:
    return (Code(one.owner),) if one.owner else (USES[one.use],)


def _cost_row(who: Cell, cost: CostChange) -> tuple[Cell, ...]:
    return (
        who,
        (_amounts(cost),),
        (signed(cost.usd_per_hour, "0.0001"),),
        (signed(cost.usd_per_month, "0.01"),),
    )


def _amounts(cost: CostChange) -> str:
    before, after = _amount(cost.before), _amount(cost.after)
    return after if before == after else f"{before} → {after}"


def _amount(cost: Cost) -> str:
    return f"{'at least ' if cost.at_least else ''}{an_hour(cost)}"
