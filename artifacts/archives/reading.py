"""What is in an archive, and whether TorchServe may be given it.

TorchServe takes much without a word: a zip that unpacks beside its folder, a version that is a number, an archive
without a handler. What is refused here would be found by a worker that dies, or by nobody.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

from artifacts.archives.layout import MARK_FORMAT, MARK_NAME, WEIGHTS_FOLDER
from artifacts.digest import is_digest
from artifacts.errors import RefusedError
from workloads.agent.archive_rules import ArchiveRuleError, check_archive, read_document


@dataclass(frozen=True, kw_only=True)
class ArchiveMember:
    """One file in an archive."""

    name: str
    size: int
    """Bytes, unpacked."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What Slipway says of an archive that it made."""

    handler: str
    handler_version: str
    weights: str
    """Digest of the weights."""


@dataclass(frozen=True, kw_only=True)
class ArchiveContent:
    """What an archive says of itself."""

    model: str
    version: str
    handler: str
    """As in handler.py, or one of TorchServe's own, as in text_classifier."""
    mark: Mark | None
    """None where somebody else made it."""
    files: tuple[ArchiveMember, ...]
    """Sorted by name, folders left out."""

    @property
    def size(self) -> int:
        """Bytes of all files, unpacked."""
        return sum(file.size for file in self.files)

    @property
    def thin(self) -> bool:
        """Whether its weights lie elsewhere."""
        inside = any(file.name.startswith(f"{WEIGHTS_FOLDER}/") for file in self.files)
        return self.mark is not None and not inside


def read_archive(archive: bytes | Path) -> ArchiveContent:
    """Goes by workloads.agent.archive_rules, which the agent goes by too, and reads the two small documents.

    Raises:
        RefusedError: it is no archive that TorchServe should be given; says which rule and the fix.
        OSError: the file cannot be read.
    """
    place = str(archive) if isinstance(archive, Path) else "the archive"
    if isinstance(archive, Path):
        with archive.open("rb") as file:
            return _read(file, place)
    return _read(io.BytesIO(archive), place)


def _read(file: IO[bytes], place: str) -> ArchiveContent:
    try:
        checked = check_archive(file)
        written = read_document(file, MARK_NAME) if MARK_NAME in checked.names else None
    except ArchiveRuleError as error:
        raise RefusedError(f"{place}: {error}") from error
    mark = None if written is None else _mark(_object(written, place, MARK_NAME), place)
    model = checked.manifest["model"]
    members = (ArchiveMember(name=entry.name, size=entry.size) for entry in checked.files)
    return ArchiveContent(
        model=_text(model, "modelName", place),
        version=_text(model, "modelVersion", place),
        handler=_text(model, "handler", place),
        mark=mark,
        files=tuple(sorted(members, key=lambda member: member.name)),
    )


def _mark(document: dict[str, Any], place: str) -> Mark:
    if document.get("format") != MARK_FORMAT:
        _refuse(
            place,
            "archive-mark",
            f"has a {MARK_NAME} of format {document.get('format')!r}, and this Slipway reads {MARK_FORMAT}",
            "read it with the Slipway that made it",
        )
    handler = _object(document.get("handler"), place, f"handler of {MARK_NAME}")
    weights = _text(document, "weights", place)
    if not is_digest(weights):
        _refuse(place, "archive-mark", f"names weights {weights!r}, which is no digest", "build it again")
    return Mark(
        handler=_text(handler, "name", place),
        handler_version=_text(handler, "version", place),
        weights=weights,
    )


def _object(value: Any, place: str, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refuse(place, "archive-manifest", f"has no object {what}", "pack it with torch-model-archiver")
    return value


def _text(document: dict[str, Any], key: str, place: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value:
        _refuse(
            place,
            "archive-manifest",
            f"says {key}: {json.dumps(value)}, which is no text",
            f'write it in quotation marks in the manifest, as in "{key}": "1.0"',
        )
    return value


def _refuse(place: str, rule: str, what: str, fix: str) -> NoReturn:
    raise RefusedError(f"{place}: {rule}: it {what}. Fix: {fix}")
