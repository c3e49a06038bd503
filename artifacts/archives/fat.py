"""Writes an archive whose files may be larger than memory: one pass, in the order given, the same bytes each time."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from artifacts.archives.layout import WEIGHTS_FOLDER, entry

__all__ = ["WEIGHTS_FOLDER", "Member", "write_archive"]

_WIDE: Final = 1 << 31
"""Bytes from which a file's header has room for 64-bit sizes. Said here, since Python's own limit has changed."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One file of an archive."""

    name: str
    size: int
    """Bytes that the chunks add up to."""
    chunks: Iterable[bytes]
    """Taken once, when it is the file's turn."""


def write_archive(path: Path, members: Iterable[Member]) -> None:
    """Writes a new file. Raises FileExistsError, and whatever the chunks raise: what is half done is the caller's."""
    with path.open("xb") as file, zipfile.ZipFile(file, "w", allowZip64=True) as archive:
        for member in members:
            with archive.open(entry(member.name), "w", force_zip64=member.size >= _WIDE) as opened:
                for chunk in member.chunks:
                    opened.write(chunk)
