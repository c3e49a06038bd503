"""The support of an engine, as its own project states it."""

from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Support:
    """The support that a project promises for the version pinned here."""

    status: Literal["supported", "maintenance", "unmaintained"]
    note: str
    """The consequence for people who run the engine. One sentence."""
    source: str
    """The place where the project says so."""
    date: date
    """The day on which the project said so."""
