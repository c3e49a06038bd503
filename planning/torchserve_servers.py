"""TorchServe: a server for each that the placement fills, holding all running versions of its variants.

Its models change while it runs (docs/agent.md), so what of the plan reaches its pods depends on none of them, but for
`fixed_overrides`, which a running TorchServe cannot take.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from engines.torchserve import (
    IMAGES,
    INFERENCE_PORT,
    METRICS_PORT,
    VERSION,
    ServingOptions,
    prediction_path,
)
from hardware import InstanceType, instance_type
from model_catalog import (
    Device,
    Engine,
    Environment,
    RunningVersion,
    Smoke,
    TorchServeEntry,
    TorchServeVersion,
)
from planning.capacity import allocator_fraction
from planning.capacity.gpu_shares import GpuShare
from planning.capacity.granted_memory import device_memory
from planning.capacity.placement import SharedServer
from planning.capacity.resources import torchserve_resources
from planning.server import ModelPlan, ServerPlan, limited_name
from planning.unserved import reason, without_lost_variants

FRONTEND_STARTUP: Final = timedelta(seconds=60)
"""Until TorchServe answers at all: 3 s measured on 2 idle cores; a busy node takes more."""
AGENT_PORT: Final = 8090
"""Where the agent says what is servable (`/ready`, `/live`, `/versions`, `/metrics`): its own default."""
ARTIFACT_PREFIXES: Final = ("archives/", "artifacts/")
"""All that an environment serves with TorchServe, by digest. Not a prefix for each version: an inline policy of a role
holds 10,240 characters, a digest is public knowledge of the catalog, and a policy that changes with every version
delays each of them by what IAM takes to spread it (docs/decisions/0020-one-configmap-changes-in-place.md)."""

FIXED_SETTINGS: Final = ("batch_size", "max_batch_delay", "response_timeout", "startup_timeout")
"""What TorchServe takes when a version is registered, and never again (docs/agent.md)."""


@dataclass(frozen=True, kw_only=True)
class TorchServeModelPlan(ModelPlan):
    """One version inside a TorchServe server."""

    name: str
    """As TorchServe calls the variant; versions of one variant share it."""
    version: str
    archive: str
    """File name of its archive, as it was imported and as an export calls it. The agent names archives by digest."""
    triple: TorchServeVersion
    """The version itself, with the environment's overrides."""
    gpu_memory_fraction: float | None
    """Part of its card's memory that the allocator of each worker may take. None on a CPU, and for an archive that
    brings its own handler, which nobody can make keep it."""

    @property
    def options(self) -> ServingOptions:
        """How it is served."""
        return self.triple.serving

    @property
    def smoke(self) -> Smoke | None:
        """What it must answer before it takes traffic."""
        return self.triple.smoke


@dataclass(frozen=True, kw_only=True)
class TorchServePlan(ServerPlan):
    """One TorchServe server, and the agent beside it."""

    models: tuple[TorchServeModelPlan, ...]
    fixed_overrides: tuple[str, ...]
    """What the release overrides of FIXED_SETTINGS, as `QuestionAnswering/Reader/fr@1 batch_size=8`, sorted: a change
    takes new pods."""

    @property
    def agent_port(self) -> int:
        """Open to monitoring and gateways, at the pods; the Service does not have it."""
        return AGENT_PORT

    @property
    def default_models(self) -> tuple[TorchServeModelPlan, ...]:
        """The version of each variant that answers when a caller names none."""
        return tuple(model for model in self.models if model.default)


def plan_torchserve(
    shared: SharedServer, environment: Environment, running: Sequence[RunningVersion]
) -> TorchServePlan:
    """The server that the placement put these versions into. `running` are those of its variants, sorted."""
    kind = instance_type(shared.instance_type)
    planned = _with_own_archives(tuple(_plan_model(version, kind, shared.share) for version in running))
    models = without_lost_variants(planned)
    versions = tuple(model.triple for model in models)
    return TorchServePlan(
        name=limited_name(f"{shared.place.pool}-{shared.place.name}"),
        environment=environment,
        engine=Engine.TORCHSERVE,
        engine_version=VERSION,
        device=shared.device,
        image=IMAGES[shared.device],
        replicas=shared.replicas,
        pool=shared.place.pool,
        resources=torchserve_resources(versions, gpus=1 if shared.device is Device.GPU else 0),
        startup_budget=FRONTEND_STARTUP + _longest_start(models),
        inference_port=INFERENCE_PORT,
        metrics_port=METRICS_PORT,
        artifact_prefixes=ARTIFACT_PREFIXES,
        models=models,
        fixed_overrides=tuple(line for version in running for line in _fixed_overrides(version)),
    )


def _longest_start(models: Sequence[TorchServeModelPlan]) -> timedelta:
    """Until the last version answers: the agent loads the versions of a variant one after another and variants beside
    each other, and TorchServe gives up on a worker after its startup_timeout. It is what people are told; the pods
    have a constant instead.
    """
    variants: dict[str, timedelta] = {}
    for model in models:
        variants[model.name] = variants.get(model.name, timedelta()) + model.options.startup_timeout
    return max(variants.values())


def _fixed_overrides(running: RunningVersion) -> list[str]:
    said = (
        running.entry.languages[running.language].versions[running.version_id].serving.model_dump(mode="json")
    )
    overridden = running.version.serving.model_dump(mode="json")
    return [
        f"{running.selector} {setting}={overridden[setting]}"
        for setting in FIXED_SETTINGS
        if overridden[setting] != said[setting]
    ]


def _plan_model(running: RunningVersion, kind: InstanceType, share: GpuShare | None) -> TorchServeModelPlan:
    entry, version = running.entry, running.version
    assert isinstance(entry, TorchServeEntry)  # noqa: S101 - TorchServe's demands are made of these alone
    assert isinstance(version, TorchServeVersion)  # noqa: S101 - its entry is TorchServe's
    name = entry.server_model_name(running.language)
    memory = device_memory(kind, share) if version.handler else None
    return TorchServeModelPlan(
        selector=running.selector,
        owner=entry.owner,
        name=name,
        version=running.version_id,
        default=running.default,
        archive=entry.archive(running.language, running.version_id),
        path=prediction_path(name, running.version_id),
        variant_path=prediction_path(name),
        not_served=reason(running.selector, version),
        triple=version,
        gpu_memory_fraction=allocator_fraction(version, memory) if memory else None,
    )


def _with_own_archives(models: tuple[TorchServeModelPlan, ...]) -> tuple[TorchServeModelPlan, ...]:
    """Archives of two entries may have one file name, as model.mar; an exported model store is one folder.

    Within an entry the rule unique-archive keeps them apart, and the rule unique-server-name keeps names apart.
    """
    named = Counter(model.archive for model in models)
    return tuple(
        replace(model, archive=f"{model.name}-{model.archive}") if named[model.archive] > 1 else model
        for model in models
    )
