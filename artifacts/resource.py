"""ModelArtifact, the files of one version, and ThinArchive, the code around them: both in an environment's bucket, as
resources of the project's own provider.

The provider is `artifacts/provider`, which Pulumi.yaml names under `plugins`; credentials, region and endpoint come to
it as to every AWS tool, or from an ArtifactProvider. The trap: two resources with one digest and bucket are one set of
files, so `retain=False` on either takes them from both.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import pulumi

TYPE: Final = "slipway:index:ModelArtifact"
ARCHIVE_TYPE: Final = "slipway:index:ThinArchive"


@dataclass(frozen=True, kw_only=True)
class ModelArtifactArgs:
    """What is copied, and where to."""

    # where research left it
    source_bucket: pulumi.Input[str]
    source_path: pulumi.Input[str]
    """Key of the file, or the prefix of all files."""
    source_region: pulumi.Input[str] | None = None
    """Of the source's bucket. None: the provider's."""
    source_owner: pulumi.Input[str] | None = None
    """Account that must own the source's bucket, in twelve digits. None: any that lets us read."""

    # what it must be
    digest: pulumi.Input[str]
    """`sha256:` and 64 hex digits, as `slipway artifacts digest` prints it; another one replaces the resource."""

    # where it goes
    bucket: pulumi.Input[str]
    """The environment's; another one replaces the resource."""
    bucket_owner: pulumi.Input[str] | None = None
    """Account that must own it, in twelve digits."""
    kms_key_arn: pulumi.Input[str] | None = None
    """Encrypts what is written. None: the bucket's own default, as ModelBucket sets it."""

    retain: pulumi.Input[bool] = True
    """Whether the files outlive the resource. Kept by default: a rollback needs them, and how long is the bucket's
    business."""


class ModelArtifact(pulumi.CustomResource):
    """The files of one version, copied server-side, checked by digest and published whole."""

    bucket: pulumi.Output[str]
    digest: pulumi.Output[str]
    files: pulumi.Output[int]
    """How many."""
    size: pulumi.Output[int]
    """Bytes of all."""
    files_prefix: pulumi.Output[str]
    """Key prefix below which the files lie, as `artifacts/sha256:…/files/`."""
    manifest_key: pulumi.Output[str]
    """Key of the manifest: names, sizes and hashes."""
    manifest_sha256: pulumi.Output[str]
    """Of the manifest's bytes. Whoever depends on it waits for the whole artifact."""

    def __init__(
        self, name: str, args: ModelArtifactArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        outputs = dict.fromkeys(("files", "size", "files_prefix", "manifest_key", "manifest_sha256"))
        super().__init__(TYPE, name, {**vars(args), **outputs}, opts)

    def translate_input_property(self, prop: str) -> str:
        """A name here → the provider's."""
        return _WIRE_NAMES.get(prop, prop)

    def translate_output_property(self, prop: str) -> str:
        """The provider's name → the one here."""
        return _PYTHON_NAMES.get(prop, prop)


@dataclass(frozen=True, kw_only=True)
class ThinArchiveArgs:
    """What the archive is made of, and where it goes; artifacts.served says it for each version of a plan."""

    # where it goes
    bucket: pulumi.Input[str]
    """The environment's; another one replaces the resource."""
    bucket_owner: pulumi.Input[str] | None = None
    """Account that must own it, in twelve digits."""
    kms_key_arn: pulumi.Input[str] | None = None
    """Encrypts what is written. None: the bucket's own default, as ModelBucket sets it."""

    # what it is made of
    model: pulumi.Input[str]
    """As TorchServe calls it."""
    version: pulumi.Input[str]
    handler_name: pulumi.Input[str]
    handler_version: pulumi.Input[str]
    """Of a released handler: workloads/handlers/released/<name>-<version>.zip."""
    weights_digest: pulumi.Input[str]
    """`sha256:` and 64 hex digits: the artifact's."""

    digest: pulumi.Input[str]
    """Of the archive's bytes; another one replaces the resource, and other bytes are refused."""

    retain: pulumi.Input[bool] = True
    """Whether the archive outlives the resource, as a ModelArtifact's files do."""


class ThinArchive(pulumi.CustomResource):
    """A released handler packed for one version: kilobytes, built by the provider, put where they are not there yet."""

    bucket: pulumi.Output[str]
    digest: pulumi.Output[str]
    key: pulumi.Output[str]
    """As in `archives/sha256:….mar`. Whoever depends on it waits for the archive."""
    size: pulumi.Output[int]
    """Bytes."""

    def __init__(self, name: str, args: ThinArchiveArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(ARCHIVE_TYPE, name, {**vars(args), "key": None, "size": None}, opts)

    def translate_input_property(self, prop: str) -> str:
        """A name here → the provider's."""
        return _WIRE_NAMES.get(prop, prop)

    def translate_output_property(self, prop: str) -> str:
        """The provider's name → the one here."""
        return _PYTHON_NAMES.get(prop, prop)


class ArtifactProvider(pulumi.ProviderResource):
    """An explicit provider, where region or endpoint are the program's to say."""

    def __init__(
        self,
        name: str,
        *,
        region: pulumi.Input[str] | None = None,
        endpoint: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`region` is the target buckets'. `endpoint` is a URL of S3; None is what AWS_ENDPOINT_URL says, as in the
        sandbox, or AWS itself. There are no credentials: they come from the ordinary chain and never into the state."""
        super().__init__("slipway", name, {"region": region, "endpoint": endpoint}, opts)


_WIRE_NAMES: Final = MappingProxyType(
    {
        "bucket_owner": "bucketOwner",
        "files_prefix": "filesPrefix",
        "handler_name": "handlerName",
        "handler_version": "handlerVersion",
        "kms_key_arn": "kmsKeyArn",
        "manifest_key": "manifestKey",
        "manifest_sha256": "manifestSha256",
        "source_bucket": "sourceBucket",
        "source_owner": "sourceOwner",
        "source_path": "sourcePath",
        "source_region": "sourceRegion",
        "weights_digest": "weightsDigest",
    }
)
_PYTHON_NAMES: Final = MappingProxyType({wire: name for name, wire in _WIRE_NAMES.items()})
