"""Kubernetes quantities: ``1000m`` is ``1``, ``1Gi`` is ``1073741824``."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

_SUFFIXES: Final = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1),
    "k": Decimal("1e3"), "M": Decimal("1e6"), "G": Decimal("1e9"), "T": Decimal("1e12"),
    "P": Decimal("1e15"), "E": Decimal("1e18"),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40),
    "Pi": Decimal(2**50), "Ei": Decimal(2**60),
}  # fmt: skip

_QUANTITY: Final = re.compile(
    r"(?P<number>[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?)(?P<suffix>[numkMGTPE]|[KMGTPE]i)?"
)

_HOLDERS: Final = frozenset(
    {
        "allocatable", "capacity", "default", "defaultRequest", "hard", "limits", "max",
        "maxLimitRequestRatio", "min", "overhead", "podFixed", "requests", "used",
    }
)  # fmt: skip
"""Mappings whose values are quantities."""

_FIELDS: Final = frozenset({"averageValue", "divisor", "sizeLimit", "storage", "targetAverageValue"})
"""Fields that are quantities themselves."""


def parse(value: Any) -> Decimal | None:
    """The amount of a quantity, or None when the value is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    match = _QUANTITY.fullmatch(str(value))
    if not match:
        return None
    return Decimal(match["number"]) * _SUFFIXES[match["suffix"] or ""]


def is_quantity_at(path: tuple[str | int, ...]) -> bool:
    """Whether the API has a quantity at this path."""
    if not path:
        return False
    parent = path[-2] if len(path) > 1 else ""
    return parent in _HOLDERS or path[-1] in _FIELDS or (parent == "target" and path[-1] == "value")


def same(one: Any, other: Any) -> bool:
    """Whether two quantities are the same amount."""
    first, second = parse(one), parse(other)
    return first is not None and first == second
