"""The digest of an artifact: of one file its SHA-256, of a folder a SHA-256 over names, sizes and SHA-256s.

docs/artifacts.md defines it, with test vectors; changing it would rename every artifact.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from artifacts.errors import RefusedError
from artifacts.names import normal_name, refuse_collisions

PREFIX: Final = "sha256:"
_HEADER: Final = "slipway-tree-1\n"
"""Begins the text that a folder's digest is of, so that no file's digest can be taken for a folder's."""

_HEX: Final = re.compile(r"[0-9a-f]{64}\Z")


class Kind(StrEnum):
    """What the digest is of."""

    FILE = "file"
    """One object: the digest is what `sha256sum` prints of it."""
    TREE = "tree"
    """All objects below a prefix."""


@dataclass(frozen=True, kw_only=True)
class FileDigest:
    """One file as the digest sees it."""

    name: str
    """Relative, in NFC, `/` between parts."""
    size: int
    """Bytes."""
    sha256: str
    """64 hex digits, in small letters."""

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError(f"{self.name!r} has a size of {self.size}")
        if not _HEX.match(self.sha256):
            raise ValueError(f"{self.sha256!r} is not 64 hex digits in small letters")


def digest_of(kind: Kind, files: Iterable[FileDigest]) -> str:
    """`sha256:…` of one file or of a folder; the order in which files come does not matter.

    Raises:
        RefusedError: the names cannot be those of one folder, or a FILE is not one.
    """
    listed = sorted(files, key=lambda file: file.name.encode())
    if kind is Kind.FILE:
        if len(listed) != 1:
            raise RefusedError(f"a digest of one file, and there are {len(listed)}")
        return f"{PREFIX}{listed[0].sha256}"
    return _tree_digest(listed)


def is_digest(text: str) -> bool:
    """Whether it is `sha256:` and 64 hex digits."""
    return text.startswith(PREFIX) and bool(_HEX.match(text.removeprefix(PREFIX)))


def _tree_digest(listed: list[FileDigest]) -> str:
    for file in listed:
        if normal_name(file.name) != file.name:
            raise ValueError(f"{file.name!r} was not normalised")
    refuse_collisions(file.name for file in listed)
    digest = hashlib.sha256(_HEADER.encode())
    for file in listed:
        digest.update(f"{file.sha256} {file.size} {file.name}\n".encode())
    return f"{PREFIX}{digest.hexdigest()}"
