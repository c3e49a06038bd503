"""A span of time, written with a unit."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
}
_NUMBER = r"[0-9]{1,9}(\.[0-9]{1,9})?"
"""More digits of hours than timedelta holds are no duration."""
_TEXT = re.compile(rf"(?P<number>{_NUMBER}) ?(?P<unit>[a-z]+)")


def parse_duration(text: str) -> timedelta:
    """Read "100ms", "120s", "1.5m" or "1h". Raises ValueError naming the units it knows."""
    match = _TEXT.fullmatch(text.strip())
    if match is None or match["unit"] not in _UNITS:
        raise ValueError(f"{text!r} is not a duration; write a number and ms, s, m or h, as in 100ms")
    return float(match["number"]) * _UNITS[match["unit"]]


def format_duration(span: timedelta) -> str:
    """The inverse of parse_duration, in the largest unit that shows the span exactly."""
    for unit in ("h", "m", "s"):
        if span and span % _UNITS[unit] == timedelta():
            return f"{span // _UNITS[unit]}{unit}"
    return f"{span // _UNITS['ms']}ms"


def _read(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return parse_duration(value)
    raise ValueError(f"{value!r} is not a duration; write a number and ms, s, m or h, as in 100ms")


Duration = Annotated[
    timedelta,
    BeforeValidator(_read),
    PlainSerializer(format_duration),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^\s*{_NUMBER} ?({'|'.join(_UNITS)})\s*$",
            "examples": ["100ms", "120s"],
        }
    ),
]
"""A timedelta that pydantic reads from, and writes to, text with a unit."""
