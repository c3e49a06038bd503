"""Reading what others wrote: no more of a file or of JSON than a limit, and nothing that ends this program."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from pathlib import Path
from typing import Any

from workloads.artifacts.limits import DEEPEST, LARGEST_NUMBER, MOST_VALUES

_LONGEST_DIGITS = 25
"""Of a whole number: LARGEST_NUMBER has 19. Python's time for a number grows with the square of its digits."""
_TOKEN = re.compile(rb'\\.|["\[\]{}]', re.DOTALL)
"""Brackets, quotation marks, and what a backslash takes its meaning from."""
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")


class UnreadableError(ValueError):
    """The content is not what it should be, or is more than a limit allows; the message says which."""


def read_file(path: Path, longest: int) -> bytes:
    """Return at most `longest` + 1 bytes of a regular file: one more than allowed shows that there are more.

    Raises OSError, and for a pipe, a folder or a device UnreadableError: reading a pipe would never end.
    """
    return _read(path, longest + 1, from_end=False)


def read_tail(path: Path, longest: int) -> bytes:
    """Return the last bytes of a regular file. Raises as read_file."""
    return _read(path, longest, from_end=True)


def _read(path: Path, count: int, *, from_end: bool) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - of a descriptor
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableError(f"{path} is no file")
        if from_end:
            file.seek(max(0, found.st_size - count))
        return file.read(count)


def parse_json(content: bytes, longest: int, *, values: int = MOST_VALUES) -> Any:
    """Return the document. Raises UnreadableError where it is no JSON, or more than the limits allow.

    Its size, its depth and the number of its values are counted before it is parsed. Numbers are finite and at most
    LARGEST_NUMBER, and texts are whole characters: half of one (a lone surrogate) cannot be written anywhere.
    """
    if len(content) > longest:
        raise UnreadableError(f"it has more than {longest} bytes")
    if sum(map(content.count, (b"{", b"[", b","))) > values:
        raise UnreadableError(f"it holds more than {values} values")
    if _nests_deeper(content, DEEPEST):
        raise UnreadableError(f"it nests deeper than {DEEPEST} levels")
    try:
        document = json.loads(content.decode("utf-8"), **NUMBERS)
    except UnreadableError:
        raise
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"it is no JSON: {error}") from None
    if _SURROGATE.search(content):
        check_text(document)
    return document


def check_text(document: Any) -> None:
    """Raise UnreadableError where a text in the document holds half a character."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError:
                raise UnreadableError("a text in it holds half a character (a lone surrogate)") from None
        elif isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value


def printable(text: str) -> bytes:
    """Return the text in UTF-8; what UTF-8 cannot write is escaped. Names of files may hold it."""
    return text.encode("utf-8", "backslashreplace")


def _nests_deeper(content: bytes, most: int) -> bool:
    level, in_text = 0, False
    for found in _TOKEN.finditer(content):
        token = found[0]
        if token == b'"':
            in_text = not in_text
        elif not in_text and len(token) == 1:
            level += 1 if token in b"[{" else -1
            if level > most:
                return True
    return False


def _whole_number(text: str) -> int:
    if len(text) > _LONGEST_DIGITS or abs(int(text)) > LARGEST_NUMBER:
        raise UnreadableError(f"a number in it is larger than {LARGEST_NUMBER}: {text[:_LONGEST_DIGITS]}")
    return int(text)


def _fraction(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or abs(number) > LARGEST_NUMBER:
        raise UnreadableError(f"a number in it is larger than {LARGEST_NUMBER}: {text[:_LONGEST_DIGITS]}")
    return number


def _constant(text: str) -> float:
    raise UnreadableError(f"{text} in it is no number")


NUMBERS: dict[str, Any] = {
    "parse_constant": _constant,
    "parse_float": _fraction,
    "parse_int": _whole_number,
}
"""For json's decoder."""
