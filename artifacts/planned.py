"""The files in the environment's bucket that each TorchServe server of a plan needs, decided on plain data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from artifacts.agent_configuration import AGENT_RULE, RefusedConfigurationError, models_document
from artifacts.archives import RELEASED_HANDLERS, read_handlers
from artifacts.errors import RefusedError
from artifacts.served import Handlers, NotServed, ServedFiles, left_out, served_files
from model_catalog import BucketArtifact, Environment, Problem, Selector
from model_catalog.yaml_source import Source
from planning import Plan, TextGenerationPlan, TorchServePlan


@dataclass(frozen=True, kw_only=True)
class ServerArtifacts:
    """The files of one TorchServe server, and its agent's configuration."""

    files: Mapping[Selector, ServedFiles]
    """The files of each version that the server can be given: of a variant whose default cannot be served, none."""
    models: str
    """Its agent's configuration."""


@dataclass(frozen=True, kw_only=True)
class LanguageModelArtifacts:
    """The files of one language model's server."""

    selector: Selector
    """The selector of its one version."""
    artifacts: tuple[BucketArtifact, ...]
    """The model and its adapters, each with a digest. None where the version cannot be served."""


@dataclass(frozen=True, kw_only=True)
class ArtifactPlan:
    """The files of all servers."""

    servers: Mapping[str, ServerArtifacts]
    """Name of each TorchServe server → its files."""
    weights: Mapping[str, LanguageModelArtifacts]
    """Name of each language model's server → its files."""
    not_served: tuple[NotServed, ...]
    """Sorted by selector."""

    @property
    def warning(self) -> str | None:
        """The message about versions that cannot be served yet; None where all can."""
        if not self.not_served:
            return None
        return "\n".join(("not served yet:", *(f"  {reason}" for reason in self.not_served)))


def released_handlers() -> Handlers:
    """The handlers that versions may name, from the project tree. Raises RefusedError."""
    return read_handlers(RELEASED_HANDLERS)


def plan_artifacts(plan: Plan, handlers: Handlers) -> ArtifactPlan:
    """Decide what is copied, packed and served.

    Raises:
        RefusedError: a version names a handler that was not released, or a server's agent would refuse its
            configuration.
    """
    servers: dict[str, ServerArtifacts] = {}
    weights: dict[str, LanguageModelArtifacts] = {}
    not_served: list[NotServed] = []
    copies = {version.selector: version.copies for version in plan.versions}
    for server in plan.servers:
        match server:
            case TorchServePlan():
                servers[server.name], missing = server_artifacts(server, handlers)
                not_served += missing
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


def server_artifacts(
    server: TorchServePlan, handlers: Handlers
) -> tuple[ServerArtifacts, Sequence[NotServed]]:
    """Return the files of one server, and its versions that have none. Raises RefusedError as `plan_artifacts` does."""
    answers = {model.selector: served_files(model, handlers) for model in server.models}
    missing = [answer for answer in answers.values() if isinstance(answer, NotServed)]
    files = {
        model.selector: answer
        for model in server.models
        if isinstance(answer := answers[model.selector], ServedFiles) and not model.not_served
    }
    return ServerArtifacts(files=files, models=models_document(server, files)), missing


def refused_configurations(
    plans: Iterable[Plan], sources: Mapping[Environment, Source], handlers: Handlers
) -> Iterator[Problem]:
    """Each server whose agent would refuse what it gets, at the first of its variants in the release file.

    The catalog's own rules judge one version at a time; this is the sum of all that a server has. `handlers` has every
    handler that the plans name.
    """
    for plan in plans:
        for server in plan.servers:
            if not isinstance(server, TorchServePlan):
                continue
            try:
                server_artifacts(server, handlers)
            except RefusedError as error:
                yield _refusal(error, server, sources[plan.environment])


def _refusal(error: RefusedError, server: TorchServePlan, source: Source) -> Problem:
    reason, _, fix = str(error).partition(". Fix: ")
    rule = AGENT_RULE
    if isinstance(error, RefusedConfigurationError):
        rule, reason, fix = error.rule, error.reason, error.fix
    return source.problem(
        (str(server.models[0].selector.variant),),
        rule=rule,
        message=reason,
        fix=f"{fix[:1].upper()}{fix[1:]}",
        key=True,
    )
