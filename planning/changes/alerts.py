"""Which alerts come, go, or ring at another point."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from model_catalog.changes import Change, SettingChange, differences
from planning.observability import Alert, server_alerts
from planning.servers import Server
from quantities import format_duration


@dataclass(frozen=True, kw_only=True)
class AlertChange:
    """One alert of one server."""

    name: str
    server: str
    change: Change
    settings: tuple[SettingChange, ...] = ()
    """Where it is on both sides, what differs of expression, hold and severity. Texts alone are no change."""


def alert_changes(old: Server | None, new: Server | None, namespace: str) -> tuple[AlertChange, ...]:
    """Of one server, sorted by name. `namespace` is where its pods run."""
    return tuple(_changes(old, new, namespace))


def _changes(old: Server | None, new: Server | None, namespace: str) -> Iterator[AlertChange]:
    if old == new:
        return
    before, after = _alerts(old, namespace), _alerts(new, namespace)
    there = new or old
    assert there is not None  # noqa: S101 - one of them is there, since they differ
    for name in sorted({*before, *after}):
        if name not in before:
            yield AlertChange(name=name, server=there.name, change=Change.ADDED)
        elif name not in after:
            yield AlertChange(name=name, server=there.name, change=Change.REMOVED)
        elif found := differences(_plain(before[name]), _plain(after[name])):
            yield AlertChange(name=name, server=there.name, change=Change.CHANGED, settings=found)


def _alerts(server: Server | None, namespace: str) -> dict[str, Alert]:
    return {} if server is None else {alert.name: alert for alert in server_alerts(server, namespace)}


def _plain(alert: Alert) -> dict[str, Any]:
    hold = format_duration(alert.hold) if alert.hold > timedelta(0) else "0s"
    return {"expression": alert.expression, "hold": hold, "severity": alert.severity.value}
