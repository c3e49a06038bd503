"""YAML with places: the value as text, and the line and column of every key and value.

Scalars stay text and the schema gives them their type. YAML 1.1's guesses would turn the language `no` into
False, the version 1.10 into 1.1 and 1_000 into 1000. Of YAML it takes mappings, lists, text and aliases; tags, merge
keys, directives and a second document are refused. Nothing a file holds makes it raise, and with libyaml none of
1 MiB takes two seconds.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model_catalog.problem import Problem
from model_catalog.yaml_reader import Block, Part, Reader
from model_catalog.yaml_text import START, Lines, Place, Refusal, decoded, read_bytes

Location = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Source:
    """One file: its plain value, where each part stands, and what is already wrong with it.

    What a file means is unknown where something other than a repeated key is wrong with it; its value is None then.
    """

    file: str
    value: Any = None
    problems: tuple[Problem, ...] = ()
    outline: Part | None = field(default=None, repr=False, compare=False)
    lines: Lines = field(default=Lines(""), repr=False, compare=False)

    def place(self, location: Location, *, key: bool = False) -> Place:
        """Where the value (or its key) stands; for a missing one, where its nearest parent does."""
        part = self.outline
        for depth, step in enumerate(location, start=1):
            inner = _step(part, step)
            if inner is None:
                break
            if key and depth == len(location) and isinstance(part, Block) and step in part.keys:
                return self.lines.place(part.keys[str(step)])
            part = inner
        return START if part is None else self.lines.place(part.at if isinstance(part, Block) else part)

    def problem(self, location: Location, *, rule: str, message: str, fix: str, key: bool = False) -> Problem:
        """A finding at a location of this file."""
        place = self.place(location, key=key)
        return Problem(
            file=self.file, line=place.line, column=place.column, rule=rule, message=message, fix=fix
        )


def read_source(path: Path, name: str) -> Source:
    """Read one file. Whatever is wrong with it becomes problems, never exceptions."""
    try:
        content = read_bytes(path)
    except Refusal as refusal:
        return _refused(name, refusal)
    return parse_source(content, name)


def parse_source(text: str | bytes, name: str) -> Source:
    """Read what a file holds. Whatever is wrong with it becomes problems, never exceptions."""
    # A str may hold halves of surrogate pairs; as bytes they are refused like all that is not UTF-8.
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        reading = Reader(decoded(content)).read()
    except Refusal as refusal:
        return _refused(name, refusal)
    return Source(
        file=name,
        value=reading.value,
        problems=tuple(_problem(name, refusal) for refusal in reading.refusals),
        outline=reading.outline,
        lines=reading.lines,
    )


def _step(part: Part | None, step: str | int) -> Part | None:
    """The part below another; None where there is none."""
    if not isinstance(part, Block):
        return None
    if isinstance(part.parts, dict):
        return part.parts.get(str(step))
    return part.parts[step] if isinstance(step, int) and 0 <= step < len(part.parts) else None


def _refused(file: str, refusal: Refusal) -> Source:
    return Source(file=file, problems=(_problem(file, refusal),))


def _problem(file: str, refusal: Refusal) -> Problem:
    return Problem(
        file=file,
        line=refusal.place.line,
        column=refusal.place.column,
        rule=refusal.rule,
        message=refusal.message,
        fix=refusal.fix,
    )
