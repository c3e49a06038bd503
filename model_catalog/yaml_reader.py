"""From YAML text to plain values: mappings, lists, text and aliases; all else that YAML has is refused.

It follows the parser's events and composes no node tree as yaml.compose does: that recurses in C, so that 100,000
brackets end the process (PyYAML 6.0.3), and a catalog of 10,000 versions takes three times as long (2026-11).
"""

import re
from dataclasses import dataclass
from typing import Any, Final

import yaml

from model_catalog.yaml_syntax import REMOVE_TAG, explained, shortened
from model_catalog.yaml_text import MAX_BYTES, Lines, Place, Refusal, invisible

MAX_DEPTH: Final = 100
"""How deep mappings and lists may stand in each other, aliases written out; the schema's own depth is 8."""
MAX_VALUES: Final = 200_000
"""Keys and values of one file, aliases written out. At 3 µs each (2026-11) they are what takes time; the densest
files that say something with each of them, releases, have 150,000 in MAX_BYTES."""
MAX_REFUSALS: Final = 100
"""After so many the rest of a file is not read."""

_NULL: Final = frozenset({"", "~", "NULL", "Null", "null"})
_DIRECTIVE: Final = re.compile(r"^%|\r%", re.MULTILINE)
_BRACKET: Final = re.compile(r"(&\S*\s+)?[\[{]")
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""PyYAML may have been built without libyaml; its own parser takes ten times as long."""

_AWAITED: Final = object()
_REFUSED: Final = object()
_NO_KEY: Final = object()
_NO_KEYS: Final[dict[str, int]] = {}


class Block:
    """A mapping or list while it is read, and then as part of the outline; or a text that an anchor names."""

    __slots__ = (
        "at",
        "characters",
        "height",
        "is_open",
        "key",
        "keys",
        "parts",
        "value",
        "values",
    )

    def __init__(self, value: Any, parts: Any, at: int, *, key: Any) -> None:
        self.value = value
        self.parts = parts
        """Where each of its values stands, as Part by key or by index."""
        self.keys: dict[str, int] = {} if key is _AWAITED else _NO_KEYS
        """Where each of its keys stands."""
        self.at = at
        self.key = key
        """Of a mapping: the key whose value comes next, or that a key is awaited, or that the last was refused."""
        self.is_open = True
        self.height = 1
        """Levels of mappings and lists, itself included."""
        self.values = 0
        """How many keys and values it holds, itself included; while it is open, how many came before it."""
        self.characters = 0
        """Likewise, the characters of all its texts."""


Part = int | Block
"""Indexes of characters: unlike yaml.Mark they cost the garbage collector nothing."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a text says, and where."""

    value: Any
    """None where something other than a repeated key is wrong: what the text means is unknown then."""
    refusals: tuple[Refusal, ...]
    outline: Part | None
    lines: Lines


