"""TorchServe: one server per entry, holding all its released languages and versions."""

from collections.abc import Sequence
from dataclasses import dataclass
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
from model_catalog import Device, Environment, RunningVersion, TorchServeEntry, TorchServeVersion
from planning.resources import torchserve_resources
from planning.server import ModelPlan, ServerPlan, server_name

FRONTEND_STARTUP: Final = timedelta(seconds=60)
"""Until TorchServe answers at all: 3 s measured on 2 idle cores; a busy node takes more."""


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

    @property
    def default_models(self) -> tuple[TorchServeModelPlan, ...]:
        """The version of each variant that answers when a caller names none."""
        return tuple(model for model in self.models if model.default)


def plan_torchserve(
    entry: TorchServeEntry,
    environment: Environment,
    running: Sequence[RunningVersion],
    pools: dict[Device, str],
) -> TorchServePlan:
    """The entry's server, with a GPU of its own where its device is gpu. `running` are its versions."""
    prefix = f"archives/{environment}/{entry.task}/{entry.model}/"
    models = tuple(_plan_model(entry, version, prefix) for version in running)
    versions = tuple(model.triple for model in models)
    return TorchServePlan(
        name=server_name(entry),
        environment=environment,
        task=entry.task,
        model=entry.model,
        owner=entry.owner,
        engine=entry.engine,
        engine_version=VERSION,
        device=entry.device,
        image=IMAGES[entry.device],
        fetch_image=FETCH_IMAGE,
        replicas=entry.least_replicas,
        pool=pools[entry.device],
        resources=torchserve_resources(versions, gpus=1 if entry.device is Device.GPU else 0),
        # TorchServe gives up on a worker after its startup_timeout: nobody need wait longer than all of them.
        startup_budget=sum((version.serving.startup_timeout for version in versions), FRONTEND_STARTUP),
        inference_port=INFERENCE_PORT,
        metrics_port=METRICS_PORT,
        artifact_prefix=prefix,
        models=models,
    )


def _plan_model(entry: TorchServeEntry, running: RunningVersion, prefix: str) -> TorchServeModelPlan:
    version = running.version
    assert isinstance(version, TorchServeVersion)  # noqa: S101 - its entry is TorchServe's
    name = entry.server_model_name(running.language)
    archive = entry.archive(running.language, running.version_id)
    return TorchServeModelPlan(
        selector=running.selector,
        name=name,
        version=running.version_id,
        default=running.default,
        archive=archive,
        archive_key=f"{prefix}{archive}",
        path=prediction_path(name, running.version_id),
        variant_path=prediction_path(name),
        triple=version,
    )
