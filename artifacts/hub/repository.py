"""A repository of the Hub answers with the commit behind a name, all files of a commit, and their bytes, checked.

Files are listed by the tree, page by page. The list in a repository's description (`siblings`) would be one request,
and the Hub may cut it off without a word (https://github.com/huggingface/huggingface_hub/pull/3565, 2025-11-21).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from artifacts.errors import HubError, RefusedError
from artifacts.hub.connection import HubConnection
from artifacts.names import MOST_FILES, normal_name

_Sha1 = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Size = Annotated[int, Field(ge=0)]

_COMMIT: Final = re.compile(r"[0-9a-f]{40}")

_SHOWN: Final = 12
"""Characters of a commit in a message."""


@dataclass(frozen=True, kw_only=True)
class HubFile:
    """A file of a commit as the Hub lists it."""

    path: str
    """The name as the Hub spells it."""
    size: int
    """Bytes."""
    git_sha1: str
    """The name of the git blob; a file in LFS has its pointer there."""
    sha256: str | None
    """Published for a file in LFS, in hex; None for a small one, whose git blob is checked instead."""

    @property
    def name(self) -> str:
        """Return its name in an artifact. Raises RefusedError for one that climbs or cannot be kept."""
        return normal_name(self.path)


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Description(_Read):
    sha: _Sha1


class _Lfs(_Read):
    oid: _Sha256
    size: _Size


class _Entry(_Read):
    type: str
    path: str
    size: _Size
    oid: _Sha1
    lfs: _Lfs | None = None


_PAGE: Final = TypeAdapter(list[_Entry])


@dataclass(frozen=True, kw_only=True)
class HubRepository:
    """Asks for one repository; may be used from many threads."""

    connection: HubConnection
    name: str
    """owner/name."""

    def commit_of(self, revision: str) -> str:
        """Return the commit, in 40 hex digits, that a branch, tag or commit is at this moment.

        Raises:
            RefusedError: there is no such repository or revision, or nobody may read it with this token.
            HubError: the Hub does not say it.
        """
        url = f"{self._api}/revision/{quote(revision, safe='')}"
        what = f"{self.name} at {revision}"
        content = self.connection.document(url, self.name, what).content
        try:
            commit = _Description.model_validate_json(content).sha
        except ValidationError as error:
            raise self._unreadable(what) from error
        if _COMMIT.fullmatch(revision) and revision != commit:
            raise HubError(f"{what}: the Hub answers with commit {commit}. Fix: correct HF_ENDPOINT")
        return commit

    def files(self, commit: str) -> tuple[HubFile, ...]:
        """List all files of the commit, in the Hub's order.

        Raises:
            RefusedError: it may not be read, or there are more files than an artifact has.
            HubError: the Hub does not list them.
        """
        found: list[HubFile] = []
        for page in self._pages(commit):
            found += [_file(entry) for entry in page if entry.type == "file"]
            if len(found) > MOST_FILES:
                raise RefusedError(
                    f"{self.name} has more than {MOST_FILES:,} files, the most of one artifact. Fix: mirror another "
                    "repository, with the files that are served alone"
                )
        return tuple(found)

    def piece(self, commit: str, file: HubFile, *, first: int, length: int) -> bytearray:
        """Return `length` bytes of a file from byte `first` on, as they come: nothing is checked.

        Raises:
            RefusedError: the Hub refuses it.
            HubError: it does not come.
        """
        return self.connection.piece(
            f"{self.connection.access.endpoint}/{self.name}/resolve/{commit}/{quote(file.path)}",
            self.name,
            self._what(commit, file),
            first=first,
            length=length,
            size=file.size,
        )

    def whole(self, commit: str, file: HubFile) -> bytearray:
        """Return all bytes of a file that fits into memory, checked against what the Hub publishes of it.

        Raises:
            RefusedError: the Hub refuses it.
            HubError: it does not come, or is not what the Hub publishes.
        """
        content = self.piece(commit, file, first=0, length=file.size)
        if file.sha256 is not None:
            found, wanted = hashlib.sha256(content).hexdigest(), file.sha256
        else:
            found, wanted = git_blob_sha1(content), file.git_sha1
        if found != wanted:
            raise self.tampered(commit, file, found, wanted)
        return content

    def tampered(self, commit: str, file: HubFile, found: str, wanted: str) -> HubError:
        """Return the error for bytes that are not those that the Hub publishes a checksum of."""
        kind = "SHA-256" if file.sha256 is not None else "git blob SHA-1"
        return HubError(
            f"{self._what(commit, file)}: the bytes are not those that the Hub lists, so they were not kept\n"
            f"  listed {kind} {wanted}\n  found {'':{len(kind)}} {found}\n"
            "Fix: run it again; if it says the same, something between here and the Hub alters files: see HF_ENDPOINT "
            "and your proxy"
        )

    def _pages(self, commit: str) -> Iterator[list[_Entry]]:
        what = f"the files of {self.name} at {commit[:_SHOWN]}"
        url: str | None = f"{self._api}/tree/{commit}?{urlencode({'recursive': 'true', 'expand': 'false'})}"
        for _ in range(MOST_FILES):
            if url is None:
                return
            if not self.connection.access.is_own(url):
                raise HubError(f"{what}: the next page is on another host. Fix: correct HF_ENDPOINT")
            document = self.connection.document(url, self.name, what)
            try:
                yield _PAGE.validate_json(document.content)
            except ValidationError as error:
                raise self._unreadable(what) from error
            url = document.following
        raise HubError(f"{what}: the listing does not end. Fix: correct HF_ENDPOINT")

    @property
    def _api(self) -> str:
        return f"{self.connection.access.endpoint}/api/models/{self.name}"

    def _what(self, commit: str, file: HubFile) -> str:
        return f"{self.name} at {commit[:_SHOWN]}: {file.path}"

    def _unreadable(self, what: str) -> HubError:
        return HubError(f"{what}: the answer is not one of the Hub's API. Fix: correct HF_ENDPOINT")


def git_blob_sha1(content: bytes | bytearray) -> str:
    """Return the name that git gives to a file's content."""
    digest = hashlib.sha1(b"blob %d\0" % len(content), usedforsecurity=False)
    digest.update(content)
    return digest.hexdigest()


def _file(entry: _Entry) -> HubFile:
    lfs = entry.lfs
    return HubFile(
        path=entry.path,
        size=lfs.size if lfs else entry.size,
        git_sha1=entry.oid,
        sha256=lfs.oid if lfs else None,
    )
