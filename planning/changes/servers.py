"""Two plans of one environment: which servers come, go, restart and change."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from model_catalog.changes import Change, SettingChange, differences
from planning.changes.live import LiveChanges, live_changes
from planning.changes.restarts import Restart, restart
from planning.servers import Server
from quantities import Bytes, format_duration


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many replicas of a server are placed, and the GPUs that they have together."""

    replicas: int = 0
    gpus: int = 0
    running: int = 0
    """Replicas that have a pod: none of a language model that cannot be served."""


@dataclass(frozen=True, kw_only=True)
class ServerChange:
    """One server that comes, goes or changes."""

    name: str
    pool: str
    """Where it is now; where it was, if it goes."""
    change: Change
    before: Size
    after: Size
    settings: tuple[SettingChange, ...]
    """Where it is on both sides: all of its plan that differs."""
    restart: Restart | None
    """None where no pod is replaced, also where the first ones come or the last ones go."""
    live: LiveChanges | None = None
    """What it takes over as it runs. None where nothing, and where pods are replaced: they load all anew."""


def server_change(old: Server | None, new: Server | None) -> ServerChange | None:
    """From one side to the other; None where nothing differs."""
    if old == new:
        return None
    there = new or old
    assert there is not None  # noqa: S101 - one of them is there, since they differ
    replaced = restart(old, new) if old and new else None
    return ServerChange(
        name=there.name,
        pool=there.pool,
        change=Change.ADDED if old is None else Change.REMOVED if new is None else Change.CHANGED,
        before=_size(old),
        after=_size(new),
        settings=differences(_plain(old), _plain(new)) if old and new else (),
        restart=replaced,
        live=live_changes(old, new) if old and new and not replaced else None,
    )


def _size(server: Server | None) -> Size:
    if server is None:
        return Size()
    return Size(
        replicas=server.replicas,
        gpus=server.replicas * server.resources.gpus,
        running=server.running_replicas,
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
