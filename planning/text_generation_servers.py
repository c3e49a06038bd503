"""TGI and vLLM: one server per released version, since each serves one model."""

from dataclasses import dataclass
from typing import Final

from engines import FETCH_IMAGE, ImageReference, tgi, vllm
from model_catalog import (
    Engine,
    Environment,
    LlmEntry,
    RunningVersion,
    Selector,
    TgiVersion,
    TorchServeVersion,
    VllmVersion,
    unservable,
)
from planning.capacity.gpu_shares import GpuShare
from planning.capacity.resources import llm_resources
from planning.server import ModelPlan, ServerPlan, server_name
from planning.unserved import reason


@dataclass(frozen=True, kw_only=True)
class WeightsFolder:
    """An artifact that each of a server's pods fetches, and the folder that its files come into."""

    digest: str
    path: str
    """Below the folder of the pod's models."""

    @property
    def prefix(self) -> str:
        """The keys of its manifest and files in the bucket begin with it (docs/artifacts.md)."""
        return f"artifacts/{self.digest}/"


@dataclass(frozen=True, kw_only=True)
class TextGenerationPlan(ServerPlan):
    """One server of a language model. `models` holds its one version."""

    version: TgiVersion | VllmVersion
    """As the environment runs it, with what the engine is told of its share of a GPU; its type is the engine's."""
    fetch_image: ImageReference
    """Of the init container that fetches its weights."""
    share: GpuShare | None = None
    """What its one GPU is. None for whole ones."""

    @property
    def running_replicas(self) -> int:
        """None of a version that cannot be served, whose pods could never start."""
        return 0 if self.models[0].not_served else self.replicas

    @property
    def options(self) -> tgi.ServingOptions | vllm.ServingOptions:
        """How it is served."""
        return self.version.serving

    @property
    def adapters(self) -> tuple[str, ...]:
        """Names of the LoRA adapters, sorted."""
        return tuple(sorted(self.version.adapters))

    @property
    def selector(self) -> Selector:
        """Of its one version."""
        (model,) = self.models
        return model.selector

    @property
    def weights(self) -> tuple[WeightsFolder, ...]:
        """All that a pod fetches: the model, then its adapters. Empty where the version cannot be served."""
        return _weights(self.name, self.selector, self.version)


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


def adapter_path(name: str) -> str:
    """Where a pod keeps the adapter of that name, below the folder of its models. No server's folder is called so: the
    name of each has a dash."""
    return f"adapters/{name}"


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
    engine, name = _ENGINES[entry.engine], text_generation_name(running)
    weights = _weights(name, running.selector, version)
    return TextGenerationPlan(
        name=name,
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
        artifact_prefixes=tuple(sorted({folder.prefix for folder in weights})),
        models=(
            ModelPlan(
                selector=running.selector,
                owner=entry.owner,
                default=running.default,
                path=engine.path,
                variant_path=engine.path,
                not_served=reason(running.selector, version),
            ),
        ),
        version=version,
        share=share,
    )


def _weights(name: str, selector: Selector, version: TgiVersion | VllmVersion) -> tuple[WeightsFolder, ...]:
    """See TextGenerationPlan.weights. `name` is the server's, and its model's folder is called so."""
    if unservable(selector, version):
        return ()
    adapters = (
        WeightsFolder(digest=adapter.digest, path=adapter_path(adapter_name))
        for adapter_name, adapter in sorted(version.adapters.items())
    )
    return (WeightsFolder(digest=version.artifact.digest, path=name), *adapters)
