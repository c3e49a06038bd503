"""How a language model's server is started: one shape for every engine, so that the pod is built one way."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from engines import Adapter, tgi, vllm
from model_catalog import TgiVersion, VllmVersion
from planning.text_generation_servers import TextGenerationPlan, adapter_path
from quantities import Bytes


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What a container of the engine's image is told."""

    container: str
    """Name of the container."""
    arguments: tuple[str, ...]
    """Behind the image's own entry point."""
    environment: Mapping[str, str]
    """Sorted by name."""
    health_path: str
    """On the inference port; 200 once the model answers."""
    shared_memory: Bytes
    """Of /dev/shm."""
    stop: timedelta
    """From SIGTERM until requests in flight are given up."""


def launch(server: TextGenerationPlan, models_directory: str, writable_directory: str) -> Launch:
    """What the server's container is told. Both directories are absolute; only the second may be written to.

    `models_directory` holds the model in a folder of the server's name, and each adapter where adapter_path says.
    """
    model_directory = f"{models_directory}/{server.name}"
    adapters = tuple(
        Adapter(name=name, directory=f"{models_directory}/{adapter_path(name)}") for name in server.adapters
    )
    match server.version:
        case TgiVersion(serving=options) as version:
            variables = tgi.launcher_environment(
                options,
                model_directory,
                precision=version.precision,
                quantization=version.quantization,
                adapters=adapters,
            )
            # Whatever libraries cache (Triton, FlashInfer, outlines, the Hub) they cache below HOME or HF_HOME.
            home = {"HF_HOME": writable_directory, "HOME": writable_directory}
            return Launch(
                container="tgi",
                arguments=(),
                environment=dict(sorted({**variables, **home}.items())),
                health_path=tgi.HEALTH_PATH,
                shared_memory=tgi.SHARED_MEMORY,
                stop=options.graceful_termination_timeout,
            )
        case VllmVersion(serving=options) as version:
            return Launch(
                container="vllm",
                arguments=vllm.server_arguments(
                    options,
                    model_directory,
                    server.name,
                    precision=version.precision,
                    quantization=version.quantization,
                    adapters=adapters,
                ),
                environment=vllm.server_environment(options, writable_directory),
                health_path=vllm.HEALTH_PATH,
                shared_memory=vllm.SHARED_MEMORY,
                stop=options.shutdown_timeout,
            )
