"""TGI: one server per released version, since TGI serves one model."""

from dataclasses import dataclass

from engines import FETCH_IMAGE
from engines.tgi import GENERATE_PATH, IMAGE, PORT, VERSION, ServingOptions
from model_catalog import Device, Environment, RunningVersion, TgiEntry
from planning.resources import tgi_resources
from planning.server import ModelPlan, ServerPlan, server_name


@dataclass(frozen=True, kw_only=True)
class TextGenerationPlan(ServerPlan):
    """One TGI server. `models` holds its one version."""

    options: ServingOptions


def plan_text_generation(
    entry: TgiEntry, environment: Environment, running: RunningVersion, pools: dict[Device, str]
) -> TextGenerationPlan:
    """The server of one version. Which version is the default changes no server, only where clients are sent."""
    version = entry.version(running.language, running.version_id)
    return TextGenerationPlan(
        name=server_name(entry, running.language, running.version_id),
        environment=environment,
        task=entry.task,
        model=entry.model,
        owner=entry.owner,
        engine=entry.engine,
        engine_version=VERSION,
        device=entry.device,
        image=IMAGE,
        fetch_image=FETCH_IMAGE,
        replicas=entry.replicas,
        pool=pools[entry.device],
        resources=tgi_resources(version),
        startup_budget=version.serving.startup_timeout,
        inference_port=PORT,
        metrics_port=PORT,
        artifact_prefix=(
            f"weights/{environment}/{entry.task}/{entry.model}/{running.language}/{running.version_id}/"
        ),
        models=(
            ModelPlan(
                selector=running.selector,
                default=running.default,
                path=GENERATE_PATH,
                variant_path=GENERATE_PATH,
            ),
        ),
        options=version.serving,
    )