class Reader:
    """Reads one text, once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._refusals: list[Refusal] = []
        self._lines = Lines(text)
        self._anchors: dict[str, Block] = {}
        self._root = Block([], [], 0, key=_NO_KEY)
        self._open = [self._root]
        self._top = self._root
        self._values = 0
        self._characters = 0

    def read(self) -> Reading:
        """All of the text, up to what cannot be read."""
        try:
            self._refuse_directives()
            self._follow()
        except Refusal as refusal:
            self._refusals.append(refusal)
        # PyYAML's own parser answers "\U00110000" with a ValueError.
        except (yaml.YAMLError, ValueError) as error:
            self._refusals.append(explained(error, self._text, self._bracket()))
        is_whole = all(refusal.rule == "duplicate-key" for refusal in self._refusals)
        return Reading(
            value=self._root.value[0] if is_whole and self._root.value else None,
            refusals=tuple(self._refusals),
            outline=self._root.parts[0] if self._root.parts else None,
            lines=self._lines,
        )

    def _bracket(self) -> int | None:
        """The index of the innermost open [ or {; a single pair in a list, as in [a: b], has none of its own."""
        for block in reversed(self._open[1:]):
            found = _BRACKET.match(self._text, block.at)
            if found:
                return found.end() - 1
        return None

    def _refuse_directives(self) -> None:
        # libyaml compares each %TAG with all before it: 1 MiB of them takes it twelve seconds.
        found = _DIRECTIVE.search(self._text)
        if found:
            message = "a line that starts with % is a directive"
            raise self._refusal(found.end() - 1, "yaml-syntax", message, "Remove the line")

    def _follow(self) -> None:
        next_event = _LOADER(self._text).get_event
        while True:
            event = next_event()
            at, kind = event.start_mark.index, type(event)
            if kind is yaml.ScalarEvent:
                self._take_text(event, at)
            elif kind is yaml.MappingStartEvent:
                self._enter(Block({}, {}, at, key=_AWAITED), event)
            elif kind is yaml.SequenceStartEvent:
                self._enter(Block([], [], at, key=_NO_KEY), event)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._leave()
            elif kind is yaml.AliasEvent:
                self._take_alias(event.anchor, at)
            elif kind is yaml.DocumentStartEvent and self._root.value:
                fix = "Keep one, and put the other in its own file"
                raise self._refusal(at, "yaml-syntax", "a second document starts here", fix)
            elif kind is yaml.StreamEndEvent:
                return

    def _take_text(self, event: yaml.ScalarEvent, at: int) -> None:
        text = event.value
        self._count(at)
        self._characters += len(text)
        if event.tag is not None:
            self._report_tag(at)
        if event.style == '"' and not text.isprintable():
            found = invisible(text)
            if found:
                self._report(at, "yaml-syntax", f"the text holds {found}", "Leave it out")
        value = None if text in _NULL and not event.style else text
        if event.anchor is not None:
            named = _text_block(value, at)
            named.values, named.characters = 1, len(text)
            self._name(event.anchor, named)
        if self._top.key is _AWAITED:
            self._take_key(text, at, merges=text == "<<" and not event.style)
        else:
            self._put(value, at)

    def _name(self, anchor: str, block: Block) -> None:
        first = self._anchors.get(anchor)
        if first is not None:
            message = f"{f'&{shortened(anchor)}'!r} names two values, the first in line {self._place(first.at).line}"
            self._report(block.at, "yaml-aliases", message, "Rename one of them")
        self._anchors[anchor] = block

    def _take_alias(self, anchor: str, at: int) -> None:
        named = self._named(anchor, at)
        self._values += named.values
        self._characters += named.characters
        if self._values > MAX_VALUES or self._characters > MAX_BYTES:
            limit = f"{MAX_VALUES:,} keys and values, or {MAX_BYTES >> 20} MiB of text"
            message, fix = f"written out, the aliases up to here make more than {limit}", "Take out aliases"
            raise self._refusal(at, "yaml-aliases", message, fix)
        self._refuse_depth(at, named.height)
        top = self._top
        top.height = max(top.height, 1 + named.height)
        if top.key is not _AWAITED:
            self._put(named.value, named)
        elif isinstance(named.value, str):
            self._take_key(named.value, at, merges=False)
        else:
            self._refuse_key(at)

    def _named(self, anchor: str, at: int) -> Block:
        """What an alias stands for."""
        named, shown = self._anchors.get(anchor), repr(f"*{shortened(anchor)}")
        if named is None:
            fix = "Write the value out, or put it in quotes if it is a text that starts with *"
            self._report(at, "yaml-aliases", f"{shown} names nothing above", fix)
        elif named.is_open:
            self._report(at, "yaml-aliases", f"{shown} stands within what it names", "Write the value out")
        else:
            return named
        return _text_block(None, at)

    def _take_key(self, text: str, at: int, *, merges: bool) -> None:
        top = self._top
        first = top.keys.get(text)
        if merges:
            message = "'<<' merges mappings, which the catalog does not do"
            self._report(at, "yaml-syntax", message, "Write out the keys that it would bring")
        elif not text:
            self._report(at, "yaml-syntax", "a key is empty", "Write a name before the colon")
        elif first is not None:
            message = f"{shortened(text)!r} is given twice, first in line {self._place(first).line}"
            self._report(at, "duplicate-key", message, "Keep one of them")
        else:
            top.keys[text], top.key = at, text
            return
        top.key = _REFUSED

    def _refuse_key(self, at: int) -> None:
        message, fix = "a key is a mapping or list", "Write a name before the colon; put text in quotes"
        self._report(at, "yaml-syntax", message, fix)
        self._top.key = _REFUSED

    def _put(self, value: Any, part: Part) -> None:
        top = self._top
        if top.key is _NO_KEY:
            top.value.append(value)
            top.parts.append(part)
            return
        if top.key is not _REFUSED:
            top.value[top.key], top.parts[top.key] = value, part
        top.key = _AWAITED

    def _enter(self, block: Block, event: yaml.CollectionStartEvent) -> None:
        block.values, block.characters = self._values, self._characters
        self._count(block.at)
        self._refuse_depth(block.at, 1)
        if event.tag is not None:
            self._report_tag(block.at)
        if event.anchor is not None:
            self._name(event.anchor, block)
        if self._top.key is _AWAITED:
            self._refuse_key(block.at)
        else:
            self._put(block.value, block)
        self._open.append(block)
        self._top = block

    def _leave(self) -> None:
        block = self._open.pop()
        block.is_open = False
        block.values, block.characters = self._values - block.values, self._characters - block.characters
        self._top = self._open[-1]
        self._top.height = max(self._top.height, 1 + block.height)

    def _count(self, at: int) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            message = f"the file holds more than {MAX_VALUES:,} keys and values"
            raise self._refusal(at, "yaml-size", message, "Split it")

    def _refuse_depth(self, at: int, height: int) -> None:
        if len(self._open) - 1 + height > MAX_DEPTH:
            message = f"mappings and lists stand more than {MAX_DEPTH} deep in each other"
            fix = "Close those above, or write the value flat"
            raise self._refusal(at, "yaml-size", message, fix)

    def _report_tag(self, at: int) -> None:
        # The mark is that of the anchor where one stands before the tag.
        index = self._text.find("!", at)
        tag = re.compile(r"!(<[^>]*>|[^\s,\[\]{}]*)").match(self._text, index)
        shown = shortened(tag[0]) if tag else "!"
        self._report(index, "yaml-syntax", f"{shown!r} is a tag", REMOVE_TAG)

    def _place(self, at: int) -> Place:
        return self._lines.place(at)

    def _refusal(self, at: int, rule: str, message: str, fix: str) -> Refusal:
        return Refusal(self._place(at), rule=rule, message=message, fix=fix)

    def _report(self, at: int, rule: str, message: str, fix: str) -> None:
        self._refusals.append(self._refusal(at, rule, message, fix))
        if len(self._refusals) == MAX_REFUSALS:
            message, fix = (
                f"the file is read no further after {MAX_REFUSALS} problems",
                "Mend those above first",
            )
            raise self._refusal(at, "yaml-size", message, fix)


def _text_block(value: str | None, at: int) -> Block:
    block = Block(value, [], at, key=_NO_KEY)
    block.is_open, block.height = False, 0
    return block
