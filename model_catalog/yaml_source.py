"""YAML with places: the value as text, and the line and column of every key and value.

Scalars stay text and the schema gives them their type. YAML 1.1's guesses would turn the language `no` into
False, the version 1.10 into 1.1 and 1_000 into 1000.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from model_catalog.problem import Problem

Location = tuple[str | int, ...]
_NULL = {"", "~", "null"}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Line and column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, kw_only=True)
class Source:
    """One file: its plain value, where each part stands, and what is already wrong with it."""

    file: str
    value: Any = None
    keys: Mapping[Location, Place] = field(default_factory=dict)
    values: Mapping[Location, Place] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def place(self, location: Location, *, key: bool = False) -> Place:
        """Where the value (or its key) stands; for a missing one, where its nearest parent does."""
        places = self.keys if key and location in self.keys else self.values
        while location and location not in places:
            location = location[:-1]
        return places.get(location, Place(line=1, column=1))

    def problem(self, location: Location, *, rule: str, message: str, fix: str, key: bool = False) -> Problem:
        """A finding at a location of this file."""
        place = self.place(location, key=key)
        return Problem(
            file=self.file, line=place.line, column=place.column, rule=rule, message=message, fix=fix
        )


def read_source(path: Path, name: str) -> Source:
    """Read one file. Syntax errors, repeated keys and self-references become problems, never exceptions."""
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = Place(line=1, column=1) if mark is None else Place(line=mark.line + 1, column=mark.column + 1)
        return _unreadable(name, place, error.problem or "is not YAML")
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return _unreadable(name, Place(line=1, column=1), " ".join(str(error).split()))
    if node is None:
        return Source(file=name, value=None)
    reader = _Reader(name)
    value = reader.read(node, ())
    return Source(
        file=name, value=value, keys=reader.keys, values=reader.values, problems=tuple(reader.problems)
    )


def _unreadable(name: str, place: Place, message: str) -> Source:
    problem = Problem(
        file=name,
        line=place.line,
        column=place.column,
        rule="yaml-syntax",
        message=message,
        fix="Make it valid YAML in UTF-8",
    )
    return Source(file=name, problems=(problem,))


class _Reader:
    """Turns a node tree into plain values and remembers where each came from."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._open: set[int] = set()
        self.keys: dict[Location, Place] = {}
        self.values: dict[Location, Place] = {}
        self.problems: list[Problem] = []

    def read(self, node: yaml.Node, location: Location) -> Any:
        self.values[location] = _place(node)
        if isinstance(node, yaml.ScalarNode):
            return None if node.style is None and node.value in _NULL else node.value
        if id(node) in self._open:
            self._report(node, "yaml-syntax", "an alias refers to what it stands in", "Write the value out")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.read(item, (*location, index)) for index, item in enumerate(node.value)]
            return dict(self._pairs(node, location))
        finally:
            self._open.discard(id(node))

    def _pairs(self, node: yaml.Node, location: Location) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._report(
                    key_node, "yaml-syntax", "a key is not plain text", "Write a name before the colon"
                )
                continue
            key = key_node.value
            if key in seen:
                self._report(key_node, "duplicate-key", f"{key!r} is given twice", "Keep one of them")
                continue
            seen.add(key)
            self.keys[(*location, key)] = _place(key_node)
            yield key, self.read(value_node, (*location, key))

    def _report(self, node: yaml.Node, rule: str, message: str, fix: str) -> None:
        place = _place(node)
        self.problems.append(
            Problem(
                file=self._file, line=place.line, column=place.column, rule=rule, message=message, fix=fix
            )
        )


def _place(node: yaml.Node) -> Place:
    return Place(line=node.start_mark.line + 1, column=node.start_mark.column + 1)
