"""Names of an artifact's files: one spelling for each, and none that a file system or a reader cannot keep apart.

Names are relative, with `/` between their parts, in Unicode's composed form (NFC): macOS uploads `é` as two code
points and Linux as one, and both are the same file to a person.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from artifacts.errors import RefusedError

MOST_FILES: Final = 100_000
"""Files of one artifact. A manifest of so many takes about 30 MB, and an S3 listing 100 requests."""

LONGEST_NAME: Final = 900
"""Bytes of UTF-8. An S3 key has 1024 at most, of which `artifacts/sha256:…/files/` takes 88."""

LONGEST_PART: Final = 255
"""Bytes of UTF-8 between two slashes: what ext4, XFS and APFS keep."""

_REFUSED_CATEGORIES: Final = MappingProxyType(
    {
        "Cc": "a control character",
        "Cn": "a code point without a meaning",
        "Co": "a private code point",
        "Cs": "half of a surrogate pair",
        "Zl": "a line separator",
        "Zp": "a paragraph separator",
    }
)
"""Unicode's general categories that would break lines, or may be composed otherwise by a later Unicode."""

_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Make a name read as another one."""


def normal_name(name: str) -> str:
    """The one spelling of a file's name.

    Raises:
        RefusedError: the name cannot be kept safely; says why.
    """
    composed = unicodedata.normalize("NFC", name)
    if reason := _reason(composed):
        raise RefusedError(
            f"the file name {name!r} cannot be part of an artifact: it has {reason}. Fix: rename it"
        )
    return composed


def refuse_collisions(names: Iterable[str]) -> None:
    """Refuses files of which a folder can hold only one.

    Raises:
        RefusedError: two names are one after composing, or one file's name is another's folder; too many, or none.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise RefusedError(
                f"the file name {name!r} comes twice, spelled with composed and with separate accents. Fix: remove one"
            )
        seen.add(name)
    if not seen:
        raise RefusedError("an artifact has at least one file")
    if len(seen) > MOST_FILES:
        raise RefusedError(
            f"{len(seen):,} files are more than the {MOST_FILES:,} of one artifact. Fix: pack them into an archive"
        )
    for name in sorted(seen):
        for folder in _folders(name):
            if folder in seen:
                raise RefusedError(
                    f"{folder!r} is a file and, for {name!r}, a folder: no disk can hold both. Fix: rename one"
                )


def _folders(name: str) -> Iterable[str]:
    parts = name.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))


def _reason(name: str) -> str:
    """Why it is refused; empty when it is not."""
    for character in name:
        if what := _REFUSED_CATEGORIES.get(unicodedata.category(character)):
            return f"{what} (U+{ord(character):04X})"
        if character in _BIDI:
            return f"a character that turns the direction of reading (U+{ord(character):04X})"
    if "\\" in name:
        return "a backslash, which is a folder's end to some systems"
    parts = name.split("/")
    if "" in parts:
        return "an empty part between slashes, or at an end"
    if "." in parts or ".." in parts:
        return "a part . or .."
    if longest := next((part for part in parts if len(part.encode()) > LONGEST_PART), None):
        return f"a part of {len(longest.encode())} bytes, and {LONGEST_PART} is the most"
    if len(name.encode()) > LONGEST_NAME:
        return f"{len(name.encode())} bytes, and {LONGEST_NAME} is the most"
    return ""
