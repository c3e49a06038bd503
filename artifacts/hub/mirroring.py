"""A commit of the Hub is mirrored into a folder of a bucket: what is missing is copied, and the digest is of all files.

A survey comes first. It reads the small files, which the Hub publishes no SHA-256 of, so that the digest is known
before any weights move. Then files go in pieces through memory, in their order, by a few workers: a piece is as much
as a worker holds, whatever the size of the model.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from artifacts.digest import FileDigest, Kind, digest_of
from artifacts.errors import RefusedError, StorageError
from artifacts.hub.place import MirrorPlace, Unfinished
from artifacts.hub.repository import HubFile, HubRepository
from artifacts.hub.selection import Selection
from artifacts.hub.upload import OtherBytesError, PartsUpload
from artifacts.storage.parallel import Report, Tally, in_parallel, report_nothing
from artifacts.storage.parts import part_ranges

WORKERS: Final = 8
"""Pieces under way at once: with PIECE, 256 MiB of memory."""

PIECE: Final = 32 << 20
"""Bytes of a part in S3, which takes 5 MiB to 5 GiB; larger for a file of over 320 GB, since S3 takes 10,000 parts."""

_FEW: Final = 5
"""Names in a message."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """The way of copying."""

    workers: int = WORKERS
    piece: int = PIECE
    """Bytes."""
    report: Report = report_nothing


@dataclass(frozen=True, kw_only=True)
class Commit:
    """The files of one commit that are mirrored, and where they go."""

    repository: HubRepository
    commit: str
    selection: Selection
    place: MirrorPlace

    @property
    def halt(self) -> threading.Event:
        """Ends all that waits."""
        return self.repository.connection.halt


@dataclass(frozen=True, kw_only=True)
class Survey:
    """The files that a mirror would copy. Nothing was written."""

    files: tuple[FileDigest, ...]
    """All of the artifact, sorted by name."""
    missing: frozenset[str]
    """Names of those that the bucket lacks, or has with other bytes."""

    @property
    def digest(self) -> str:
        """The artifact's digest, as `slipway artifacts digest` computes it."""
        return digest_of(Kind.TREE, self.files)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def size_missing(self) -> int:
        """Bytes that are copied."""
        return sum(file.size for file in self.files if file.name in self.missing)


@dataclass(frozen=True, kw_only=True)
class _Piece:
    file: HubFile
    number: int
    first: int
    length: int


def survey(commit: Commit, manner: Manner) -> Survey:
    """Compare a commit's files with what lies in the bucket.

    Raises:
        RefusedError: other files lie there, or the Hub or S3 refuse it.
        HubError: the Hub does not answer, or sends other bytes than it lists.
        StorageError: S3 does not answer.
    """
    chosen = commit.selection.chosen
    sizes = commit.place.sizes()
    for file in chosen:
        commit.place.key(file.name)
        if file.sha256 is None and file.size > manner.piece:
            raise RefusedError(
                f"{file.path!r} has {file.size:,} bytes outside LFS, and the Hub publishes no SHA-256 of it. Fix: "
                "leave it out with --include"
            )
    if strange := sorted(sizes.keys() - {file.name for file in chosen}):
        raise RefusedError(
            f"{commit.place} holds other files, which would be part of the artifact: {_named(strange)}. Fix: remove "
            "them, include them, or name another place with --to"
        )

    def one(file: HubFile) -> tuple[FileDigest, bool]:
        sha256 = file.sha256 or hashlib.sha256(commit.repository.whole(commit.commit, file)).hexdigest()
        there = sizes.get(file.name) == file.size and commit.place.sha256_of(file.name) == sha256
        return FileDigest(name=file.name, size=file.size, sha256=sha256), there

    found = in_parallel(one, chosen, workers=manner.workers, stop=threading.Event(), ended=commit.halt)
    return Survey(
        files=tuple(file for file, _ in found),
        missing=frozenset(file.name for file, there in found if not there),
    )


def mirror(commit: Commit, surveyed: Survey, manner: Manner) -> None:
    """Copy what the survey found missing. What a file is replaced by, and parts that are sent, S3 compares by SHA-256.

    Raises:
        HubError: the Hub sends other bytes than it lists, or none. What was copied is kept.
        StorageError: S3 does not take it, or somebody else writes there.
    """
    copy = _Copy(commit, surveyed, manner)
    in_parallel(copy.piece, copy.pieces(), workers=manner.workers, stop=threading.Event(), ended=commit.halt)
    _must_be_whole(commit.place, surveyed)


class _Copy:
    """One run of a mirror; `piece` is called from many threads."""

    def __init__(self, commit: Commit, surveyed: Survey, manner: Manner) -> None:
        self._commit = commit
        self._manner = manner
        self._digests = {file.name: file for file in surveyed.files if file.name in surveyed.missing}
        self._tally = Tally(
            files_total=len(surveyed.missing), size_total=surveyed.size_missing, report=manner.report
        )
        self._uploads = self._prepared()

    def pieces(self) -> Iterator[_Piece]:
        """Yield all pieces of all missing files, in order."""
        for file in self._commit.selection.chosen:
            if file.name in self._uploads:
                for number, first, last in part_ranges(file.size, self._manner.piece):
                    yield _Piece(file=file, number=number, first=first, length=last - first + 1)
            elif file.name in self._digests:
                yield _Piece(file=file, number=1, first=0, length=file.size)

    def piece(self, piece: _Piece) -> None:
        """Bring one piece from the Hub to S3."""
        upload = self._uploads.get(piece.file.name)
        if upload is None:
            self._whole(piece.file)
        else:
            self._part(piece, upload)

    def _whole(self, file: HubFile) -> None:
        content = self._commit.repository.whole(self._commit.commit, file)
        self._commit.place.put(self._digests[file.name], content)
        self._tally.add(size=file.size, files=1)

    def _part(self, piece: _Piece, upload: PartsUpload) -> None:
        repository, commit, file = self._commit.repository, self._commit.commit, piece.file
        content = repository.piece(commit, file, first=piece.first, length=piece.length)
        try:
            upload.add(piece.number, content)
        except OtherBytesError as error:
            raise repository.tampered(commit, file, error.found, self._digests[file.name].sha256) from error
        self._tally.add(size=piece.length, files=1 if piece.first + piece.length == file.size else 0)

    def _prepared(self) -> Mapping[str, PartsUpload]:
        """Return the uploads of the files that go in parts. Of what earlier runs have left, one upload of each is
        taken up, and all else is ended: its parts would be paid for, and seen by nobody."""
        place, manner = self._commit.place, self._manner
        large = {name: file for name, file in self._digests.items() if file.size > manner.piece}
        taken_up: dict[str, Unfinished] = {}
        for left in place.unfinished():
            if left.hashed and left.name in large and left.name not in taken_up:
                taken_up[left.name] = left
            else:
                place.end(left)
        return {
            name: PartsUpload(
                place, file, len(part_ranges(file.size, manner.piece)), taken_up.get(name), self._commit.halt
            )
            for name, file in large.items()
        }


def _must_be_whole(place: MirrorPlace, surveyed: Survey) -> None:
    wanted = {file.name: file.size for file in surveyed.files}
    there = place.sizes()
    if there != wanted:
        differing = sorted(
            name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name)
        )
        raise StorageError(
            f"{place}: somebody else writes there: {_named(differing)}. Fix: find out who, and run it again"
        )


def _named(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:_FEW]))
    return f"{shown} and {len(names) - _FEW:,} more" if len(names) > _FEW else shown
