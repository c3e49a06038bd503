"""The manifest of a published artifact: its files and how S3 names each of them. It is written last.

A digest is published when, and only when, its manifest is there. Readers take names and sizes from it, never from
a listing.
"""

from __future__ import annotations

import json
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from artifacts.digest import FileDigest, Kind, digest_of, is_digest
from artifacts.errors import StorageError

ROOT: Final = "artifacts"
"""The folder of every bucket's artifacts."""

MANIFEST_NAME: Final = "manifest.json"

_MEND: Final = (
    "Fix: put back the object's last version, or delete it and run `pulumi refresh` and `pulumi up`, which copy "
    "only what is missing"
)


def folder_of(digest: str) -> str:
    """`artifacts/sha256:…/`, the prefix of one artifact's manifest and files."""
    if not is_digest(digest):
        raise ValueError(f"{digest!r} is not sha256: and 64 hex digits")
    return f"{ROOT}/{digest}/"


def files_of(digest: str) -> str:
    """The prefix of an artifact's files; apart from the manifest, since a model may have a manifest.json of its own."""
    return f"{folder_of(digest)}files/"


def manifest_key(digest: str) -> str:
    """The key of an artifact's manifest."""
    return f"{folder_of(digest)}{MANIFEST_NAME}"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ManifestFile(_Strict):
    """One file."""

    name: str
    size: int = Field(ge=0)
    """Bytes."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    etag: str
    """As S3 gave it, with its quotation marks."""
    version_id: str | None
    """None where the bucket keeps no versions."""


class Manifest(_Strict):
    """All files of one artifact."""

    format: Literal[1] = 1
    kind: Literal["file", "tree"]
    digest: str
    source: str
    """Where the files were copied from; for people."""
    files: tuple[ManifestFile, ...]
    """Sorted by name."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def recomputed_digest(self) -> str:
        """The digest that its own lines give."""
        files = (FileDigest(name=file.name, size=file.size, sha256=file.sha256) for file in self.files)
        return digest_of(Kind(self.kind), files)

    def to_bytes(self) -> bytes:
        """JSON with sorted keys, a file a line; the same for the same manifest."""
        head = self.model_dump(mode="json", exclude={"files"})
        files = ",\n".join(
            f"    {json.dumps(file.model_dump(mode='json'), sort_keys=True, ensure_ascii=False)}"
            for file in self.files
        )
        lines = [f"  {json.dumps(key)}: {json.dumps(head[key], ensure_ascii=False)}" for key in sorted(head)]
        return ("{\n" + ",\n".join([*lines, f'  "files": [\n{files}\n  ]']) + "\n}\n").encode()


def read_manifest(content: bytes, digest: str, place: str) -> Manifest:
    """A manifest that is what its key says.

    Raises:
        StorageError: it is damaged, from a newer Slipway, or of other files than the digest's.
    """
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "its text"
        raise StorageError(f"{place} cannot be read: {where}: {first['msg']}. {_MEND}") from error
    found = manifest.recomputed_digest()
    if manifest.digest != digest or found != digest:
        raise StorageError(f"{place} is damaged: its files give {found}, not {digest}. {_MEND}")
    return manifest
