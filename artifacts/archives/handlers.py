"""Released handler code: frozen copies whose digests are committed beside them, so that none changes unseen."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from artifacts.archives.layout import HANDLER_FILE, MANIFEST_FOLDER, MARK_NAME, MODEL_CONFIG, WEIGHTS_FOLDER
from artifacts.digest import FileDigest, Kind, digest_of, is_digest
from artifacts.errors import RefusedError
from artifacts.names import normal_name, refuse_collisions

RELEASED_HANDLERS: Final = Path(__file__).parents[2] / "workloads" / "handlers" / "released"
DIGESTS_FILE: Final = "digests.txt"
"""`<name> <version> sha256:…`, a line for each released version."""

_CACHE: Final = "__pycache__"
"""Python leaves it where a test imports the code."""
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
    folder = root / name / version
    code = HandlerCode(name=name, version=version, files=dict(_files(folder)))
    if code.digest != expected:
        raise RefusedError(
            f"{folder}: released-handler: the files of {code} are not those that were released, and a release never "
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


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    if not folder.is_dir():
        raise RefusedError(f"{folder}: released-handler: the folder of a release is not there. {_RELEASE}")
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != _CACHE)
        for name in (*folders, *names):
            if Path(where, name).is_symlink():
                raise RefusedError(
                    f"{Path(where, name)}: released-handler: a release holds no links. {_RELEASE}"
                )
        for name in sorted(names):
            path = Path(where, name)
            yield path.relative_to(folder).as_posix(), path.read_bytes()


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
