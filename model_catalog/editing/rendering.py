"""Plain values as YAML text, in the catalog's manner: short mappings on one line, long ones below their key."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

import yaml

Location = tuple[str | int, ...]

WIDTH: Final = 110
"""A line that a command makes longer is broken."""
_WIDTH_OF_NESTED: Final = 80
"""A mapping that holds mappings is hard to read on a longer line."""

_NUMBER: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9A-Fa-f]+")
"""YAML 1.2.2, core schema: editors that follow it read such text as a number where PyYAML does not (1e3)."""
_TEXT_TAGS: Final = frozenset({"tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp"})
"""A date needs no quotes: the catalog reads it as text, and YAML 1.2 knows no dates."""


class Written(str):
    """A scalar of a file with the text that it was written as, quotes included."""

    __slots__ = ("source",)

    source: str

    def __new__(cls, value: str, source: str) -> "Written":
        """`source` must read as `value`, in a mapping on one line too."""
        written = super().__new__(cls, value)
        written.source = source
        return written


def text_of(value: Any) -> str:
    """How the catalog's reader sees a scalar: as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def scalar(value: Any) -> str:
    """One scalar; text in quotes where YAML would make something else of it."""
    if isinstance(value, Written):
        return value.source
    if not isinstance(value, str):
        return text_of(value)
    return value if reads_as(value, value) and not _is_guessed(value) else quoted(value)


def quoted(text: str) -> str:
    """In double quotes, on one line."""
    dumped: str = yaml.dump(text, default_style='"', width=10**9, allow_unicode=True)
    return dumped.rstrip("\n")


@cache
def reads_as(source: str, value: str) -> bool:
    """Whether the source is the one scalar `value` wherever it stands: as key, value and item, on one line or not."""
    return all(
        _scalars(frame.replace("?", source)) == [value] * frame.count("?")
        for frame in ("{?: ?}", "?: ?", "- ?", "[?]")
    )


def _scalars(text: str) -> list[str] | None:
    """All scalars in order; None where the text is no YAML or nests otherwise."""
    try:
        events = list(yaml.parse(text, Loader=yaml.BaseLoader))
    except yaml.YAMLError:
        return None
    collections = sum(isinstance(event, yaml.CollectionStartEvent) for event in events)
    plain = not any(isinstance(event, yaml.AliasEvent) for event in events)
    found = [event.value for event in events if isinstance(event, yaml.ScalarEvent)]
    return found if collections == 1 and plain else None


def _is_guessed(text: str) -> bool:
    """Whether a reader that guesses types takes plain text for something else."""
    node = yaml.compose(f"- {text}", Loader=yaml.SafeLoader)
    as_text = isinstance(node, yaml.SequenceNode) and node.value[0].tag in _TEXT_TAGS
    return not as_text or _NUMBER.fullmatch(text) is not None


def flow(value: Any) -> str:
    """The value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(part)}" for key, part in value.items()) + "}"
    if _is_list(value):
        return "[" + ", ".join(flow(part) for part in value) + "]"
    return scalar(value)


def block(
    key: str, value: Any, *, indent: str, location: Location = (), comments: Mapping[Location, str]
) -> Iterator[str]:
    """The lines of `key: value`. `comments` stand above their keys, by location."""
    if location in comments:
        yield f"{indent}# {comments[location]}"
    line = f"{indent}{scalar(key)}: {flow(value)}"
    inner = any(len(place) > len(location) and place[: len(location)] == location for place in comments)
    if isinstance(value, Mapping) and value and (inner or len(line) > _room(value)):
        yield f"{indent}{scalar(key)}:"
        for name, part in value.items():
            yield from block(name, part, indent=f"{indent}  ", location=(*location, name), comments=comments)
    else:
        yield line


def _room(value: Mapping[str, Any]) -> int:
    return _WIDTH_OF_NESTED if any(isinstance(part, Mapping) for part in value.values()) else WIDTH


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
