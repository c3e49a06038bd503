"""What every section of `slipway diff` is made of: cells of our words and of the catalog's, and how values look."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from cli.console import printable
from model_catalog.changes import SettingChange

_LONGEST_VALUE: Final = 160
"""Characters of a value that people are shown; JSON has all of it."""


class Code(str):
    """Text that stands for itself: a name or a value of the catalog."""

    __slots__ = ()


Cell = tuple[str, ...]
"""Words of ours, and Code between them."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading with a table below it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    lines: tuple[str, ...] = ()
    """The rows as plain text, where columns would be too wide."""
    notes: tuple[Cell, ...] = ()
    """What is to be known of all rows."""


def setting(change: SettingChange) -> Cell:
    """What it was and is. A mapping that is too long for a line is new or gone."""
    for value, other, became in ((change.new, change.old, " is new"), (change.old, change.new, " is gone")):
        if isinstance(value, Mapping) and other is None and len(_text(value)) > _LONGEST_VALUE:
            return (Code(change.name), became)
    return (Code(change.name), " ", *_value(change.old), " → ", *_value(change.new))


def _value(value: Any) -> Cell:
    if value is None:
        return ("nothing",)
    text = _text(value)
    return (Code(text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"),)


def _text(value: Any) -> str:
    """On one line; keys that say nothing are left out."""
    if isinstance(value, Mapping):
        value = {key: part for key, part in value.items() if part is not None}
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return printable(" ".join(text.split()))


def joined(cells: Iterable[Cell]) -> Cell:
    """One after another, with semicolons."""
    joined: list[str] = []
    for cell in cells:
        joined += ["; ", *cell] if joined else cell
    return tuple(joined)


def count(before: int, after: int) -> str:
    """(1, 2) → "1 → 2"; (1, 1) → "1"."""
    return str(after) if before == after else f"{before} → {after}"


def few(names: Sequence[str], most: int) -> str:
    """The first ones, and how many more there are."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def signed(amount: Decimal, digits: str) -> str:
    """(0.526, "0.01") → "+$0.53". What is not nothing is not shown as nothing."""
    if not amount:
        return "nothing"
    rounded = abs(amount).quantize(Decimal(digits), ROUND_HALF_UP)
    if not rounded:
        rounded = abs(amount)
    return f"{'-' if amount < 0 else '+'}${rounded:,f}"
