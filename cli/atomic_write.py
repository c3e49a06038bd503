"""Several files replaced together: all of them, or none, and by one command at a time.

Each new content is first written beside its file and flushed to the disk; then each is renamed over the old one,
which no reader sees half done. A rename that fails takes back those before it. Only a machine that dies between two
renames leaves some files new and some old: the first in order are the new ones.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NO_LOCKS: Final = frozenset({errno.EBADF, errno.ENOLCK, errno.ENOTSUP})
"""A file system that locks no folders, as NFS (flock(2), "NFS details": an exclusive lock needs a file that is open for
writing, which a folder never is)."""


class ChangedMeanwhileError(Exception):
    """A file is no longer what the change was made from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} changed on disk meanwhile; nothing was written")


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """New content of one file."""

    path: Path
    """A link is followed: what it leads to is replaced, the link stays."""
    before: bytes | None
    """What the change was made from; None where there was no file."""
    after: bytes


class Exclusive:
    """The right to change files below one folder, from :func:`exclusive`."""


@contextmanager
def exclusive(root: Path) -> Iterator[Exclusive]:
    """Waits until no other command changes files below `root`, and keeps them waiting.

    The lock is the folder's own: it outlives the files that are renamed in it, leaves nothing behind, and ends with a
    process that is killed. A file system that locks no folders is used without: what changed up to the comparison is
    still found.
    """
    descriptor = os.open(root, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        yield Exclusive()
    finally:
        os.close(descriptor)


def replace_all(_held: Exclusive, replacements: Sequence[Replacement]) -> None:
    """Writes them in order. Raises ChangedMeanwhileError, or OSError, with every file as it was."""
    with _new_folders(replacements), _temporaries() as temporaries:
        staged = [(one, one.path.resolve(), temporaries.write(one)) for one in replacements]
        for one, target, _ in staged:
            if _content(target) != one.before:
                raise ChangedMeanwhileError(one.path)
        done: list[tuple[Replacement, Path]] = []
        try:
            for one, target, temporary in staged:
                os.replace(temporary, target)  # noqa: PTH105 - tests make this very call fail
                done.append((one, target))
        except BaseException:
            for one, target in reversed(done):
                _take_back(one, target)
            raise
        for folder in {target.parent for _, target, _ in staged}:
            _flush_folder(folder)


class _Temporaries:
    def __init__(self) -> None:
        self.paths: list[Path] = []

    def write(self, one: Replacement) -> Path:
        target = one.path.resolve()
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        path = Path(name)
        self.paths.append(path)
        with os.fdopen(descriptor, "wb") as file:
            file.write(one.after)
            os.fchmod(descriptor, _mode(target))
            file.flush()
            os.fsync(descriptor)
        return path


@contextmanager
def _temporaries() -> Iterator[_Temporaries]:
    temporaries = _Temporaries()
    try:
        yield temporaries
    finally:
        for path in temporaries.paths:
            path.unlink(missing_ok=True)


@contextmanager
def _new_folders(replacements: Sequence[Replacement]) -> Iterator[None]:
    """Makes the folders of new files; those go again where it ends in an error."""
    made: list[Path] = []
    try:
        for one in replacements:
            folder = one.path.resolve().parent
            missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
            for parent in reversed(missing):
                parent.mkdir()
                made.append(parent)
        yield
    except BaseException:
        for folder in reversed(made):
            with suppress(OSError):  # somebody else put something into it
                folder.rmdir()
        raise


def _mode(target: Path) -> int:
    """As the file has it; a new one gets what the process gives to new files."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _take_back(one: Replacement, target: Path) -> None:
    if one.before is None:
        target.unlink(missing_ok=True)
        return
    with _temporaries() as temporaries:
        temporary = temporaries.write(Replacement(path=target, before=None, after=one.before))
        temporary.rename(target)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
