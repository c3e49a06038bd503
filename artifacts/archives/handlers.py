"""Released handler code: a zip for each version, whose digest is committed beside it, so that none changes unseen."""

from __future__ import annotations

import hashlib
import io
import re
import stat
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, NoReturn

from artifacts.archives.layout import (
    HANDLER_FILE,
    MANIFEST_FOLDER,
    MARK_NAME,
    MODEL_CONFIG,
    WEIGHTS_FOLDER,
    stored,
)
from artifacts.digest import FileDigest, Kind, digest_of, is_digest
from artifacts.errors import RefusedError
from artifacts.names import normal_name, refuse_collisions

RELEASED_HANDLERS: Final = Path(__file__).parents[2] / "workloads" / "handlers" / "released"
DIGESTS_FILE: Final = "digests.txt"
"""`<name> <version> sha256:…`, a line for each released version."""

_MOST_BYTES: Final = 16 << 20
"""Of a release's zip, which is read whole: code and word lists; the largest has 35,047 bytes on 2026-11-23."""
_ENCRYPTED: Final = 0x1
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_PARTS: Final = 3
_RELEASE: Final = "Fix: put it back as it was committed, and release a change as a new version"


@dataclass(frozen=True, kw_only=True)
class HandlerCode:
    """One version of a handler: all that it brings into an archive.

    Raises RefusedError where its names cannot be those of an archive's files.
    """

    name: str
    version: str
    files: Mapping[str, bytes]
    """Relative POSIX name → content."""

    def __post_init__(self) -> None:
        for what, text in (("name", self.name), ("version", self.version)):
            if not _NAME.fullmatch(text):
                raise RefusedError(
                    f"the handler's {what} {text!r} holds more than letters, digits, '_', '.' and '-'. Fix: rename it"
                )
        _refuse_names(f"the handler {self}", self.files)
        object.__setattr__(self, "files", MappingProxyType(dict(sorted(self.files.items()))))

    @property
    def digest(self) -> str:
        """Of its files, as docs/artifacts.md defines a folder's."""
        return digest_of(
            Kind.TREE,
            (
                FileDigest(name=name, size=len(body), sha256=hashlib.sha256(body).hexdigest())
                for name, body in self.files.items()
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def read_handler(root: Path, name: str, version: str) -> HandlerCode:
    """A released version of a handler, checked against the digest that was committed with it.

    Raises:
        RefusedError: there is no such release, or its files are not those that were released.
    """
    released = _released(root)
    expected = released.get((name, version))
    if expected is None:
        raise RefusedError(
            f"{root / DIGESTS_FILE}: handler-known: the handler {name} has no released version {version!r}. "
            f"Fix: name one of these: {_known(released, name)}; or release it with "
            f"`python -m workloads.handlers.release {name}`"
        )
    return _checked(root, name, version, expected)


def read_handlers(root: Path = RELEASED_HANDLERS) -> Mapping[tuple[str, str], HandlerCode]:
    """(name, version) → code of every release; empty where nothing was released yet.

    Raises:
        RefusedError: a release is not what was released.
    """
    return MappingProxyType(
        {
            (name, version): _checked(root, name, version, digest)
            for (name, version), digest in _released(root).items()
        }
    )


def _checked(root: Path, name: str, version: str, expected: str) -> HandlerCode:
    path = root / f"{name}-{version}.zip"
    code = HandlerCode(name=name, version=version, files=_files(path))
    if code.digest != expected:
        raise RefusedError(
            f"{path}: released-handler: the files of {code} are not those that were released, and a release never "
            f"changes\n  expected {expected}\n  found    {code.digest}\n{_RELEASE}"
        )
    return code


def _released(root: Path) -> dict[tuple[str, str], str]:
    """(name, version) → digest, sorted."""
    path = root / DIGESTS_FILE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    found: dict[tuple[str, str], str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split()
        if len(parts) != _PARTS or not is_digest(parts[2]) or not all(map(_NAME.fullmatch, parts[:2])):
            raise RefusedError(
                f"{path}:{number}: released-handler: {line!r} is not a handler's name, its version and "
                f"sha256: with 64 hex digits. {_RELEASE}"
            )
        if (parts[0], parts[1]) in found:
            raise RefusedError(
                f"{path}:{number}: released-handler: {parts[0]} {parts[1]} is there twice. {_RELEASE}"
            )
        found[parts[0], parts[1]] = parts[2]
    return dict(sorted(found.items()))


def _files(path: Path) -> dict[str, bytes]:
    """Of a zip that has the very bytes which its files make when they are released: so it holds no link, no folder,
    no name twice, and nothing before, between or behind its files."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        _refuse(path, "is not there")
    if not stat.S_ISREG(found.st_mode):
        _refuse(path, "is no file of its own")
    if found.st_size > _MOST_BYTES:
        _refuse(path, f"has {found.st_size:,} bytes, and {_MOST_BYTES:,} is the most")
    content = path.read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            entries = opened.infolist()
            if any(entry.flag_bits & _ENCRYPTED for entry in entries):
                _refuse(path, "holds encrypted files")
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                _refuse(path, "holds compressed files")
            if sum(entry.file_size for entry in entries) > len(content):
                _refuse(path, "says that its files are larger than itself")
            files = {entry.filename: opened.read(entry) for entry in entries}
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, struct.error) as error:
        _refuse(path, f"is no whole zip ({error})")
    if stored(sorted(files.items(), key=lambda file: file[0].encode())) != content:
        _refuse(
            path, "is not packed as a release is: regular files alone, each once, in order, and nothing else"
        )
    return files


def _refuse(path: Path, what: str) -> NoReturn:
    raise RefusedError(f"{path}: released-handler: the zip of a release {what}. {_RELEASE}")


def _known(released: Mapping[tuple[str, str], str], name: str) -> str:
    of_name = [version for known, version in released if known == name]
    if of_name:
        return f"{name} {', '.join(of_name)}"
    return ", ".join(f"{known} {version}" for known, version in released) or "none is released yet"


def _refuse_names(place: str, files: Mapping[str, bytes]) -> None:
    for name in files:
        if normal_name(name) != name:
            raise RefusedError(
                f"{place}: the file name {name!r} is not in Unicode's composed form (NFC). Fix: rename it"
            )
        top = name.split("/")[0].casefold()
        if top in _RESERVED:
            raise RefusedError(
                f"{place}: archive-names: the file {name!r} lies where {_RESERVED[top]}. Fix: rename it"
            )
    refuse_collisions(files)
    if HANDLER_FILE not in files:
        raise RefusedError(
            f"{place} has no {HANDLER_FILE}, which TorchServe starts. Fix: add it at the top of the folder"
        )


_RESERVED: Final = MappingProxyType(
    {
        MANIFEST_FOLDER.casefold(): "the archive's manifest lies",
        MARK_NAME: "the archive says what it is made of",
        MODEL_CONFIG: "TorchServe may find settings that win over the catalog's",
        WEIGHTS_FOLDER: "an exported archive has its weights",
    }
)
"""First part of a name, in small letters → what it belongs to."""
