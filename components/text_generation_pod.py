"""The pod of a language model's server, whichever engine runs it.

An init container copies the weights from the bucket; the engine finds them on disk and asks nobody on the internet.
TGI takes every option from the environment, since its image's entry point passes arguments on unquoted.
"""

import shlex
from datetime import timedelta
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components.server_pod import (
    DRAIN,
    MODEL_STORE,
    TEMPORARY,
    attempts,
    container_ports,
    empty_volumes,
    environment,
    fetch_container,
    locked_down,
    mounts,
    resource_requirements,
    server_pod,
)
from planning import Launch, TextGenerationPlan, launch

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
    started = launch(server, model_directory(server), _HOME)
    return server_pod(
        server,
        service_account=service_account,
        init_container=fetch_container(
            server,
            name="fetch-weights",
            script=["-c", fetch_script(server)],
            bucket=bucket,
            region=region,
            mounts=mounts({"models": MODEL_STORE, "tmp": TEMPORARY}),
        ),
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


def model_directory(server: TextGenerationPlan) -> str:
    """Where the weights lie in the pod, and so the name under which TGI reports its model."""
    return f"{MODEL_STORE}/{server.name}"


def fetch_script(server: TextGenerationPlan) -> str:
    """Copies the weights. A copy of nothing succeeds, so it looks for what every model has."""
    source, target = shlex.quote(server.artifact_prefixes[0]), shlex.quote(model_directory(server))
    return (
        f'set -eu; aws s3 cp --only-show-errors --recursive "s3://$MODEL_BUCKET/"{source} {target}; '
        f'test -f {target}/config.json || {{ echo "no config.json below s3://$MODEL_BUCKET/"{source} >&2; exit 1; }}'
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
