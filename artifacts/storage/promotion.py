"""From a source to an environment's bucket: listed, copied, compared with the digest, and published at last.

Safe to kill at any moment and to run twice at once. Files without a manifest may be taken over by any run, so a run
whose files are not those of the digest deletes none of them: it cannot know which of them another run is about to
publish. A run whose files are replaces and removes what is wrong, and that is never another run's.
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
from artifacts.storage.copying import Copier, PublishedMeanwhileError
from artifacts.storage.parallel import Report, Tally, in_parallel, report_nothing
from artifacts.storage.parts import PART_SIZE, SINGLE_COPY_LIMIT
from artifacts.storage.placed import Placed
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
        _take_back(target, placed, mismatch)
        raise mismatch
    published = _publish(copier, listing, placed, damaged, manner.workers)
    copied = [file.found.size for file in placed.values() if file.copied]
    return Promotion(published=published, copied=len(copied), copied_size=sum(copied))


def _publish(
    copier: Copier, listing: Listing, placed: dict[str, Placed], damaged: Published | None, workers: int
) -> Published:
    """Writes the manifest, and looks at the files once more: what somebody did to them just before it was written is
    repaired, and the manifest replaced by one that names the new objects."""
    target, replacing = copier.target, damaged.etag if damaged else None
    _settle(copier, placed, workers)
    for _ in range(_ROUNDS):
        manifest = Manifest(
            kind=listing.kind.value,
            digest=target.digest,
            source=str(copier.source),
            files=tuple(_line(placed[each.name]) for each in listing.objects),
        )
        published = target.publish(manifest, replacing=replacing) or target.must_be_published()
        if not _settle(copier, placed, workers):
            return published
        replacing = published.etag
    raise _interfered(target, "its files")


def _take_back(target: Target, placed: Mapping[str, Placed], mismatch: DigestMismatchError) -> None:
    """Removes what this run copied and what is not of a published artifact; while nothing is published, nothing.
    Where it may not, that is a note: what went wrong is the digest."""
    copied = {name: file for name, file in placed.items() if file.copied}
    if not copied:
        return
    stays = f"{len(copied):,} files that were copied stay unpublished below {target}"
    try:
        published = target.published()
        if published is None:
            mismatch.add_note(
                f"{stays}; the next run from the right source takes over or removes each of them"
            )
            return
        right = {file.name: file.sha256 for file in published.manifest.files}
        target.remove({name: file.etag for name, file in copied.items() if right.get(name) != file.sha256})
    except StorageError as error:
        mismatch.add_note(f"{stays}: {error}")


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


def _settle(copier: Copier, placed: dict[str, Placed], workers: int) -> bool:
    """Returns once the target holds just what was placed, and whether anything had to be copied for it, in `placed`
    too: what waited for the digest, and what somebody removed or replaced. What a run with other files left is removed.

    Only for files that gave the digest: what is strange to them is never another run's.

    The listing is that of objects. One of versions is as long as all that a mended artifact ever held, and each copy's
    answer has its version id already.

    Raises:
        StorageError: somebody goes on doing so.
    """
    any_lost = False
    for _ in range(_ROUNDS):
        there = copier.target.etags()
        strange = {name: etag for name, etag in there.items() if name not in placed}
        lost = [file for name, file in placed.items() if there.get(name) != file.etag]
        if not strange and not lost:
            return any_lost
        copier.target.remove(strange)
        again = in_parallel(copier.replace, lost, workers=workers, stop=copier.stop)
        placed |= {file.found.name: file for file in again}
        any_lost = any_lost or bool(lost)
    raise _interfered(copier.target, repr([*sorted(strange), *(file.found.name for file in lost)][0]))


def _interfered(target: Target, what: str) -> StorageError:
    return StorageError(
        f"{target}: somebody else writes there again and again, e.g. {what}. Fix: find out who, and run it again"
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
