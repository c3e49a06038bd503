"""Text of a YAML file and the value that it shall have → text with that value, all else untouched.

PyYAML says where each key and value begins and ends; one piece of text after the other is put in or cut out, until
nothing differs. Not a round trip through ruamel.yaml (tried with 0.19.1, 2026-11): it reformats, it hands a comment to
the key before it, so that the comment of the next key goes with that key, and it puts a new last key below the
comment of what follows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from model_catalog.editing.places import (
    EditError,
    as_text,
    compose,
    end_of,
    end_of_pair,
    loses_comments,
    plain,
    plain_of,
)
from model_catalog.editing.rendering import (
    WIDTH,
    Location,
    block,
    flow,
    quoted,
    reads_as,
    scalar,
    text_of,
)

_MOST_STEPS: Final = 10_000
"""Far beyond what any file needs; so that a fault here ends with a message."""
_NO_COMMENTS: Final[Mapping[Location, str]] = {}


@dataclass(frozen=True)
class _Splice:
    start: int
    end: int
    text: str
    takes_comments: bool = False
    """Those in the lines of what goes; all others stay."""


def with_value(text: str, wanted: Any, comments: Mapping[Location, str] = _NO_COMMENTS) -> str:
    """The text changed so that it reads as `wanted`; a new key comes after the key before it in `wanted`.

    A key that goes takes the comments in its own lines with it; those above it stay. `comments` stand above new keys,
    by location. Raises EditError where that cannot be done by place.
    """
    wanted = _texts(wanted)
    line_end = "\r\n" if "\r\n" in text else "\n"
    for _ in range(_MOST_STEPS):
        node = compose(text)
        splice = _first(_Editor(text, comments, line_end).steps(node, wanted))
        if splice is None:
            break
        before, text = text, f"{text[: splice.start]}{splice.text}{text[splice.end :]}"
        if not splice.takes_comments and loses_comments(before, text):
            raise EditError("the change would take a comment with it; make it by hand")
    if as_text(plain(text)) != as_text(wanted):
        raise EditError("the change cannot be made without rewriting the file; make it by hand")
    return text


def _first(steps: Iterator[_Splice]) -> _Splice | None:
    return next(steps, None)


def _texts(value: Any) -> Any:
    """Tuples as lists, so that values compare."""
    if isinstance(value, Mapping):
        return {key: _texts(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_texts(part) for part in value]
    return value


def _as_written(wanted: Any, present: Any) -> Any:
    """`wanted`, with the scalars that stay as the file writes them."""
    if isinstance(wanted, Mapping) and isinstance(present, Mapping):
        words = {key: key for key in present}
        return {words.get(key, key): _as_written(part, present.get(key)) for key, part in wanted.items()}
    if isinstance(wanted, list) and isinstance(present, list):
        words = {item: item for item in present if isinstance(item, str)}
        return [words.get(item, item) if isinstance(item, str) else item for item in wanted]
    scalars = not isinstance(wanted, Mapping | list) and isinstance(present, str)
    return present if scalars and text_of(wanted) == present else wanted


class _Editor:
    """Finds the next piece to put in or cut out. One editor sees one text."""

    def __init__(self, text: str, comments: Mapping[Location, str], line_end: str) -> None:
        self._text = text
        self._comments = comments
        self._line_end = line_end

    def steps(self, node: yaml.Node | None, wanted: Any) -> Iterator[_Splice]:
        """Splices, of which the first is to be made; none where the text reads as wanted."""
        if node is None or _is_empty_flow(node):
            if isinstance(wanted, Mapping) and wanted:
                yield self._first_keys(node, wanted)
            return
        yield from self._within(node, wanted, ())

    def _within(
        self, node: yaml.Node, wanted: Any, location: Location, key: yaml.Node | None = None
    ) -> Iterator[_Splice]:
        """`key` is that of a value whose mapping takes several lines."""
        if isinstance(node, yaml.MappingNode) and isinstance(wanted, Mapping):
            yield from self._mapping(node, wanted, location)
        elif isinstance(node, yaml.SequenceNode) and isinstance(wanted, list):
            if wanted or not node.value:
                yield from self._sequence(node, wanted, location)
            else:
                yield self._whole(node, wanted, key)
        elif isinstance(node, yaml.ScalarNode) and not isinstance(wanted, Mapping | list):
            if node.value != text_of(wanted):
                yield _Splice(node.start_mark.index, node.end_mark.index, _in_its_quotes(node, wanted))
        else:
            yield self._whole(node, wanted, key)

    def _whole(self, node: yaml.Node, wanted: Any, key: yaml.Node | None) -> _Splice:
        """What stood below a key in lines of its own comes to stand beside it."""
        start, end = node.start_mark.index, end_of(node, self._text)
        between = self._text[key.end_mark.index : start] if key is not None else ""
        if key is None or "\n" not in between:
            return _Splice(start, end, f"{_gap(node)}{flow(wanted)}")
        comment = between.partition(":")[2].strip()
        return _Splice(key.end_mark.index, end, f": {flow(wanted)}{'  ' + comment if comment else ''}")

    def _mapping(
        self, node: yaml.MappingNode, wanted: Mapping[str, Any], location: Location
    ) -> Iterator[_Splice]:
        present = [key.value for key, _ in node.value]
        for index, (key, value) in enumerate(node.value):
            if key.value not in wanted:
                continue
            if not node.flow_style:
                yield from self._broken(key, value, wanted[key.value], location)
            place = (*location, present[index])
            yield from self._within(value, wanted[key.value], place, None if node.flow_style else key)
        names = list(wanted)
        for position, name in enumerate(names):
            if name not in present:
                before = [present.index(known) for known in names[:position] if known in present]
                after = before[-1] if before else len(present) - 1
                yield self._new_key(node, after, name, wanted[name], location)
        for index, name in enumerate(present):
            if name not in wanted:
                yield self._without_key(node, index)

    def _broken(self, key: yaml.Node, value: yaml.Node, wanted: Any, location: Location) -> Iterator[_Splice]:
        """A mapping on one line that would become too long for it."""
        text = self._text
        start, end = value.start_mark.index, value.end_mark.index
        if (
            not isinstance(value, yaml.MappingNode)
            or not value.flow_style
            or not isinstance(wanted, Mapping)
            or not wanted
            or "\n" in text[start:end]
            or as_text(plain_of(value, text)) == as_text(wanted)
        ):
            return
        wanted = _as_written(wanted, plain_of(value, text))
        indent = " " * key.start_mark.column
        if len(f"{indent}{scalar(key.value)}: {flow(wanted)}") <= WIDTH:
            return
        line_end = self._end_of_line(end)
        rest = text[end:line_end].strip()
        lines = [
            line
            for name, part in wanted.items()
            for line in block(
                name,
                part,
                indent=f"{indent}  ",
                location=(*location, key.value, name),
                comments=self._comments,
            )
        ]
        colon = text[key.end_mark.index : start].rstrip()
        head = f"{colon}{'  ' + rest if rest else ''}"
        yield _Splice(
            key.end_mark.index, line_end, self._line_end.join([head, *lines]) + self._ending(line_end)
        )

    def _new_key(
        self, node: yaml.MappingNode, after: int, name: str, value: Any, location: Location
    ) -> _Splice:
        if node.flow_style:
            pair = f"{scalar(name)}: {flow(value)}"
            if not node.value:
                return _Splice(node.start_mark.index, node.end_mark.index, f"{{{pair}}}")
            end = end_of_pair(node.value[after], self._text)
            return _Splice(end, end, f", {pair}")
        indent = " " * node.value[0][0].start_mark.column
        lines = block(name, value, indent=indent, location=(*location, name), comments=self._comments)
        return self._insert_lines(end_of_pair(node.value[after], self._text), lines)

    def _insert_lines(self, after: int, lines: Iterator[str]) -> _Splice:
        """Below the line that holds what ends at `after`."""
        position = self._after_line(after)
        text = "".join(f"{line}{self._line_end}" for line in lines)
        if position == len(self._text) and not self._text.endswith("\n"):
            text = f"{self._line_end}{text.removesuffix(self._line_end)}"
        return _Splice(position, position, text)

    def _first_keys(self, node: yaml.Node | None, wanted: Mapping[str, Any]) -> _Splice:
        lines = (
            line
            for name, value in wanted.items()
            for line in block(name, value, indent="", location=(name,), comments=self._comments)
        )
        text = self._line_end.join(lines)
        if node is not None:
            return _Splice(node.start_mark.index, node.end_mark.index, text)
        end = len(self._text)
        apart = self._line_end if self._text and not self._text.endswith("\n") else ""
        return _Splice(end, end, f"{apart}{text}{self._line_end}")

    def _without_key(self, node: yaml.MappingNode, index: int) -> _Splice:
        key, value = node.value[index]
        start, end = key.start_mark.index, end_of_pair((key, value), self._text)
        if node.flow_style:
            spans = [
                (name.start_mark.index, end_of_pair((name, part), self._text)) for name, part in node.value
            ]
            return self._cut_from_line(spans, index)
        if len(node.value) == 1:
            line_end = self._end_of_line(end)
            return _Splice(start, line_end, f"{{}}{self._ending(line_end)}", takes_comments=True)
        return self._cut_lines(start, end)

    def _cut_lines(self, start: int, end: int) -> _Splice:
        line = self._text.rfind("\n", 0, start) + 1
        if self._text[line:start].strip(" "):
            raise EditError("a key that goes shares its line with another; edit it by hand")
        return _Splice(line, self._after_line(end), "", takes_comments=True)

    def _cut_from_line(self, spans: list[tuple[int, int]], index: int) -> _Splice:
        """One item of a mapping or list on one line, and the comma beside it."""
        start, end = spans[index]
        if index:
            return _Splice(spans[index - 1][1], end, "")
        if len(spans) > 1:
            return _Splice(start, spans[1][0], "")
        return _Splice(start, end, "")

    def _sequence(self, node: yaml.SequenceNode, wanted: list[Any], location: Location) -> Iterator[_Splice]:
        items = node.value
        if len(items) == len(wanted):
            for index, item in enumerate(items):
                yield from self._within(item, wanted[index], (*location, index))
            return
        present = [as_text(plain_of(item, self._text)) for item in items]
        shorter = min(len(items), len(wanted))
        index = next((i for i in range(shorter) if present[i] != as_text(wanted[i])), shorter)
        if len(items) < len(wanted):
            yield self._new_item(node, index, wanted[index])
        elif node.flow_style:
            spans = [(item.start_mark.index, end_of(item, self._text)) for item in items]
            yield self._cut_from_line(spans, index)
        else:
            dash = self._dash(items[index])
            yield self._cut_lines(dash, end_of(items[index], self._text))

    def _new_item(self, node: yaml.SequenceNode, index: int, value: Any) -> _Splice:
        if node.flow_style:
            if not node.value:
                return _Splice(node.start_mark.index, node.end_mark.index, f"[{flow(value)}]")
            if index:
                end = end_of(node.value[index - 1], self._text)
                return _Splice(end, end, f", {flow(value)}")
            start = node.value[0].start_mark.index
            return _Splice(start, start, f"{flow(value)}, ")
        line = f"{' ' * node.start_mark.column}- {flow(value)}"
        if index:
            return self._insert_lines(end_of(node.value[index - 1], self._text), iter([line]))
        start = self._text.rfind("\n", 0, self._dash(node.value[0])) + 1
        return _Splice(start, start, f"{line}{self._line_end}")

    def _dash(self, item: yaml.Node) -> int:
        return self._text.rfind("-", 0, item.start_mark.index)

    def _end_of_line(self, position: int) -> int:
        """Before the line's end."""
        found = self._text.find("\n", position)
        return len(self._text) if found < 0 else found

    def _after_line(self, position: int) -> int:
        return min(self._end_of_line(position) + 1, len(self._text))

    def _ending(self, position: int) -> str:
        """The carriage return that stood before the line's end, if one did."""
        return "\r" if self._text[position - 1 : position] == "\r" else ""


def _is_empty_flow(node: yaml.Node) -> bool:
    return isinstance(node, yaml.MappingNode) and bool(node.flow_style) and not node.value


def _gap(node: yaml.Node) -> str:
    """An empty value stands directly at its colon."""
    return " " if node.start_mark.index == node.end_mark.index else ""


def _in_its_quotes(node: yaml.ScalarNode, wanted: Any) -> str:
    text = text_of(wanted)
    if node.style == '"':
        return quoted(text)
    if node.style == "'" and reads_as(f"'{text}'", text):
        return f"'{text}'"
    return f"{_gap(node)}{scalar(wanted)}"
