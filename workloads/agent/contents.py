"""What an archive says of itself, read without unpacking it.

TorchServe has to be kept from what is no zip file: it takes it for an archive without a manifest and registers an empty
version 1.0 (measured, 0.12.0). An archive that passes its digest may still be hostile: it is what a researcher made.
"""

from __future__ import annotations

import io
import struct
import threading
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workloads.agent.archives import ArchiveError
from workloads.agent.bounded import UnreadableError, parse_json
from workloads.agent.limits import LONGEST_ARCHIVED_DOCUMENT, LONGEST_DIRECTORY

_MANIFEST, _THIN = "MAR-INF/MANIFEST.json", "slipway.json"
_OWN_WEIGHTS = "weights/"
"""Folder of an exported archive that brings its weights."""
_UNPACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""What Java unpacks too. LZMA's own header says how much memory it takes, up to 4 GiB."""
_ONE_AT_A_TIME = threading.Lock()
"""Held while an archive's entries are in memory: four models may be registered at once."""


@dataclass(frozen=True)
class Inside:
    """What an archive says of itself."""

    version: str
    weights: str | None
    """The digest that its slipway.json names; None where it has no such file."""
    brings_weights: bool
    """It has a folder of its own with them."""
    model: str | None = None
    """By which its adapter looks for them; None where it says none."""


def look_inside(path: Path) -> Inside:
    """Return what the archive says. Raises ArchiveError, or OSError where the file cannot be read."""
    with _ONE_AT_A_TIME, path.open("rb") as file:
        try:
            with zipfile.ZipFile(_Bounded(file)) as archive:
                names = frozenset(archive.namelist())
                manifest = _document(archive, _MANIFEST) if _MANIFEST in names else b""
                thin = _document(archive, _THIN) if _THIN in names else None
        except (zipfile.BadZipFile, EOFError, zlib.error, struct.error, RuntimeError, ValueError) as error:
            # RuntimeError: encrypted, or packed in a way that this Python does not know; ValueError: a place that no
            # file has.
            raise ArchiveError(f"the archive is corrupt: {error}") from None
    version, model = _described(manifest)
    return Inside(
        version=version,
        weights=None if thin is None else _weights_of(thin),
        brings_weights=any(name.startswith(_OWN_WEIGHTS) for name in names),
        model=model,
    )


class _Bounded(io.BufferedIOBase):
    """A file whose reader asks for no more at once than a list of entries may have.

    zipfile reads that list whole, by the length that the archive gives, and makes an object of each entry.
    """

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file

    def read(self, size: int | None = -1, /) -> bytes:
        """See io.BufferedIOBase. Raises ArchiveError where it is more."""
        most = LONGEST_DIRECTORY + 1
        content = self._file.read(most if size is None or size < 0 else min(size, most))
        if len(content) == most:
            raise ArchiveError(f"the archive's list of entries has more than {LONGEST_DIRECTORY} bytes")
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """See io.BufferedIOBase. Raises ArchiveError for a place that no file has."""
        if whence == io.SEEK_SET and offset < 0:
            raise ArchiveError(f"the archive is corrupt: it names the place {offset}")
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """See io.BufferedIOBase."""
        return self._file.tell()

    def seekable(self) -> bool:
        """See io.BufferedIOBase."""
        return True

    def readable(self) -> bool:
        """See io.BufferedIOBase."""
        return True


def _document(archive: zipfile.ZipFile, name: str) -> bytes:
    packed = archive.getinfo(name)
    if packed.compress_type not in _UNPACKED:
        raise ArchiveError(
            f"the archive is corrupt: {name} is packed by method {packed.compress_type}; the rule: it is stored or "
            "deflated"
        )
    content = b""
    if packed.file_size <= LONGEST_ARCHIVED_DOCUMENT:
        with archive.open(packed) as file:
            content = file.read(LONGEST_ARCHIVED_DOCUMENT)
    else:
        raise ArchiveError(f"the archive's {name} has more than {LONGEST_ARCHIVED_DOCUMENT} bytes")
    return content


def _described(manifest: bytes) -> tuple[str, str | None]:
    """The model's version and name."""
    try:
        described = parse_json(manifest, LONGEST_ARCHIVED_DOCUMENT)["model"]
        version, model = described["modelVersion"], described.get("modelName")
        if not isinstance(version, (str, int, float)):
            raise TypeError("modelVersion is no text")
    except (AttributeError, KeyError, TypeError, UnreadableError) as error:
        raise ArchiveError(f"the archive has no {_MANIFEST} with model.modelVersion: {error}") from None
    return str(version), None if model is None else str(model)


def _weights_of(thin: bytes) -> str:
    try:
        document: Any = parse_json(thin, LONGEST_ARCHIVED_DOCUMENT)
        if document["format"] == 1:
            return str(document["weights"])
        reason = f"its format is {document['format']!r}, and this agent reads 1"
    except (KeyError, TypeError, UnreadableError) as error:
        reason = repr(error)
    raise ArchiveError(f"the archive's {_THIN} names no weights: {reason}")
