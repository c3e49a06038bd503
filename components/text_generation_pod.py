"""The pod of a language model's server, whichever engine runs it.

An init container fetches the weights by digest (workloads/fetch); the engine finds them on disk, asks nobody on the
internet, and has no credentials. TGI takes every option from the environment, since its image's entry point passes
arguments on unquoted.
"""

from datetime import timedelta
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components.server_pod import (
    DRAIN,
    KEEP_FREE,
    MODEL_STORE,
    PROGRAMS,
    TEMPORARY,
    attempts,
    container_ports,
    empty_volumes,
    environment,
    locked_down,
    mounts,
    resource_requirements,
    server_pod,
    without_credentials,
)
from planning import Launch, TextGenerationPlan, launch
from workloads.fetch import WantedFolder

core = k8s.core.v1

PROBE_PERIOD: Final = timedelta(seconds=10)
STOP_MARGIN: Final = timedelta(seconds=15)
"""For the engine's processes to end after the last request has. Chosen, not measured."""

_HOME: Final = "/var/lib/server"
_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 - an emptyDir in memory
_WRITABLE: Final = {"home": _HOME, "models": MODEL_STORE, "tmp": TEMPORARY}


def pod_spec(
    server: TextGenerationPlan,
    *,
    service_account: pulumi.Input[str],
    bucket: pulumi.Input[str],
    region: str,
) -> k8s.core.v1.PodSpecArgs:
    """The pod of one replica."""
    started = launch(server, MODEL_STORE, _HOME)
    return server_pod(
        server,
        service_account=service_account,
        init_container=_fetch(server, bucket, region),
        container=_engine(server, started),
        volumes=[
            *empty_volumes(_WRITABLE),
            core.VolumeArgs(
                name="shared-memory",
                empty_dir=core.EmptyDirVolumeSourceArgs(
                    medium="Memory", size_limit=started.shared_memory.kubernetes
                ),
            ),
        ],
        stop=started.stop + STOP_MARGIN,
    )


def annotations(server: TextGenerationPlan) -> dict[str, str]:
    """Of the pod. The init container alone gets credentials: engines may run code that came with the weights."""
    return without_credentials(launch(server, MODEL_STORE, _HOME).container)


def _fetch(server: TextGenerationPlan, bucket: pulumi.Input[str], region: str) -> k8s.core.v1.ContainerArgs:
    """Fetches the model and its adapters, and ends with 0 once all of them lie there whole and checked."""
    wanted = [WantedFolder(folder.digest, f"{MODEL_STORE}/{folder.path}") for folder in server.weights]
    return core.ContainerArgs(
        name="fetch-weights",
        image=str(server.fetch_image),
        command=["python", "-m", "workloads.fetch"],
        args=[
            "--source",
            pulumi.Output.concat("s3://", bucket),
            "--keep-free",
            str(int(KEEP_FREE)),
            *(word for one in wanted for word in ("--artifact", one.argument)),
        ],
        env=environment(AWS_REGION=region, PYTHONDONTWRITEBYTECODE="1", PYTHONPATH=PROGRAMS),
        security_context=locked_down(),
        resources=core.ResourceRequirementsArgs(
            requests={"cpu": "250m", "memory": "256Mi"}, limits={"memory": "512Mi"}
        ),
        # `kubectl describe pod` then shows file, rule and fix.
        termination_message_policy="FallbackToLogsOnError",
        volume_mounts=mounts({"models": MODEL_STORE}),
    )


def _engine(server: TextGenerationPlan, started: Launch) -> k8s.core.v1.ContainerArgs:
    return core.ContainerArgs(
        name=started.container,
        image=str(server.image),
        args=list(started.arguments) or None,
        env=environment(**started.environment),
        ports=container_ports(server),
        resources=resource_requirements(server.resources),
        security_context=locked_down(),
        startup_probe=_health(started, failure_threshold=attempts(server.startup_budget, PROBE_PERIOD)),
        readiness_probe=_health(started, failure_threshold=3),
        liveness_probe=_health(started, failure_threshold=6),
        lifecycle=core.LifecycleArgs(
            pre_stop=core.LifecycleHandlerArgs(sleep=core.SleepActionArgs(seconds=int(DRAIN.total_seconds())))
        ),
        volume_mounts=mounts({**_WRITABLE, "shared-memory": _SHARED_MEMORY}),
    )


def _health(started: Launch, *, failure_threshold: int) -> k8s.core.v1.ProbeArgs:
    """TGI's runs a generation of one token where none has succeeded lately, so it may take seconds under load."""
    return core.ProbeArgs(
        http_get=core.HTTPGetActionArgs(path=started.health_path, port="inference"),
        period_seconds=int(PROBE_PERIOD.total_seconds()),
        timeout_seconds=5,
        failure_threshold=failure_threshold,
    )
