"""Whether anybody still repairs an engine, as its own project says it."""

from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Support:
    """What a project promises for the version that is pinned here."""

    status: Literal["supported", "maintenance", "unmaintained"]
    note: str
    """What follows from it for whoever runs the engine. One sentence."""
    source: str
    """Where the project says so."""
    date: date
    """When it said so."""
