"""The workload of a language model's server, whichever engine runs it.

An init container fetches the weights by digest (workloads/fetch); the engine finds them on disk and asks nobody on the
internet. The whole configuration is environment and arguments, so a changed option changes the Deployment. TGI takes
every option from the environment, since its image's entry point passes arguments on unquoted. A server whose version
cannot be served has no pods. The trap: TGI's published image cannot run as this pod's user (docs/known-limits.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from engines import Adapter, tgi, vllm
from model_catalog import TgiVersion, VllmVersion
from planning.capacity.resources import Resources
from planning.observability import monitors
from planning.server import DRAIN
from planning.text_generation_servers import TextGenerationPlan, adapter_path
from planning.workload.labels import server_labels
from planning.workload.manifest import Reference
from planning.workload.pod import (
    KEEP_FREE,
    MODEL_STORE,
    PROGRAMS,
    TEMPORARY,
    Container,
    Pod,
    Probe,
    attempts,
    empty_volumes,
    seconds,
)
from planning.workload.spec import Caller, Ingress, WorkloadSpec
from quantities import Bytes
from workloads.fetch import WantedFolder

PROBE_PERIOD: Final = timedelta(seconds=10)
STOP_MARGIN: Final = timedelta(seconds=15)
"""The time for the engine's processes to end after the last request has. Chosen, not measured."""

_HOME: Final = "/var/lib/server"
_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 - an emptyDir in memory
_WRITABLE: Final = {"home": _HOME, "models": MODEL_STORE, "tmp": TEMPORARY}


@dataclass(frozen=True, kw_only=True)
class _Launch:
    """The start of one engine."""

    arguments: tuple[str, ...] = ()
    """They follow the image's own entry point."""
    environment: Mapping[str, str]
    health_path: str
    """Asked on the inference port; 200 once the model answers."""
    shared_memory: Bytes
    stop: timedelta
    """The time from SIGTERM until requests in flight are given up."""


def text_generation_workload(server: TextGenerationPlan, namespace: str) -> WorkloadSpec:
    """Make the workload of one server, in `namespace`."""
    return WorkloadSpec(
        name=server.name,
        engine=server.engine,
        pod=text_generation_pod(server),
        replicas=server.running_replicas,
        loading=server.startup_budget,
        ports=server.ports,
        ingress=(
            Ingress(server.inference_port, (Caller.GATEWAY, Caller.NEIGHBOURS)),
            Ingress(server.metrics_port, (Caller.MONITORING,)),
        ),
        artifact_prefixes=server.artifact_prefixes,
        monitors=monitors(server, namespace),
    )


def text_generation_pod(server: TextGenerationPlan) -> Pod:
    """Make the pod of one replica."""
    launch = _launch(server)
    return Pod(
        server=server.name,
        labels=server_labels(server),
        pool=server.pool,
        init_container=_fetch(server),
        container=_engine(server, launch),
        volumes={
            **empty_volumes(_WRITABLE),
            "shared-memory": {"emptyDir": {"medium": "Memory", "sizeLimit": launch.shared_memory.kubernetes}},
        },
        stop=launch.stop + STOP_MARGIN,
    )


def _fetch(server: TextGenerationPlan) -> Container:
    """Fetch the model and its adapters, and end with 0 once all of them are there whole and checked."""
    wanted = [WantedFolder(folder.digest, f"{MODEL_STORE}/{folder.path}") for folder in server.weights]
    return Container(
        name="fetch-weights",
        image=server.fetch_image,
        command=("python", "-m", "workloads.fetch"),
        arguments=(
            "--source",
            Reference.BUCKET_URL,
            "--keep-free",
            str(int(KEEP_FREE)),
            *(word for one in wanted for word in ("--artifact", one.argument)),
        ),
        environment={
            "AWS_REGION": Reference.REGION,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": PROGRAMS,
        },
        resources=Resources(millicores=250, memory=Bytes.mebibytes(256), gpus=0),
        memory_limit=Bytes.mebibytes(512),
        writes={"models": MODEL_STORE},
        logs_why=True,
    )


def _engine(server: TextGenerationPlan, launch: _Launch) -> Container:
    def healthy(failures: int) -> Probe:
        """TGI runs a generation of one token where none has succeeded lately, so it may take seconds under load."""
        return Probe(path=launch.health_path, port="inference", period=PROBE_PERIOD, failures=failures)

    return Container(
        name=server.engine,
        image=server.image,
        arguments=launch.arguments,
        environment=launch.environment,
        ports=server.ports,
        resources=server.resources,
        writes={**_WRITABLE, "shared-memory": _SHARED_MEMORY},
        startup=healthy(attempts(server.startup_budget, PROBE_PERIOD)),
        readiness=healthy(3),
        liveness=healthy(6),
        before_stop={"sleep": {"seconds": seconds(DRAIN)}},
    )


def _launch(server: TextGenerationPlan) -> _Launch:
    # The folder is also the name under which TGI reports its model.
    directory = f"{MODEL_STORE}/{server.name}"
    adapters = tuple(
        Adapter(name=name, directory=f"{MODEL_STORE}/{adapter_path(name)}") for name in server.adapters
    )
    match server.version:
        case TgiVersion(serving=options) as version:
            variables = tgi.launcher_environment(
                options,
                directory,
                precision=version.precision,
                quantization=version.quantization,
                adapters=adapters,
            )
            return _Launch(
                # Whatever libraries cache (Triton, FlashInfer, outlines, the Hub) they cache below HOME or HF_HOME.
                environment={**variables, "HF_HOME": _HOME, "HOME": _HOME},
                health_path=tgi.HEALTH_PATH,
                shared_memory=tgi.SHARED_MEMORY,
                stop=options.graceful_termination_timeout,
            )
        case VllmVersion(serving=options) as version:
            return _Launch(
                arguments=vllm.server_arguments(
                    options,
                    directory,
                    server.name,
                    precision=version.precision,
                    quantization=version.quantization,
                    adapters=adapters,
                ),
                environment=vllm.server_environment(options, _HOME),
                health_path=vllm.HEALTH_PATH,
                shared_memory=vllm.SHARED_MEMORY,
                stop=options.shutdown_timeout,
            )
