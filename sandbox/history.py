"""Finds the update that last changed an object: the engine's history is compared with the resources' times."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

_SLACK: Final = timedelta(seconds=2)
"""The history's times are whole seconds, a resource's are not."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One update of the stack, as the engine recorded it."""

    number: int
    """The update's number, from 1 in their order."""
    began: datetime
    ended: datetime
    commit: str
    """The checkout's git commit; empty outside a repository."""
    dirty: bool
    """True if the checkout had changes that no commit holds."""

    def __str__(self) -> str:
        commit = (
            f", commit {self.commit[:9]}{' and uncommitted changes' if self.dirty else ''}"
            if self.commit
            else ""
        )
        return f"update {self.number} of {self.ended:%Y-%m-%d %H:%M:%S} UTC{commit}"


def changes(backend: Path, stack: str) -> list[Change]:
    """The stack's updates that changed something, oldest first."""
    found = []
    for path in (backend / ".pulumi" / "history" / "slipway" / stack).glob("*.history.json"):
        entry = json.loads(path.read_text())
        if set(entry.get("resourceChanges") or {}) - {"same"}:
            found.append(entry)
    found.sort(key=lambda entry: entry["endTime"])
    return [_change(number, entry) for number, entry in enumerate(found, start=1)]


def last_change_of(server: str, resources: Iterable[dict[str, Any]], known: list[Change]) -> Change | None:
    """The update that last changed a server's Deployment; None when the history does not go back so far."""
    for resource in resources:
        *_, kind, name = resource["urn"].split("::")
        if kind.endswith(":Deployment") and name == f"{server}-server" and resource.get("modified"):
            # Nanoseconds are more than Python's parser takes.
            modified = datetime.fromisoformat(resource["modified"][:19]).replace(tzinfo=UTC)
            during = [c for c in known if c.began - _SLACK <= modified <= c.ended + _SLACK]
            return during[-1] if during else None
    return None


def _change(number: int, entry: dict[str, Any]) -> Change:
    environment = entry.get("environment") or {}
    return Change(
        number=number,
        began=datetime.fromtimestamp(entry["startTime"], UTC),
        ended=datetime.fromtimestamp(entry["endTime"], UTC),
        commit=environment.get("git.head", ""),
        dirty=environment.get("git.dirty") == "true",
    )
