"""Folders on a volume that others write to: made again where something else took their place, listed with a limit.

Workers run the models' code as the same user, and TorchServe's own files lie beside the agent's. Nothing here recurses:
a tree may nest as deep as its paths are long.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from workloads.artifacts.limits import MOST_ENTRIES, MOST_FILES


def own_folder(path: Path) -> None:
    """Make the folder, also where a file or a link, dangling or not, took its place. Raises OSError."""
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        path.unlink()
    path.mkdir(parents=True, exist_ok=True)


def listed(folder: Path, most: int = MOST_ENTRIES) -> Iterator[os.DirEntry[str]]:
    """Yield the first entries of the folder: none where it is no folder, or not there."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for number, entry in enumerate(entries):
            if number >= most:
                return
            yield entry


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder itself, and no link to one."""
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def files_below(root: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield (name below root, entry) of all that is no folder, in the order of the names' bytes.

    It holds the names of one folder for each level, and of a folder no more than an artifact may have. Raises OSError
    where a folder cannot be read.
    """
    waiting: list[Iterator[tuple[str, os.DirEntry[str]]]] = [_sorted(root, "")]
    while waiting:
        found = next(waiting[-1], None)
        if found is None:
            waiting.pop()
        elif is_folder(found[1]):
            waiting.append(_sorted(root / found[0], f"{found[0]}/"))
        else:
            yield found


def folders_below(root: Path) -> list[Path]:
    """The folder and all that lie in it, a folder before those within it. Raises OSError."""
    found = [root]
    for folder in found:  # it grows meanwhile
        with os.scandir(folder) as entries:
            found += [Path(entry.path) for entry in entries if is_folder(entry)]
    return found


def remove_empty(root: Path) -> None:
    """Delete the folders below root that hold no file. Raises OSError where one cannot be listed."""
    for folder in reversed(folders_below(root)[1:]):
        with contextlib.suppress(OSError):  # it holds a file
            folder.rmdir()


def _sorted(folder: Path, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """A folder comes where the names of its files come: after its own name and a slash."""
    with os.scandir(folder) as entries:
        within = itertools.islice(entries, MOST_FILES + 1)
        found = sorted(within, key=lambda entry: os.fsencode(entry.name + "/" * is_folder(entry)))
    return ((prefix + entry.name, entry) for entry in found)


def delete(path: Path) -> None:
    """Delete whatever it is, if it is there. Raises OSError where that is not allowed."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
            return
        while _emptied(path):
            pass
        path.rmdir()


def _emptied(folder: Path) -> bool:
    """Delete the files, and move what lies in its folders one level up. Returns whether that changed anything."""
    changed = False
    with os.scandir(folder) as entries:
        for entry in entries:
            if not is_folder(entry):
                Path(entry.path).unlink()
                changed = True
                continue
            with os.scandir(entry.path) as inner:
                for child in inner:
                    changed = True
                    if is_folder(child):
                        Path(child.path).rename(folder / uuid.uuid4().hex)
                    else:
                        Path(child.path).unlink()
            with contextlib.suppress(OSError):  # a listing may skip what is moved meanwhile
                Path(entry.path).rmdir()
                changed = True
    return changed


def delete_quietly(path: Path) -> None:
    """Delete it where that is allowed: what an earlier agent left keeps no other from starting."""
    with contextlib.suppress(OSError):
        delete(path)


def flush_folder(folder: Path) -> None:
    """Wait until the names in it are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
