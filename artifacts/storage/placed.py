"""A file in the target, and what a copy there says of itself: which object it is a copy of, and its SHA-256."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from artifacts.manifest import ManifestFile
from artifacts.storage.hashing import full_sha256
from artifacts.storage.source import SourceObject

ETAG_MARK: Final = "slipway-source-etag"
SHA256_MARK: Final = "slipway-sha256"
"""Metadata of a copy: what it is a copy of, and what reading the source gave."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A file that lies in the target now."""

    found: SourceObject
    sha256: str
    etag: str = ""
    """In the target; empty while it waits until the digest was compared."""
    version_id: str | None = None
    """In the target; None where its bucket keeps no versions."""
    copied: bool = False
    """False when it was there already."""


def sha256_of_copy(there: Mapping[str, Any], found: SourceObject) -> str | None:
    """Return the SHA-256 of what says that it is a copy of this very object; None where it does not."""
    marks: Mapping[str, str] = there["Metadata"]
    if there["ContentLength"] != found.size or marks.get(ETAG_MARK) != found.etag:
        return None
    return full_sha256(there) or marks.get(SHA256_MARK)


def sha256_as_published(there: Mapping[str, Any], known: ManifestFile) -> str | None:
    """Return the SHA-256 of what is as published; None where it is not.

    The metadata is not believed here: whoever altered the object may have kept it.
    """
    untouched = there["ETag"] == known.etag or full_sha256(there) == known.sha256
    return known.sha256 if untouched and there["ContentLength"] == known.size else None
