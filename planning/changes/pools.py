"""Pools with another number of nodes, and what that makes of GPUs and cost."""

from collections.abc import Iterable
from dataclasses import dataclass

from planning.capacity import Cost
from planning.changes.costs import CostChange
from planning.report import PoolReport


@dataclass(frozen=True, kw_only=True)
class PoolChange:
    """One pool with another number of nodes."""

    name: str
    instance_type: str
    before: int
    """Nodes."""
    after: int
    gpus: tuple[int, int]
    """In all its nodes, before and after."""
    cost: CostChange


def pool_changes(before: Iterable[PoolReport], after: Iterable[PoolReport]) -> tuple[PoolChange, ...]:
    """Sorted by name."""
    old, new = ({pool.name: pool for pool in pools} for pools in (before, after))
    changes = (_change(name, old.get(name), new.get(name)) for name in sorted({*old, *new}))
    return tuple(change for change in changes if change.before != change.after)


def _change(name: str, old: PoolReport | None, new: PoolReport | None) -> PoolChange:
    there = new or old
    assert there is not None  # noqa: S101 - its name is from one of them
    return PoolChange(
        name=name,
        instance_type=there.instance_type,
        before=old.nodes if old else 0,
        after=new.nodes if new else 0,
        gpus=(old.gpus if old else 0, new.gpus if new else 0),
        cost=CostChange(before=old.cost if old else Cost(), after=new.cost if new else Cost()),
    )
