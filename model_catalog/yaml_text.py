"""From a file's bytes to text that YAML can read: size, encoding, characters. Nothing here knows YAML."""

import re
import stat
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 1 << 20
"""1 MiB. A file of that size takes less than a second to read (2026-11); an entry of ten versions has 5 kB."""

_INVISIBLE: Final = re.compile(
    # YAML 1.1, 5.1: what may not stand in a file (NUL to DEL, surrogates, U+FFFE); and the characters that may, but
    # break lines where no editor does (NEL, LS, PS), or are a byte order mark in the middle of a file.
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"
)
_BREAK: Final = re.compile(r"\r\n|\r|\n")
_UTF_16: Final = re.compile(rb"\xff\xfe|\xfe\xff|\0[^\0]\0[^\0]|[^\0]\0[^\0]\0|\0\0\xfe\xff", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Line and column, both from 1."""

    line: int
    column: int


class Refusal(Exception):  # noqa: N818 - it never leaves the reader, which makes a Problem of it
    """What ends the reading of a file."""

    def __init__(self, place: Place, *, rule: str, message: str, fix: str) -> None:
        self.place, self.rule, self.message, self.fix = place, rule, message, fix
        super().__init__(message)


START: Final = Place(line=1, column=1)


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file, at most one more than MAX_BYTES. Raises Refusal for anything else."""
    try:
        kind = path.stat().st_mode
        # Before it is opened: opening a pipe waits for somebody to write into it.
        if not stat.S_ISREG(kind):
            what = "a folder" if stat.S_ISDIR(kind) else "no regular file"
            raise _unreadable(
                f"it is {what}", "Put a file here, or give it a name that does not end in .yaml"
            )
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        if path.is_symlink():
            target = str(path.readlink())
            raise _unreadable(
                f"it links to {target!r}, which does not exist", "Mend or remove the link"
            ) from None
        raise _unreadable("it does not exist", "Create it, or name another file") from None
    except PermissionError:
        raise _unreadable("you may not read it", f"Allow it, as in chmod u+r {path.name}") from None
    except OSError as error:
        raise _unreadable(error.strerror or str(error), "Make it a readable file") from error


def decoded(content: bytes) -> str:
    """Text without its byte order mark. Raises Refusal where it is too large, not UTF-8 or holds what is invisible."""
    if len(content) > MAX_BYTES:
        raise Refusal(
            START,
            rule="yaml-size",
            message=f"the file is larger than {MAX_BYTES >> 20} MiB",
            fix="Split it, or take out what does not belong here",
        )
    if _UTF_16.match(content):
        raise _not_yaml(START, "the file is UTF-16 or UTF-32", "Save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The offset that utf-8-sig gives does not count the mark.
        skipped = len(content) - len(error.object)
        before = error.object[: error.start].decode("utf-8", "replace")
        raise _not_yaml(
            Lines(before).place(len(before)),
            f"byte 0x{error.object[error.start]:02X} at offset {skipped + error.start} is not UTF-8",
            "Save the file as UTF-8",
        ) from None
    found = _INVISIBLE.search(text)
    if found:
        raise _not_yaml(
            Lines(text).place(found.start()), f"{_named(found[0])} cannot stand in a file", "Remove it"
        )
    return text


def invisible(text: str) -> str | None:
    """The first character, in words, that no value may hold; None where all are fine."""
    found = _INVISIBLE.search(text)
    return _named(found[0]) if found else None


class Lines:
    """Where characters of a text stand. Counts the lines when it is first asked."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in _BREAK.finditer(self._text))]

    def place(self, index: int) -> Place:
        """Line and column of a character."""
        line = bisect_right(self._starts, index)
        return Place(line=line, column=index - self._starts[line - 1] + 1)


def _named(character: str) -> str:
    return f"the invisible character U+{ord(character):04X}"


def _unreadable(message: str, fix: str) -> Refusal:
    return Refusal(START, rule="file-readable", message=f"the file cannot be read: {message}", fix=fix)


def _not_yaml(place: Place, message: str, fix: str) -> Refusal:
    return Refusal(place, rule="yaml-syntax", message=message, fix=fix)
