"""What of the environment's bucket its TorchServe servers are served from: copies of weights, and thin archives.

`artifacts.planned` decides on plain data, before the first resource; `build_artifacts` declares it. Names in a preview
name the entry, and a copy's ends in its digest: versions and languages that share their weights share the copy, and it
keeps its name while they come and go.
"""

import re
from collections.abc import Mapping
from typing import Final

import pulumi

from artifacts.planned import ArtifactPlan
from artifacts.resource import (
    ArtifactProvider,
    ModelArtifact,
    ModelArtifactArgs,
    ThinArchive,
    ThinArchiveArgs,
)
from artifacts.served import ServedFiles, ThinArchiveOf
from infra.platform import Platform
from model_catalog import Selector, entry_path

_SHOWN_OF_DIGEST: Final = 12


def build_artifacts(artifacts: ArtifactPlan, platform: Platform) -> Mapping[str, tuple[pulumi.Resource, ...]]:
    """A copy for each digest, and each archive that we pack; server name → those that it needs."""
    served = sorted(
        (
            (selector, name, files)
            for name, server in artifacts.servers.items()
            for selector, files in server.files.items()
        ),
        key=lambda found: found[0].sort_key,
    )
    needed: dict[str, dict[str, pulumi.Resource]] = {name: {} for name in artifacts.servers}
    if served:
        declared = _Declared(platform)
        for selector, name, files in served:
            needed[name].update(declared.of(selector, files))
    return {name: tuple(resources.values()) for name, resources in needed.items()}


class _Declared:
    """Resources by digest: the first that needs one declares it."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        # The stack's region, whatever that of the shell is; S3's address and credentials are those of every AWS tool.
        self._opts = pulumi.ResourceOptions(provider=ArtifactProvider("slipway", region=platform.region))
        self._made: dict[str, pulumi.Resource] = {}

    def of(self, selector: Selector, files: ServedFiles) -> Mapping[str, pulumi.Resource]:
        """By digest."""
        found = {files.artifact.digest: self._copy(selector, files)}
        if files.thin is not None:
            found[files.thin.digest] = self._archive(selector, files.thin)
        return found

    def _copy(self, selector: Selector, files: ServedFiles) -> pulumi.Resource:
        artifact, platform = files.artifact, self._platform
        if artifact.digest not in self._made:
            shown = artifact.digest.removeprefix("sha256:")[:_SHOWN_OF_DIGEST]
            self._made[artifact.digest] = ModelArtifact(
                f"{_name(Selector(task=selector.task, model=selector.model))}-{shown}",
                ModelArtifactArgs(
                    source_bucket=artifact.bucket,
                    source_path=artifact.path,
                    source_region=artifact.region,
                    source_owner=artifact.account,
                    digest=artifact.digest,
                    bucket=platform.bucket_name,
                    kms_key_arn=platform.key_arn,
                ),
                self._opts,
            )
        return self._made[artifact.digest]

    def _archive(self, selector: Selector, thin: ThinArchiveOf) -> pulumi.Resource:
        if thin.digest not in self._made:
            self._made[thin.digest] = ThinArchive(
                f"{_name(selector)}-archive",
                ThinArchiveArgs(
                    bucket=self._platform.bucket_name,
                    kms_key_arn=self._platform.key_arn,
                    **vars(thin),
                ),
                self._opts,
            )
        return self._made[thin.digest]


def _name(selector: Selector) -> str:
    """LanguageIdentification/FastText/mul@1 → language-identification-fast-text-mul-1."""
    path = entry_path(selector).removeprefix("entries/").removesuffix(".yaml")
    parts = (path, selector.language, selector.version)
    return re.sub(r"[^a-z0-9]+", "-", "-".join(part for part in parts if part).lower())
