"""What of the environment's bucket its TorchServe servers are served from: copies of weights, and thin archives.

`plan_artifacts` decides on plain data, before the first resource; `build_artifacts` declares it. Names in a preview
name the entry, and a copy's ends in its digest: versions and languages that share their weights share the copy, and it
keeps its name while they come and go.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi

from artifacts.archives import RELEASED_HANDLERS, read_handlers
from artifacts.resource import (
    ArtifactProvider,
    ModelArtifact,
    ModelArtifactArgs,
    ThinArchive,
    ThinArchiveArgs,
)
from artifacts.served import Handlers, NotServed, ServedFiles, ThinArchiveOf, served_files
from components import models_document
from infra.platform import Platform
from model_catalog import Selector, entry_path
from planning import Plan, TorchServePlan, unserved

_SHOWN_OF_DIGEST: Final = 12


@dataclass(frozen=True, kw_only=True)
class ServerArtifacts:
    """What one TorchServe server is served from."""

    files: Mapping[Selector, ServedFiles]
    """Of each version that the server can be given: of a variant whose default cannot be served there are none."""
    models: str
    """Its agent's configuration."""


@dataclass(frozen=True, kw_only=True)
class ArtifactPlan:
    """What all of them are served from."""

    servers: Mapping[str, ServerArtifacts]
    """By name of the server."""
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
    not_served: list[NotServed] = []
    for server in plan.servers:
        if isinstance(server, TorchServePlan):
            files, missing = _files(server, handlers)
            not_served += missing
            servers[server.name] = ServerArtifacts(files=files, models=models_document(server, files))
    return ArtifactPlan(
        servers=servers, not_served=tuple(sorted(not_served, key=lambda found: found.selector.sort_key))
    )


def _files(
    server: TorchServePlan, handlers: Handlers
) -> tuple[Mapping[Selector, ServedFiles], Sequence[NotServed]]:
    answers = {model.selector: served_files(model, handlers) for model in server.models}
    missing = [answer for answer in answers.values() if isinstance(answer, NotServed)]
    out = unserved(server)
    files = {
        selector: answer
        for selector, answer in answers.items()
        if isinstance(answer, ServedFiles) and selector not in out
    }
    return files, missing


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
