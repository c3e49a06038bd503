"""What is in an archive, and whether TorchServe may be given it.

TorchServe takes much without a word: a zip that unpacks beside its folder, a version that is a number, an archive
without a handler. What is refused here would be found by a worker that dies, or by nobody.
"""

from __future__ import annotations

import io
import json
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, NoReturn

from artifacts.archives.layout import MANIFEST_NAME, MARK_FORMAT, MARK_NAME, WEIGHTS_FOLDER
from artifacts.digest import is_digest
from artifacts.errors import RefusedError
from artifacts.names import normal_name, refuse_collisions

MOST_BYTES: Final = 1 << 40
"""Unpacked, of one archive: 1 TiB."""
MOST_RATIO: Final = 200
"""Unpacked bytes for each packed one, beyond which an archive is a bomb: deflate's own limit is 1032, and text of
configurations reaches 20."""
RATIO_FROM: Final = 64 << 20
"""Bytes below which no ratio counts: a small file of zeros is no bomb."""
_MOST_JSON: Final = 1 << 20
_ENCRYPTED: Final = 0x1
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""Those that Java reads."""


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
    """Reads names and the two small documents; no other file is unpacked.

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
        with zipfile.ZipFile(file) as opened:
            entries = [entry for entry in opened.infolist() if not _is_folder(entry, place)]
            _refuse_entries(entries, place)
            _refuse_bomb(entries, file.seek(0, io.SEEK_END), place)
            manifest = _json(opened, MANIFEST_NAME, place)
            held = {entry.filename for entry in entries}
            mark = _mark(_json(opened, MARK_NAME, place), place) if MARK_NAME in held else None
    except (zipfile.BadZipFile, NotImplementedError, EOFError, UnicodeDecodeError) as error:
        _refuse(place, "archive-zip", f"is no whole zip ({error})", "pack it again, or copy it again")
    model = _object(manifest.get("model"), place, "model")
    handler = _text(model, "handler", place)
    module = handler.partition(":")[0]
    if module.endswith(".py") and module not in held:
        _refuse(place, "archive-handler", f"names {module}, which is not in it", "pack it with its handler")
    members = (ArchiveMember(name=entry.filename, size=entry.file_size) for entry in entries)
    return ArchiveContent(
        model=_text(model, "modelName", place),
        version=_text(model, "modelVersion", place),
        handler=handler,
        mark=mark,
        files=tuple(sorted(members, key=lambda member: member.name)),
    )


def _is_folder(entry: zipfile.ZipInfo, place: str) -> bool:
    """Whether it is one; where it would be made is looked at too."""
    if entry.is_dir():
        _refuse_name(entry.filename.rstrip("/"), place)
    return entry.is_dir()


def _refuse_entries(entries: list[zipfile.ZipInfo], place: str) -> None:
    for entry in entries:
        name = entry.orig_filename
        _refuse_name(name, place)
        if entry.flag_bits & _ENCRYPTED:
            _refuse(place, "archive-encrypted", f"holds {name!r} encrypted", "pack it without a password")
        if entry.compress_type not in _METHODS:
            _refuse(
                place, "archive-zip", f"packs {name!r} in a way that Java cannot read", "store or deflate it"
            )
        if stat.S_ISLNK(entry.external_attr >> 16):
            _refuse(place, "archive-names", f"holds a link {name!r}", "pack the file itself")
    try:
        refuse_collisions(entry.filename for entry in entries)
    except RefusedError as error:
        raise RefusedError(f"{place}: archive-names: {error}") from error
    if MANIFEST_NAME not in {entry.filename for entry in entries}:
        _refuse(place, "archive-manifest", f"has no {MANIFEST_NAME}", "pack it with torch-model-archiver")


def _refuse_bomb(entries: list[zipfile.ZipInfo], packed: int, place: str) -> None:
    """`packed` is the archive's own size: many entries may say that they are the same few bytes of it."""
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MOST_BYTES or (unpacked > RATIO_FROM and unpacked > packed * MOST_RATIO):
        _refuse(
            place,
            "archive-size",
            f"unpacks {packed:,} bytes to {unpacked:,}, more than {MOST_RATIO} for one or {MOST_BYTES:,} in all",
            "pack what the model needs alone",
        )


def _refuse_name(name: str, place: str) -> None:
    try:
        normal_name(name)
    except RefusedError as error:
        raise RefusedError(f"{place}: archive-names: {error}") from error


def _json(opened: zipfile.ZipFile, name: str, place: str) -> dict[str, Any]:
    entry = opened.getinfo(name)
    with opened.open(entry) as file:
        text = file.read(_MOST_JSON + 1)
    if len(text) > _MOST_JSON:
        _refuse(place, "archive-manifest", f"has a {name} of over {_MOST_JSON:,} bytes", "pack it again")
    try:
        return _object(json.loads(text), place, name)
    except (ValueError, RecursionError) as error:
        _refuse(place, "archive-manifest", f"has a {name} that is no JSON ({error})", "pack it again")


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
