"""What of the environment's bucket its servers are served from: copies of weights, and thin archives for TorchServe.

`plan_artifacts` decides on plain data, before the first resource; `build_artifacts` declares it. Names in a preview
name the entry, and a copy's ends in its digest: versions and languages that share their weights share the copy, and it
keeps its name while they come and go.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi

from artifacts.agent_configuration import models_document
from artifacts.archives import RELEASED_HANDLERS, read_handlers
from artifacts.resource import (
    ArtifactProvider,
    ModelArtifact,
    ModelArtifactArgs,
    ThinArchive,
    ThinArchiveArgs,
)
from artifacts.served import Handlers, NotServed, ServedFiles, ThinArchiveOf, left_out, served_files
from infra.platform import Platform
from model_catalog import BucketArtifact, Selector, entry_path
from planning import Plan, TextGenerationPlan, TorchServePlan

_SHOWN_OF_DIGEST: Final = 12


@dataclass(frozen=True, kw_only=True)
class ServerArtifacts:
    """What one TorchServe server is served from."""

    files: Mapping[Selector, ServedFiles]
    """Of each version that the server can be given: of a variant whose default cannot be served there are none."""
    models: str
    """Its agent's configuration."""


@dataclass(frozen=True, kw_only=True)
class LanguageModelArtifacts:
    """What one language model's server is served from."""

    selector: Selector
    """Of its one version."""
    artifacts: tuple[BucketArtifact, ...]
    """The model and its adapters, each with a digest. None where the version cannot be served."""


@dataclass(frozen=True, kw_only=True)
class ArtifactPlan:
    """What all of them are served from."""

    servers: Mapping[str, ServerArtifacts]
    """By name of each TorchServe server."""
    weights: Mapping[str, LanguageModelArtifacts]
    """By name of each language model's server."""
    not_served: tuple[NotServed, ...]
    """Sorted by selector."""

    @property
    def warning(self) -> str | None:
        """What is said of versions that cannot be served yet."""
        if not self.not_served:
            return None
        return "\n".join(("not served yet:", *(f"  {reason}" for reason in self.not_served)))


def released_handlers() -> Handlers:
    """The handlers that versions may name, from the project tree. Raises RefusedError."""
    return read_handlers(RELEASED_HANDLERS)


def plan_artifacts(plan: Plan, handlers: Handlers) -> ArtifactPlan:
    """Decide what is copied, packed and served.

    Raises:
        RefusedError: a version names a handler that was not released, or a server's configuration is too long.
    """
    servers: dict[str, ServerArtifacts] = {}
    weights: dict[str, LanguageModelArtifacts] = {}
    not_served: list[NotServed] = []
    copies = {version.selector: version.copies for version in plan.versions}
    for server in plan.servers:
        match server:
            case TorchServePlan():
                files, missing = _files(server, handlers)
                not_served += missing
                servers[server.name] = ServerArtifacts(files=files, models=models_document(server, files))
            case TextGenerationPlan():
                (model,) = server.models
                missing_weights = left_out(model, server.version)
                not_served += [missing_weights] if missing_weights else []
                weights[server.name] = LanguageModelArtifacts(
                    selector=model.selector, artifacts=copies[model.selector]
                )
    return ArtifactPlan(
        servers=servers,
        weights=weights,
        not_served=tuple(sorted(not_served, key=lambda found: found.selector.sort_key)),
    )


def _files(
    server: TorchServePlan, handlers: Handlers
) -> tuple[Mapping[Selector, ServedFiles], Sequence[NotServed]]:
    answers = {model.selector: served_files(model, handlers) for model in server.models}
    missing = [answer for answer in answers.values() if isinstance(answer, NotServed)]
    files = {
        model.selector: answer
        for model in server.models
        if isinstance(answer := answers[model.selector], ServedFiles) and not model.not_served
    }
    return files, missing


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
