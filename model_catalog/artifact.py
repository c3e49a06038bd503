"""Where a version's files come from."""

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from engines import UNRESOLVED
from model_catalog.base import CatalogModel
from model_catalog.ids import (
    AccountId,
    BucketName,
    CommitId,
    Digest,
    ObjectPath,
    RegionName,
    Repository,
    Revision,
)


class MirroredFrom(CatalogModel):
    """The commit on the Hub that the files are a copy of. `slipway artifacts mirror` writes it."""

    repository: Repository
    """owner/name on the Hub."""
    revision: CommitId
    """The commit."""


class BucketArtifact(CatalogModel):
    """Files of a version, where research left them."""

    bucket: BucketName
    """The S3 bucket that research writes to."""
    path: ObjectPath
    """Key of the file, or the prefix of all files."""
    digest: Digest
    """sha256 of the files, or `unresolved` until somebody has computed it; prod refuses the latter."""
    region: RegionName | None = None
    """Of the bucket, where it is not the environment's own, as in us-east-1."""
    account: AccountId | None = None
    """That must own the bucket, so that nobody else's of the same name is read. Left out: any that lets us read."""
    mirrored_from: MirroredFrom | None = None
    """Left out for files that did not come from the Hub."""

    @property
    def unresolved(self) -> tuple[str, ...]:
        """What of it nobody has observed yet, in words."""
        return ("its artifact's digest",) if self.digest == UNRESOLVED else ()

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.path}"


class HubArtifact(CatalogModel):
    """Weights that somebody published on the Hugging Face Hub. `slipway artifacts mirror` copies them into a bucket and
    puts that here instead: no server talks to the Hub."""

    repository: Repository
    """owner/name on the Hub."""
    revision: Revision
    """The commit, never a branch, or `unresolved` until somebody has looked; prod refuses the latter."""
    digest: Digest
    """sha256 of the mirrored files, or `unresolved`."""

    @property
    def unresolved(self) -> tuple[str, ...]:
        """What of it nobody has observed yet, in words."""
        revision = ("its revision on the Hub",) if self.revision == UNRESOLVED else ()
        digest = ("its artifact's digest",) if self.digest == UNRESOLVED else ()
        return (*digest, *revision)

    def __str__(self) -> str:
        return f"{self.repository} on the Hub"


TAG_MARK = "«"
"""Begins the names that pydantic puts into an error's location for the kind of an artifact; no key begins so."""


def _kind(value: Any) -> str:
    if isinstance(value, HubArtifact):
        return f"{TAG_MARK}hub"
    return f"{TAG_MARK}hub" if isinstance(value, dict) and "repository" in value else f"{TAG_MARK}bucket"


Artifact = Annotated[
    Annotated[BucketArtifact, Tag(f"{TAG_MARK}bucket")] | Annotated[HubArtifact, Tag(f"{TAG_MARK}hub")],
    Discriminator(_kind),
]
"""A folder of a bucket, or a repository of the Hub."""
