"""From a source to an environment's bucket: listed, copied, compared with the digest, and published at last.

Safe to kill at any moment and to run twice at once: files without a manifest are nobody's, the manifest is written
when all of them are there, and only where there is none.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from artifacts.digest import FileDigest, digest_of
from artifacts.errors import DigestMismatchError, StorageError
from artifacts.manifest import Manifest, ManifestFile
from artifacts.storage.client import WORKERS
from artifacts.storage.copying import PART_SIZE, SINGLE_COPY_LIMIT, Copier, Placed, PublishedMeanwhileError
from artifacts.storage.parallel import Report, Tally, in_parallel, report_nothing
from artifacts.storage.source import Listing, Source, SourceObject, list_source
from artifacts.storage.target import Published, Target

_ROUNDS: Final = 3
"""How often files that somebody removed or replaced before the end are copied anew."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How it is done, as opposed to what."""

    workers: int = WORKERS
    report: Report = report_nothing
    """Called with the progress, from many threads and one at a time."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Ends it between two requests."""
    single_copy_limit: int = SINGLE_COPY_LIMIT
    """Bytes up to which an object is copied by one request. At most S3's own limit."""
    part_size: int = PART_SIZE
    """Bytes of a part beyond."""


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """What is published now, and what it took."""

    published: Published
    copied: int = 0
    """Files."""
    copied_size: int = 0
    """Bytes."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a promotion would do now."""

    files: int
    size: int
    """Bytes."""
    published: bool
    """Whether the digest is there already, so that nothing is copied."""


def foresee(source: Source, target: Target) -> Forecast:
    """Reads the manifest, and lists the source only when there is none.

    Raises:
        RefusedError: the source holds no files, or such that cannot be kept.
        StorageError: S3 cannot or may not be asked.
    """
    if published := target.published():
        manifest = published.manifest
        return Forecast(files=len(manifest.files), size=manifest.size, published=True)
    listing = list_source(source)
    return Forecast(files=len(listing.objects), size=listing.size, published=False)


def promote(source: Source, target: Target, manner: Manner | None = None) -> Promotion:
    """Publishes the source's files under the target's digest; does nothing when they are.

    Raises:
        DigestMismatchError: the files are not those of the digest. Nothing is published.
        RefusedError: there are no files, or their names cannot be kept.
        StorageError: S3 did not do it; what was copied is kept for the next run.
    """
    if published := target.published():
        return Promotion(published=published)
    try:
        return _promote(source, target, manner or Manner(), None)
    except PublishedMeanwhileError:
        return Promotion(published=target.must_be_published())


def mend(source: Source, target: Target, manner: Manner | None = None) -> Promotion:
    """Copies anew what is missing or altered of a published artifact, removes what does not belong to it, and
    replaces the manifest, which names the new objects. What is as it was published stays, also when its source is not.

    Raises: as :func:`promote`. A file whose source has changed is left out rather than replaced by another one.
    """
    return _promote(source, target, manner or Manner(), target.published())


def _promote(source: Source, target: Target, manner: Manner, damaged: Published | None) -> Promotion:
    listing = list_source(source)
    copier = _copier(source, target, listing, manner, damaged)
    there = target.etags()
    placed = _place(copier, listing.objects, there, manner.workers)
    found = digest_of(listing.kind, (_digest_of(file) for file in placed.values()))
    if found != target.digest:
        mismatch = DigestMismatchError(str(source), target.digest, found)
        if damaged or target.published() is None:
            _take_back(target, placed, mismatch)
        raise mismatch
    _settle(copier, placed, manner.workers)
    manifest = Manifest(
        kind=listing.kind.value,
        digest=target.digest,
        source=str(source),
        files=tuple(_line(placed[each.name]) for each in listing.objects),
    )
    published = target.publish(manifest, replacing=damaged.etag if damaged else None)
    copied = [file.found.size for file in placed.values() if file.copied]
    return Promotion(
        published=published or target.must_be_published(), copied=len(copied), copied_size=sum(copied)
    )


def _take_back(target: Target, placed: Mapping[str, Placed], mismatch: DigestMismatchError) -> None:
    """Removes what this run copied. Where it may not, that is a note: what went wrong is the digest."""
    try:
        target.remove(sorted(name for name, file in placed.items() if file.copied))
    except StorageError as error:
        mismatch.add_note(f"what was copied stays there unpublished: {error}")


def _copier(
    source: Source, target: Target, listing: Listing, manner: Manner, damaged: Published | None
) -> Copier:
    known = damaged.manifest.files if damaged else ()
    in_parts = sum(found.size > manner.single_copy_limit for found in listing.objects)
    return Copier(
        source=source,
        target=target,
        tally=Tally(files_total=len(listing.objects), size_total=listing.size, report=manner.report),
        part_workers=max(1, manner.workers // max(1, in_parts)),
        stop=manner.stop,
        published={file.name: file for file in known},
        single_copy_limit=manner.single_copy_limit,
        part_size=manner.part_size,
    )


def _place(
    copier: Copier, objects: Iterable[SourceObject], there: Mapping[str, str], workers: int
) -> dict[str, Placed]:
    """Copies what is not there, or not right."""

    def one(found: SourceObject) -> Placed:
        return copier.place(found, maybe_there=found.name in there)

    placed = in_parallel(one, objects, workers=workers, stop=copier.stop)
    return {file.found.name: file for file in placed}


def _settle(copier: Copier, placed: dict[str, Placed], workers: int) -> None:
    """Returns once the target holds just what was placed: what a run with other files left is removed, and what
    somebody removed or replaced meanwhile is copied again, in `placed` too.

    The listing is that of objects. One of versions is as long as all that a mended artifact ever held, and each copy's
    answer has its version id already.

    Raises:
        StorageError: somebody goes on doing so.
    """
    for _ in range(_ROUNDS):
        there = copier.target.etags()
        strange = sorted(there.keys() - placed.keys())
        lost = [name for name, file in placed.items() if there.get(name) != file.etag]
        if not strange and not lost:
            return
        copier.target.remove(strange)
        placed |= _place(copier, [placed[name].found for name in lost], there, workers)
    raise StorageError(
        f"{copier.target}: somebody else writes there, e.g. {(strange + lost)[0]!r}, so nothing was published. "
        "Fix: find out who, and run it again"
    )


def _digest_of(file: Placed) -> FileDigest:
    return FileDigest(name=file.found.name, size=file.found.size, sha256=file.sha256)


def _line(file: Placed) -> ManifestFile:
    return ManifestFile(
        name=file.found.name,
        size=file.found.size,
        sha256=file.sha256,
        etag=file.etag,
        version_id=file.version_id,
    )
