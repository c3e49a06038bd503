"""An artifact's manifest: which files it has, proved by its digest. docs/artifacts.md defines both.

Nothing that a manifest says is used before its lines gave the digest that was asked for, and its names are checked
here too: they become paths.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from workloads.artifacts.bounded import NUMBERS
from workloads.artifacts.limits import LONGEST_MANIFEST, LONGEST_MANIFEST_PART, MOST_FILES, MOST_NAMES
from workloads.artifacts.port import ContentError

MANIFEST = "manifest.json"
FILES = "files"
_LONGEST_NAME, _LONGEST_PART = 900, 255
_HEX = re.compile(r"[0-9a-f]{64}")
_HEADER = b"slipway-tree-1\n"
_SPACE = re.compile(r"[ \t\r\n]*")
_PIECE = 64 << 10
_MOST_KEYS = 100
"""Of the manifest itself; it has five."""
_UNSAFE = {"Cc", "Cs", "Zl", "Zp"}
"""Categories of Unicode that break lines or are no characters. The writer refuses more: what it may refuse depends on
its Unicode's age, and an older one here must not refuse what it let through."""


class ArtifactFile(NamedTuple):
    """One file. `size` is in bytes, `sha256` 64 hexadecimal digits. A tuple: there may be 100,000."""

    name: str
    size: int
    sha256: str


def read_manifest(pieces: Iterable[bytes], digest: str, place: str) -> tuple[ArtifactFile, ...]:
    """Return the files of the artifact. Raises ContentError where they are not those of the digest.

    The manifest is read piece by piece, and never whole: as one text and one tree of objects it takes twenty times its
    length.
    """
    try:
        written, kind, files = _parsed(_Cursor(pieces))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ContentError(f"{place} is no manifest: {error!r}") from None
    if written != 1 or kind not in ("file", "tree"):
        raise ContentError(
            f"{place} has format {written!r} and kind {kind!r}; this agent reads 1, file and tree"
        )
    reason = _refusal(files)
    if reason:
        raise ContentError(f"{place} names files that no artifact has: {reason}")
    found = digest_of(kind, files)
    if found != digest:
        raise ContentError(f"{place} is altered: its files give {found}, not {digest}")
    return files


class _Cursor:
    """A place in a JSON document that comes in pieces. Every method raises ValueError where the document ends."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = _bounded(pieces)
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._json = json.JSONDecoder(**NUMBERS)
        self._text, self._at, self._ended = "", 0, False

    def value(self) -> Any:
        """Read one value of at most LONGEST_MANIFEST_PART characters."""
        self.peek()
        self._ahead(LONGEST_MANIFEST_PART)
        try:
            found, end = self._json.raw_decode(self._text, self._at)
        except json.JSONDecodeError:
            if self._ended:
                raise
            end = len(self._text)
        if end - self._at >= LONGEST_MANIFEST_PART:
            raise ValueError(f"a part of it has more than {LONGEST_MANIFEST_PART} characters, or is no JSON")
        self._at = end
        return found

    def peek(self) -> str:
        """Return the next character that is no white space; "" at the end."""
        while self._ahead(1):
            self._at += len(_SPACE.match(self._text, self._at)[0])  # type: ignore[index] # it matches nothing too
            if self._at < len(self._text):
                return self._text[self._at]
        return ""

    def take(self, expected: str) -> str:
        """Pass the next character, which is one of those."""
        found = self.peek()
        if not found or found not in expected:
            raise ValueError(f"{found!r} where one of {expected!r} belongs")
        self._at += 1
        return found

    def _ahead(self, count: int) -> bool:
        """Have so many characters here, if there are as many left."""
        while len(self._text) - self._at < count and not self._ended:
            piece = next(self._pieces, None)
            self._ended = piece is None
            self._text = self._text[self._at :] + self._decode(piece or b"", self._ended)
            self._at = 0
        return len(self._text) > self._at


def _bounded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > LONGEST_MANIFEST:
            raise ValueError(f"it has more than {LONGEST_MANIFEST} bytes")
        for start in range(0, len(piece), _PIECE):
            yield piece[start : start + _PIECE]


def _parsed(cursor: _Cursor) -> tuple[Any, Any, tuple[ArtifactFile, ...]]:
    """The manifest's format, kind and files."""
    head: dict[str, Any] = {}
    files: tuple[ArtifactFile, ...] | None = None
    cursor.take("{")
    for _ in range(_MOST_KEYS):
        key = cursor.value()
        cursor.take(":")
        if key == "files":
            files = tuple(_listed(cursor))
        else:
            head[key] = cursor.value()
        if cursor.take(",}") == "}":
            break
    if cursor.peek():
        raise ValueError("something follows it")
    if files is None:
        raise KeyError("files")
    return head["format"], head["kind"], files


def _listed(cursor: _Cursor) -> Iterator[ArtifactFile]:
    cursor.take("[")
    if cursor.peek() == "]":
        cursor.take("]")
        return
    names = 0
    for _ in range(MOST_FILES):
        file = _file(cursor.value())
        names += sys.getsizeof(file.name)
        if names > MOST_NAMES:
            raise ValueError(f"the names of its files take more than {MOST_NAMES} bytes of memory")
        yield file
        if cursor.take(",]") == "]":
            return
    raise ValueError(f"it holds more than {MOST_FILES} files")


def digest_of(kind: str, files: tuple[ArtifactFile, ...]) -> str:
    """`sha256:…` of one file, or of a folder."""
    if kind == "file":
        return f"sha256:{files[0].sha256}" if len(files) == 1 else ""
    return tree_digest(sorted(files, key=lambda file: file.name.encode()))


def tree_digest(files: Iterable[ArtifactFile]) -> str:
    """`sha256:…` of a folder whose files come in the order of their names' bytes."""
    hashed = hashlib.sha256(_HEADER)
    for file in files:
        hashed.update(f"{file.sha256} {file.size} {file.name}\n".encode())
    return f"sha256:{hashed.hexdigest()}"


def _file(entry: Any) -> ArtifactFile:
    name, size, sha256 = entry["name"], entry["size"], entry["sha256"]
    if not isinstance(name, str) or not isinstance(sha256, str) or not _HEX.fullmatch(sha256):
        raise ValueError(f"{name!r} with the SHA-256 {sha256!r}")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise ValueError(f"{name!r} with a size of {size!r}")
    return ArtifactFile(name=name, size=size, sha256=sha256)


def _refusal(files: tuple[ArtifactFile, ...]) -> str:
    names = {file.name for file in files}
    if not files:
        return f"no file; the rule: 1 to {MOST_FILES}"
    if len(names) != len(files):
        return "one name comes twice"
    for name in sorted(names):
        parts = name.split("/")
        if any(unicodedata.category(character) in _UNSAFE for character in name) or "\\" in name:
            return f"{name!r} has a control character or a backslash"
        if {"", ".", ".."} & set(parts):
            return f"{name!r} has an empty part, or one that is . or .."
        if len(name.encode()) > _LONGEST_NAME or any(len(part.encode()) > _LONGEST_PART for part in parts):
            return f"{name!r} is too long"
        if any("/".join(parts[:count]) in names for count in range(1, len(parts))):
            return f"{name!r} lies in what is a file"
    return ""
