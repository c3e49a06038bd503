"""Whether a published artifact is still what was published: by one listing, or by reading every byte again."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from artifacts.manifest import ManifestFile
from artifacts.storage.client import WORKERS
from artifacts.storage.hashing import full_sha256, stream_sha256
from artifacts.storage.parallel import Report, Tally, in_parallel, report_nothing
from artifacts.storage.target import Published, Stored, Target


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What is not as published, by file name."""

    published: Published
    missing: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    """There, with other bytes."""
    additional: tuple[str, ...] = ()
    """Below the digest's prefix, and not of the artifact."""

    @property
    def whole(self) -> bool:
        """Whether all is as it was published."""
        return not (self.missing or self.altered or self.additional)

    def sentences(self) -> list[str]:
        """One for each finding."""
        words = (
            (self.missing, "is missing"),
            (self.altered, "was altered"),
            (self.additional, "does not belong there"),
        )
        return [f"{name} {what}" for names, what in words for name in names]


def check(target: Target) -> Findings:
    """Compares one listing with the manifest's ETags and version ids.

    An object that differs is asked for its SHA-256, one request each: a copy of the same bytes is no finding.

    Raises:
        NotPublishedError: there is no manifest.
        StorageError: the manifest is damaged, or S3 cannot or may not be asked.
    """
    published = target.must_be_published()
    stored = target.listing()
    suspects = [
        file for file in published.manifest.files if file.name in stored and _differs(file, stored[file.name])
    ]
    altered = {file.name for file in suspects if full_sha256(target.head(file.name) or {}) != file.sha256}
    return _findings(published, stored, altered)


def verify(target: Target, *, report: Report = report_nothing, workers: int = WORKERS) -> Findings:
    """Reads every file again and compares its SHA-256 with the manifest's; finds what :func:`check` finds too.

    Raises: as :func:`check`.
    """
    published = target.must_be_published()
    stored = target.listing()
    files = [file for file in published.manifest.files if file.name in stored]
    tally = Tally(
        files_total=len(files), size_total=sum(stored[file.name].size for file in files), report=report
    )

    def rehash(file: ManifestFile) -> bool:
        request: Mapping[str, Any] = {
            "Bucket": target.bucket,
            "Key": target.key(file.name),
            **target.owned(),
        }
        found = stream_sha256(target.client, request, read=lambda count: tally.add(size=count))
        tally.add(size=0, files=1)
        return found == file.sha256

    right = in_parallel(rehash, files, workers=workers, stop=threading.Event())
    altered = {file.name for file, is_right in zip(files, right, strict=True) if not is_right}
    return _findings(published, stored, altered)


def _differs(file: ManifestFile, stored: Stored) -> bool:
    return (file.size, file.etag, file.version_id) != (stored.size, stored.etag, stored.version_id)


def _findings(published: Published, stored: Mapping[str, Stored], altered: set[str]) -> Findings:
    names = {file.name for file in published.manifest.files}
    return Findings(
        published=published,
        missing=tuple(sorted(names - stored.keys())),
        altered=tuple(sorted(altered)),
        additional=tuple(sorted(stored.keys() - names)),
    )
