"""Java's properties files, as java.util.Properties reads them: comments, continued lines, escapes.

TorchServe writes its snapshots so, with every line end of the JSON inside escaped
(https://docs.oracle.com/en/java/javase/17/docs/api/java.base/java/util/Properties.html#load(java.io.Reader)).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

Place = tuple[int, int]
"""Line and column in the file, from 1."""
_Placed = tuple[str, Place]

_SPACE: Final = " \t\f"
_ESCAPES: Final = {"f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, kw_only=True)
class Property:
    """One key with its value, unescaped."""

    key: str
    value: str
    line: int
    """The place of the key."""
    places: tuple[Place, ...]
    """The place of each character of the value."""


def read_properties(text: str) -> tuple[Property, ...]:
    """Return the properties in the file's order; a key that stands twice is there twice."""
    return tuple(_property(line) for line in _logical_lines(text))


def _logical_lines(text: str) -> Iterator[list[_Placed]]:
    """Lines with their continuations, as characters that know their place; comments are left out."""
    held: list[_Placed] = []
    continued = False
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        indent = len(line) - len(line.lstrip(_SPACE))
        if not continued and line[indent : indent + 1] in ("", "#", "!"):
            continue
        held += [(char, (number, at + 1)) for at, char in enumerate(line) if at >= indent]
        continued = (len(line) - len(line.rstrip("\\"))) % 2 == 1
        if continued:
            held.pop()
        else:
            yield held
            held = []
    if held:
        yield held


def _property(line: list[_Placed]) -> Property:
    at = 0
    while at < len(line) and line[at][0] not in "=:" + _SPACE:
        at += 2 if line[at][0] == "\\" else 1
    key, rest = line[:at], line[at:]
    while rest and rest[0][0] in _SPACE:
        rest = rest[1:]
    if rest and rest[0][0] in "=:":
        rest = rest[1:]
    while rest and rest[0][0] in _SPACE:
        rest = rest[1:]
    value = list(_unescaped(rest))
    return Property(
        key="".join(char for char, _ in _unescaped(key)),
        value="".join(char for char, _ in value),
        line=line[0][1][0] if line else 1,
        places=tuple(place for _, place in value),
    )


def _unescaped(line: list[_Placed]) -> Iterator[_Placed]:
    at = 0
    while at < len(line):
        char, place = line[at]
        at += 1
        if char != "\\" or at >= len(line):
            yield char, place
            continue
        escaped = line[at][0]
        digits = "".join(digit for digit, _ in line[at + 1 : at + 5])
        if escaped == "u" and re.fullmatch(r"[0-9A-Fa-f]{4}", digits):
            yield chr(int(digits, 16)), place
            at += 5
        else:
            yield _ESCAPES.get(escaped, escaped), place
            at += 1
