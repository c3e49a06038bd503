"""TorchServe: a server for each that the placement fills, holding all running versions of its variants."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from engines import FETCH_IMAGE
from engines.torchserve import (
    IMAGES,
    INFERENCE_PORT,
    METRICS_PORT,
    VERSION,
    ServingOptions,
    prediction_path,
)
from model_catalog import Device, Engine, Environment, RunningVersion, TorchServeEntry, TorchServeVersion
from planning.capacity.placement import SharedServer
from planning.resources import torchserve_resources
from planning.server import ModelPlan, ServerPlan, limited_name

FRONTEND_STARTUP: Final = timedelta(seconds=60)
"""Until TorchServe answers at all: 3 s measured on 2 idle cores; a busy node takes more."""
FIXED_WHILE_RUNNING: Final = frozenset(
    {"batch_size", "max_batch_delay", "response_timeout", "startup_timeout"}
)
"""Serving options that a version keeps from when it was registered (docs/agent.md)."""


@dataclass(frozen=True, kw_only=True)
class TorchServeModelPlan(ModelPlan):
    """One version inside a TorchServe server."""

    name: str
    """As TorchServe calls the variant; versions of one variant share it."""
    version: str
    archive: str
    """File name in the server's model store."""
    archive_key: str
    """Object key in the environment's bucket."""
    triple: TorchServeVersion
    """The version itself, with the environment's overrides."""

    @property
    def options(self) -> ServingOptions:
        """How it is served."""
        return self.triple.serving


@dataclass(frozen=True, kw_only=True)
class TorchServePlan(ServerPlan):
    """One TorchServe server."""

    models: tuple[TorchServeModelPlan, ...]
    fixed_overrides: tuple[tuple[str, str, str], ...] = ()
    """(selector, setting, value) of what the release overrides and a running TorchServe cannot change. Sorted."""

    @property
    def default_models(self) -> tuple[TorchServeModelPlan, ...]:
        """The version of each variant that answers when a caller names none."""
        return tuple(model for model in self.models if model.default)


def plan_torchserve(
    shared: SharedServer, environment: Environment, running: Sequence[RunningVersion]
) -> TorchServePlan:
    """The server that the placement put these versions into. `running` are those of its variants, sorted."""
    models = _with_own_archives(tuple(_plan_model(version, environment) for version in running))
    versions = tuple(model.triple for model in models)
    return TorchServePlan(
        name=limited_name(f"{shared.place.pool}-{shared.place.name}"),
        environment=environment,
        engine=Engine.TORCHSERVE,
        engine_version=VERSION,
        device=shared.device,
        image=IMAGES[shared.device],
        fetch_image=FETCH_IMAGE,
        replicas=shared.replicas,
        pool=shared.place.pool,
        resources=torchserve_resources(versions, gpus=1 if shared.device is Device.GPU else 0),
        # TorchServe gives up on a worker after its startup_timeout: nobody need wait longer than all of them.
        startup_budget=sum((version.serving.startup_timeout for version in versions), FRONTEND_STARTUP),
        inference_port=INFERENCE_PORT,
        metrics_port=METRICS_PORT,
        artifact_prefixes=tuple(sorted({f"{model.archive_key.rpartition('/')[0]}/" for model in models})),
        models=models,
        fixed_overrides=tuple(sorted(found for version in running for found in _fixed_overrides(version))),
    )


def _fixed_overrides(running: RunningVersion) -> Iterator[tuple[str, str, str]]:
    written = running.entry.version(running.language, running.version_id).serving.model_dump(mode="json")
    serving = running.version.serving.model_dump(mode="json")
    for setting in sorted(FIXED_WHILE_RUNNING):
        if serving[setting] != written[setting]:
            yield str(running.selector), setting, str(serving[setting])


def _plan_model(running: RunningVersion, environment: Environment) -> TorchServeModelPlan:
    entry, version = running.entry, running.version
    assert isinstance(entry, TorchServeEntry)  # noqa: S101 - TorchServe's demands are made of these alone
    assert isinstance(version, TorchServeVersion)  # noqa: S101 - its entry is TorchServe's
    name = entry.server_model_name(running.language)
    archive = entry.archive(running.language, running.version_id)
    return TorchServeModelPlan(
        selector=running.selector,
        owner=entry.owner,
        name=name,
        version=running.version_id,
        default=running.default,
        archive=archive,
        archive_key=f"archives/{environment}/{entry.task}/{entry.model}/{archive}",
        path=prediction_path(name, running.version_id),
        variant_path=prediction_path(name),
        triple=version,
    )


def _with_own_archives(models: tuple[TorchServeModelPlan, ...]) -> tuple[TorchServeModelPlan, ...]:
    """Archives of two entries may have one file name, as model.mar; the model store is one folder.

    Within an entry the rule unique-archive keeps them apart, and the rule unique-server-name keeps names apart.
    """
    named = Counter(model.archive for model in models)
    return tuple(
        replace(model, archive=f"{model.name}-{model.archive}") if named[model.archive] > 1 else model
        for model in models
    )
