"""Research → production: digests of model files, and their manifests. Pure; `artifacts.storage` speaks S3,
`artifacts.hub` the Hugging Face Hub, `artifacts.resource` and `artifacts.provider` Pulumi."""

from artifacts.digest import FileDigest, Kind, digest_of, is_digest
from artifacts.errors import (
    ArtifactError,
    DigestMismatchError,
    HubError,
    NoBucketError,
    NotPublishedError,
    RefusedError,
    StorageError,
)
from artifacts.manifest import (
    Manifest,
    ManifestFile,
    files_of,
    folder_of,
    manifest_key,
    read_manifest,
)
from artifacts.names import normal_name, refuse_collisions

__all__ = [
    "ArtifactError",
    "DigestMismatchError",
    "FileDigest",
    "HubError",
    "Kind",
    "Manifest",
    "ManifestFile",
    "NoBucketError",
    "NotPublishedError",
    "RefusedError",
    "StorageError",
    "digest_of",
    "files_of",
    "folder_of",
    "is_digest",
    "manifest_key",
    "normal_name",
    "read_manifest",
    "refuse_collisions",
]
