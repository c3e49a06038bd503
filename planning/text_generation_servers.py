"""TGI and vLLM: one server per released version, since each serves one model."""

from dataclasses import dataclass
from typing import Final

from engines import FETCH_IMAGE, ImageReference, tgi, vllm
from model_catalog import (
    Engine,
    Environment,
    LlmEntry,
    RunningVersion,
    TgiVersion,
    TorchServeVersion,
    VllmVersion,
)
from planning.capacity.gpu_shares import GpuShare
from planning.capacity.resources import llm_resources
from planning.server import ModelPlan, ServerPlan, server_name


@dataclass(frozen=True, kw_only=True)
class TextGenerationPlan(ServerPlan):
    """One server of a language model. `models` holds its one version."""

    version: TgiVersion | VllmVersion
    """As the environment runs it, with what the engine is told of its share of a GPU; its type is the engine's."""
    fetch_image: ImageReference
    """Of the init container that copies its weights."""
    share: GpuShare | None = None
    """What its one GPU is. None for whole ones."""

    @property
    def options(self) -> tgi.ServingOptions | vllm.ServingOptions:
        """How it is served."""
        return self.version.serving

    @property
    def adapters(self) -> tuple[str, ...]:
        """Names of the LoRA adapters, sorted."""
        return tuple(sorted(self.version.adapters))


@dataclass(frozen=True, kw_only=True)
class _Engine:
    """What of a plan the engine alone decides."""

    version: str
    image: ImageReference
    port: int
    path: str


_ENGINES: Final = {
    Engine.TGI: _Engine(version=tgi.VERSION, image=tgi.IMAGE, port=tgi.PORT, path=tgi.GENERATE_PATH),
    Engine.VLLM: _Engine(version=vllm.VERSION, image=vllm.IMAGE, port=vllm.PORT, path=vllm.COMPLETIONS_PATH),
}


def compute_capability(version: TgiVersion | VllmVersion) -> tuple[int, int]:
    """The least that its GPUs must have."""
    match version:
        case TgiVersion(serving=options, precision=precision, quantization=quantization):
            return tgi.compute_capability(options, precision=precision, quantization=quantization)
        case VllmVersion(serving=options, precision=precision, quantization=scheme):
            return vllm.compute_capability(options, precision=precision, quantization=scheme)


def text_generation_name(running: RunningVersion) -> str:
    """Of the server of one version."""
    return server_name(running.entry, running.language, running.version_id)


def plan_text_generation(
    entry: LlmEntry,
    environment: Environment,
    running: RunningVersion,
    pool: str,
    share: GpuShare | None = None,
) -> TextGenerationPlan:
    """The server of one version. Which version is the default changes no server, only where clients are sent."""
    version = running.version
    assert not isinstance(version, TorchServeVersion)  # noqa: S101 - its entry is an LLM's
    engine = _ENGINES[entry.engine]
    return TextGenerationPlan(
        name=text_generation_name(running),
        environment=environment,
        engine=entry.engine,
        engine_version=engine.version,
        device=entry.device,
        image=engine.image,
        fetch_image=FETCH_IMAGE,
        replicas=entry.least_replicas,
        pool=pool,
        resources=llm_resources(version),
        startup_budget=version.serving.startup_timeout,
        inference_port=engine.port,
        metrics_port=engine.port,
        artifact_prefixes=(
            f"weights/{environment}/{entry.task}/{entry.model}/{running.language}/{running.version_id}/",
        ),
        models=(
            ModelPlan(
                selector=running.selector,
                owner=entry.owner,
                default=running.default,
                path=engine.path,
                variant_path=engine.path,
            ),
        ),
        version=version,
        share=share,
    )
