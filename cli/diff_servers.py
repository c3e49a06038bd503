"""Two plans of one environment: which servers and nodes come, go and change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from model_catalog import Environment
from model_catalog.changes import Change, SettingChange, differences
from planning import Plan, ServerPlan
from quantities import Bytes, format_duration


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many servers of one name, and the GPUs that they have together."""

    replicas: int = 0
    gpus: int = 0


@dataclass(frozen=True, kw_only=True)
class ServerChange:
    """One server that comes, goes or changes."""

    name: str
    change: Change
    before: Size
    after: Size
    settings: tuple[SettingChange, ...]
    """Where it is on both sides: all of its plan that differs."""


@dataclass(frozen=True, kw_only=True)
class PoolChange:
    """One pool with another number of nodes."""

    name: str
    instance_type: str
    before: int
    after: int


@dataclass(frozen=True, kw_only=True)
class PlanChanges:
    """What one environment runs otherwise."""

    environment: Environment
    servers: tuple[ServerChange, ...] = ()
    """Sorted by name."""
    pools: tuple[PoolChange, ...] = ()
    """Sorted by name."""
    gpus: tuple[int, int] = (0, 0)
    """That all servers ask for, before and after."""
    unplanned: str = ""
    """Why the two cannot be compared; empty where they are."""
    refused: bool = False
    """Whether that is because HEAD cannot be planned."""

    @property
    def empty(self) -> bool:
        """Whether nothing changes."""
        return not (self.servers or self.pools or self.unplanned)


def compare_plans(base: Plan, head: Plan) -> PlanChanges:
    """What HEAD's plan changes of BASE's, both of one environment."""
    old, new = ({server.name: server for server in plan.servers} for plan in (base, head))
    changed = (_server(name, old.get(name), new.get(name)) for name in sorted({*old, *new}))
    return PlanChanges(
        environment=head.environment,
        servers=tuple(server for server in changed if server is not None),
        pools=_pools(base, head),
        gpus=(_gpus(base), _gpus(head)),
    )


def _server(name: str, old: ServerPlan | None, new: ServerPlan | None) -> ServerChange | None:
    if old == new:
        return None
    settings = differences(_plain(old), _plain(new)) if old and new else ()
    return ServerChange(
        name=name,
        change=Change.ADDED if old is None else Change.REMOVED if new is None else Change.CHANGED,
        before=_size(old),
        after=_size(new),
        settings=settings,
    )


def _size(server: ServerPlan | None) -> Size:
    if server is None:
        return Size()
    return Size(replicas=server.replicas, gpus=server.replicas * server.resources.gpus)


def _gpus(plan: Plan) -> int:
    return sum(_size(server).gpus for server in plan.servers)


def _pools(base: Plan, head: Plan) -> tuple[PoolChange, ...]:
    old, new = ({pool.name: pool for pool in plan.pools} for plan in (base, head))
    nodes = {
        name: (
            old[name].desired_nodes if name in old else 0,
            new[name].desired_nodes if name in new else 0,
        )
        for name in sorted({*old, *new})
    }
    return tuple(
        PoolChange(
            name=name,
            instance_type=(new.get(name) or old[name]).instance_type.name,
            before=before,
            after=after,
        )
        for name, (before, after) in nodes.items()
        if before != after
    )


def _plain(value: Any) -> Any:
    """Any part of a plan as mappings, lists and text; what has a selector is found by it."""
    match value:
        case BaseModel():
            return value.model_dump(mode="json")
        case timedelta():
            return format_duration(value)
        case Mapping():
            return {str(key): _plain(part) for key, part in value.items()}
        case tuple() | list() if value and all(hasattr(item, "selector") for item in value):
            return {str(item.selector): _plain(item) for item in value}
        case tuple() | list():
            return [_plain(item) for item in value]
        case None | bool() | int() | float() if not isinstance(value, Bytes):
            return value
        case _ if is_dataclass(value):
            return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return str(value)
