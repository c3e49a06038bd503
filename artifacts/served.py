"""Which files serve a version: from a plan and the released handlers, or the reason why none can. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from artifacts.archives import HandlerCode, archive_digest, archive_key, thin_archive
from artifacts.errors import RefusedError
from artifacts.manifest import files_of, folder_of
from artifacts.names import normal_name
from model_catalog import (
    BucketArtifact,
    Catalog,
    EntrySource,
    Handler,
    Problem,
    Selector,
    TorchServeVersion,
    Version,
    unservable,
)
from planning import ModelPlan, TorchServeModelPlan
from workloads.agent import Archive, Weights

HANDLER_RULE: Final = "handler-known"

Handlers = Mapping[tuple[str, str], HandlerCode]
"""(name, version) → code of every released handler, as artifacts.archives.read_handlers gives them."""


@dataclass(frozen=True, kw_only=True)
class ThinArchiveOf:
    """What a thin archive is made of, and what comes out: the arguments of a ThinArchive but for its bucket."""

    model: str
    version: str
    handler_name: str
    handler_version: str
    weights_digest: str
    digest: str
    """Of the archive's bytes."""


@dataclass(frozen=True, kw_only=True)
class ServedFiles:
    """What a server's agent fetches for a version."""

    archive: Archive
    weights: Weights | None
    """None for an archive that brings its own."""
    thin: ThinArchiveOf | None
    """None for an archive that research has packed."""
    artifact: BucketArtifact
    """Has a digest: what a ModelArtifact copies."""


@dataclass(frozen=True, kw_only=True)
class NotServed:
    """Why a version has no files that a server could be given."""

    selector: Selector
    default: bool
    """Whether the variant's unversioned requests would reach it: then they get no answer, and TorchServe leaves the
    variant out whole."""
    rule: str
    reason: str
    fix: str

    def __str__(self) -> str:
        left_out = f", and {self.selector.variant} with it: it is the default" if self.default else ""
        return f"{self.selector}: {self.rule}: {self.reason}, so it is not served{left_out}. Fix: {self.fix}"


def served_files(model: TorchServeModelPlan, handlers: Handlers) -> ServedFiles | NotServed:
    """The files of one version of a plan.

    Raises:
        RefusedError: its handler is none that was released, whatever else may hold.
    """
    version = model.triple
    code = None if version.handler is None else _code(model.selector, version.handler, handlers)
    missing = left_out(model, version)
    if missing is not None:
        return missing
    artifact = version.artifact
    assert isinstance(artifact, BucketArtifact)  # noqa: S101 - the Hub's is not servable
    if code is not None:
        return _thin(model, artifact, code)
    name = normal_name(artifact.path.rpartition("/")[2])
    location = f"{files_of(artifact.digest)}{name}"
    return ServedFiles(
        archive=Archive(digest=artifact.digest, location=location), weights=None, thin=None, artifact=artifact
    )


def left_out(model: ModelPlan, version: Version) -> NotServed | None:
    """The reason why a version has no files; None where it has. `version` is the plan's own."""
    gap = unservable(model.selector, version)
    if gap is None:
        return None
    return NotServed(
        selector=model.selector, default=model.default, rule=gap.rule, reason=gap.reason, fix=gap.fix
    )


def unknown_handlers(
    catalog: Catalog, sources: Mapping[Selector, EntrySource], handlers: Handlers
) -> Iterator[Problem]:
    """Each version whose handler is none that was released, released itself or not, where its entry says so.

    The catalog's own rules cannot: they read no code.
    """
    for entry in catalog.entries:
        for language in sorted(entry.languages):
            for version_id in sorted(entry.languages[language].versions):
                version = entry.version(language, version_id)
                if not isinstance(version, TorchServeVersion) or version.handler is None:
                    continue
                if (version.handler.name, version.handler.version) in handlers:
                    continue
                yield sources[entry.selector].problem(
                    ("languages", language, "versions", version_id, "handler"),
                    rule=HANDLER_RULE,
                    message=f"the handler {version.handler.name} has no released version "
                    f"{version.handler.version!r}",
                    fix=_handler_fix(version.handler, handlers),
                )


def _code(selector: Selector, handler: Handler, handlers: Handlers) -> HandlerCode:
    code = handlers.get((handler.name, handler.version))
    if code is None:
        raise RefusedError(
            f"{selector}: {HANDLER_RULE}: the handler {handler.name} has no released version {handler.version!r}. "
            f"Fix: {_handler_fix(handler, handlers)}"
        )
    return code


def _handler_fix(handler: Handler, handlers: Handlers) -> str:
    of_name = ", ".join(version for name, version in sorted(handlers) if name == handler.name)
    names = ", ".join(sorted({name for name, _ in handlers}))
    known = (
        f"Name one of its versions ({of_name})"
        if of_name
        else f"Name a released handler ({names or 'none yet'})"
    )
    return f"{known}, or release it with `python -m workloads.handlers.release {handler.name}`"


def _thin(model: TorchServeModelPlan, artifact: BucketArtifact, code: HandlerCode) -> ServedFiles:
    content = thin_archive(model=model.name, version=model.version, handler=code, weights=artifact.digest)
    digest = archive_digest(content)
    return ServedFiles(
        archive=Archive(digest=digest, location=archive_key(digest)),
        weights=Weights(artifact.digest, folder_of(artifact.digest).rstrip("/")),
        thin=ThinArchiveOf(
            model=model.name,
            version=model.version,
            handler_name=code.name,
            handler_version=code.version,
            weights_digest=artifact.digest,
            digest=digest,
        ),
        artifact=artifact,
    )
