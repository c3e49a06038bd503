"""An artifact's manifest: which files it has, proved by its digest. docs/artifacts.md defines both.

Nothing that a manifest says is used before its lines gave the digest that was asked for, and its names are checked
here too: they become paths.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from workloads.agent.archives import ArchiveError

MANIFEST = "manifest.json"
FILES = "files"
LONGEST_MANIFEST = 64 << 20
"""Bytes. One of 100,000 files, the most of an artifact, has about 30 MB."""

_MOST_FILES = 100_000
_MOST_VALUES = 16 * _MOST_FILES
"""Objects, lists and their members. A file has about six; 64 MB of tiny objects would take 2 GB of memory, and an agent
that runs out of it serves no other model either."""
_LONGEST_NAME, _LONGEST_PART = 900, 255
_HEX = re.compile(r"[0-9a-f]{64}")
_HEADER = b"slipway-tree-1\n"
_UNSAFE = {"Cc", "Cs", "Zl", "Zp"}
"""Categories of Unicode that break lines or are no characters. The writer refuses more: what it may refuse depends on
its Unicode's age, and an older one here must not refuse what it let through."""


@dataclass(frozen=True)
class ArtifactFile:
    """One file. `size` is in bytes, `sha256` 64 hexadecimal digits."""

    name: str
    size: int
    sha256: str


def read_manifest(content: bytes, digest: str, place: str) -> tuple[ArtifactFile, ...]:
    """The files of the artifact. Raises ArchiveError where they are not those of the digest."""
    if sum(map(content.count, (b"{", b"[", b","))) > _MOST_VALUES:
        raise ArchiveError(f"{place} is no manifest: it holds more than {_MOST_FILES} files could need")
    try:
        document = json.loads(content)
        written, kind = document["format"], document["kind"]
        files = tuple(_file(entry) for entry in document["files"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ArchiveError(f"{place} is no manifest: {error!r}") from None
    if written != 1 or kind not in {"file", "tree"}:
        raise ArchiveError(
            f"{place} has format {written!r} and kind {kind!r}; this agent reads 1, file and tree"
        )
    reason = _refusal(files)
    if reason:
        raise ArchiveError(f"{place} names files that no artifact has: {reason}")
    found = digest_of(kind, files)
    if found != digest:
        raise ArchiveError(f"{place} is altered: its files give {found}, not {digest}")
    return files


def digest_of(kind: str, files: tuple[ArtifactFile, ...]) -> str:
    """`sha256:…` of one file, or of a folder."""
    if kind == "file":
        return f"sha256:{files[0].sha256}" if len(files) == 1 else ""
    hashed = hashlib.sha256(_HEADER)
    for file in sorted(files, key=lambda file: file.name.encode()):
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
    if not files or len(files) > _MOST_FILES:
        return f"{len(files)} files; the rule: 1 to {_MOST_FILES}"
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
