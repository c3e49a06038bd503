"""What of the environment's bucket its servers are served from: copies of weights, and thin archives for TorchServe.

`artifacts.planned` decides on plain data, before the first resource; `build_artifacts` declares it. Names in a preview
name the entry, and a copy's ends in its digest: versions and languages that share their weights share the copy, and it
keeps its name while they come and go.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
from artifacts.served import ThinArchiveOf
from infra.platform import Platform
from model_catalog import BucketArtifact, Selector, entry_path

_SHOWN_OF_DIGEST: Final = 12


def build_artifacts(artifacts: ArtifactPlan, platform: Platform) -> Mapping[str, tuple[pulumi.Resource, ...]]:
    """A copy for each digest, and each archive that we pack; server name → those that it needs."""
    needs = sorted(_needs(artifacts), key=lambda need: need.selector.sort_key)
    needed: dict[str, dict[str, pulumi.Resource]] = {
        name: {} for name in (*artifacts.servers, *artifacts.weights)
    }
    if needs:
        declared = _Declared(platform)
        for need in needs:
            needed[need.server].update(declared.of(need))
    return {name: tuple(resources.values()) for name, resources in needed.items()}


@dataclass(frozen=True, kw_only=True)
class _Need:
    """An artifact that a version needs, and the archive around it where we pack one."""

    server: str
    selector: Selector
    artifact: BucketArtifact
    thin: ThinArchiveOf | None = None


def _needs(artifacts: ArtifactPlan) -> Iterator[_Need]:
    for name, server in artifacts.servers.items():
        for selector, files in server.files.items():
            yield _Need(server=name, selector=selector, artifact=files.artifact, thin=files.thin)
    for name, model in artifacts.weights.items():
        for artifact in model.artifacts:
            yield _Need(server=name, selector=model.selector, artifact=artifact)


class _Declared:
    """Resources by digest: the first that needs one declares it."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        # The stack's region, whatever that of the shell is; S3's address and credentials are those of every AWS tool.
        self._opts = pulumi.ResourceOptions(provider=ArtifactProvider("slipway", region=platform.region))
        self._made: dict[str, pulumi.Resource] = {}

    def of(self, need: _Need) -> Mapping[str, pulumi.Resource]:
        """By digest."""
        found = {need.artifact.digest: self._copy(need.selector, need.artifact)}
        if need.thin is not None:
            found[need.thin.digest] = self._archive(need.selector, need.thin)
        return found

    def _copy(self, selector: Selector, artifact: BucketArtifact) -> pulumi.Resource:
        platform = self._platform
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
