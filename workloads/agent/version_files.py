"""`versions/<model>/<version>.json`: what the adapter in a worker reads, since TorchServe passes nothing on to it.

Written before the version is registered, and left as it is until then: workers of one version that came up at
different times would otherwise differ. So the file is also what is in force.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from workloads.agent.configuration import Key, Version
from workloads.agent.limits import LONGEST_VERSION_FILE
from workloads.agent.state import InForce
from workloads.agent.weights import WeightsStore
from workloads.artifacts.bounded import parse_json, read_file
from workloads.artifacts.folders import delete, delete_quietly, flush_folder, is_folder, listed, own_folder
from workloads.artifacts.limits import MOST_ENTRIES
from workloads.artifacts.port import NO_SPACE, DiskFullError

_SUFFIX, _PART = ".json", ".part"


class VersionFiles:
    """The files of one folder."""

    def __init__(self, folder: Path, weights: WeightsStore) -> None:
        self._folder = folder
        self._weights = weights
        own_folder(folder)
        for path in self._files(f"{_SUFFIX}{_PART}"):
            delete_quietly(path)

    def present(self) -> dict[tuple[str, str], InForce]:
        """(model, version) → what its file says."""
        found = {}
        for path in self._files(_SUFFIX):
            with contextlib.suppress(FileNotFoundError):  # removed since the folder was listed
                found[path.parent.name, path.name[: -len(_SUFFIX)]] = _read(path)
        return found

    def write(self, key: Key, spec: Version) -> None:
        """Replaces the file whole, where it says something else. Raises DiskFullError or OSError."""
        weights = None if spec.weights is None else str(self._weights.path(spec.weights.digest))
        document = {"format": 1, "weights": weights, "gpuMemoryFraction": spec.gpu_memory_fraction}
        path = self._path(key)
        text = json.dumps(document, indent=2, sort_keys=True) + "\n"
        with contextlib.suppress(OSError, ValueError):
            if path.is_file() and read_file(path, LONGEST_VERSION_FILE).decode() == text:
                return
        try:
            own_folder(self._folder)
            own_folder(path.parent)
            if path.is_dir():
                delete(path)
            _replace(path, text)
        except OSError as error:
            if error.errno in NO_SPACE:
                raise DiskFullError(f"{path.parent} is full: {error.strerror}") from error
            raise

    def write_missing(self, key: Key, spec: Version) -> None:
        """As write, but what is there stays."""
        if not self._path(key).exists():
            self.write(key, spec)

    def remove(self, model: str, version: str) -> None:
        """Delete it, if it is there, and its model's folder with the last of them."""
        path = self._path(Key(model, version, ""))
        delete(path)
        with contextlib.suppress(OSError):  # others are left in it
            path.parent.rmdir()

    def _files(self, suffix: str) -> Iterator[Path]:
        """The files of all models, MOST_ENTRIES at most."""
        left = MOST_ENTRIES
        for model in listed(self._folder):
            for entry in listed(Path(model.path), left) if is_folder(model) else ():
                left -= 1
                if entry.name.endswith(suffix):
                    yield Path(entry.path)

    def _path(self, key: Key) -> Path:
        return self._folder / key.model / f"{key.version}{_SUFFIX}"


def _replace(path: Path, text: str) -> None:
    part = path.with_name(path.name + _PART)
    delete(part)
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    flush_folder(path.parent)


def _read(path: Path) -> InForce:
    """Nothing in force where it cannot be read: then registering writes it anew."""
    try:
        document = parse_json(read_file(path, LONGEST_VERSION_FILE), LONGEST_VERSION_FILE)
        folder, fraction = document["weights"], document["gpuMemoryFraction"]
        return InForce(
            weights=None if folder is None else Path(folder).name.replace("-", ":", 1),
            gpu_memory_fraction=None if fraction is None else float(fraction),
        )
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError):
        return InForce()
