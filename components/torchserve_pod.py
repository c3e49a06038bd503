"""The pod of a TorchServe server: TorchServe, which starts empty, and the agent beside it (docs/agent.md).

The agent is a native sidecar: it starts before TorchServe and ends after it. Nothing here depends on which models the
server has. The trap: the `torchserve` wrapper is process 1 and ignores SIGTERM, and Java, once told to stop, cuts
requests in flight (docs/facts/torchserve.md §3). So the pod first waits until no new request comes, then stops Java
itself; the agent only sees TorchServe go, and unregisters nothing.
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
)
from components.torchserve_files import (
    CONFIG_DIRECTORY,
    CONFIG_FILE,
    MODELS_DIRECTORY,
    MODELS_FILE,
)
from engines.torchserve import MANAGEMENT_PORT
from planning import AGENT_RESOURCES, FRONTEND_STARTUP, TorchServePlan

core = k8s.core.v1

CONTAINER: Final = "torchserve"
STOP: Final = timedelta(seconds=35)
"""30 s for Java to stop its workers (2.7 s measured on CPU; a request that outlasts DRAIN is cut), and what the agent
then takes to end."""
PROBE_PERIOD: Final = timedelta(seconds=5)
VERSIONS: Final = f"{MODEL_STORE}/versions"
"""Where the agent tells a worker which weights are its own (workloads/handlers reads it)."""

_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
_TOKEN_SECONDS: Final = 3600
"""The kubelet replaces the token before it ends, and the agent reads it for each request."""
_LOGS, _WORK = "/var/log/torchserve", "/var/lib/torchserve"
_WRITABLE: Final = {"logs": _LOGS, "models": MODEL_STORE, "tmp": TEMPORARY, "work": _WORK}


def pod_spec(
    server: TorchServePlan,
    *,
    config: pulumi.Input[str],
    models: str,
    service_account: pulumi.Input[str],
    bucket: pulumi.Input[str],
    region: str,
) -> k8s.core.v1.PodSpecArgs:
    """The pod of one replica. `config` and `models` are the names of its ConfigMaps."""
    return server_pod(
        server,
        service_account=service_account,
        init_container=_agent(server, models, bucket, region),
        container=_torchserve(server),
        volumes=[
            core.VolumeArgs(name="api-token", projected=_api_token()),
            core.VolumeArgs(name="config", config_map=core.ConfigMapVolumeSourceArgs(name=config)),
            core.VolumeArgs(name="models-config", config_map=core.ConfigMapVolumeSourceArgs(name=models)),
            *empty_volumes(_WRITABLE),
        ],
        stop=STOP,
    )


def _torchserve(server: TorchServePlan) -> k8s.core.v1.ContainerArgs:
    return core.ContainerArgs(
        name=CONTAINER,
        image=str(server.image),
        # Not the image's entrypoint, which would keep the container up after Java has died. A TorchServe that was
        # killed leaves what it unpacked, and the volume outlives the container.
        command=["/bin/sh", "-c", 'rm -rf "$TEMP/models"; exec torchserve "$@"', "torchserve"],
        args=["--start", "--foreground", "--ncs", "--ts-config", f"{CONFIG_DIRECTORY}/{CONFIG_FILE}"],
        working_dir=_WORK,
        env=environment(
            HOME=_WORK,
            LOG_LOCATION=_LOGS,
            METRICS_LOCATION=_LOGS,
            SLIPWAY_VERSIONS=VERSIONS,
            TEMP=TEMPORARY,
            TMPDIR=TEMPORARY,
        ),
        ports=container_ports(server),
        resources=resource_requirements(server.resources - AGENT_RESOURCES),
        security_context=locked_down(),
        startup_probe=_answers(failure_threshold=attempts(FRONTEND_STARTUP, PROBE_PERIOD)),
        liveness_probe=_answers(failure_threshold=12),
        # The agent's answer, asked in this container's name: a TorchServe that was killed comes back empty, and its
        # container counts as not ready until the first yes; on the agent's own container the yes from before would hold
        # for three periods. And an agent that restarts takes no pod out of the Service for longer than its restart.
        readiness_probe=_asks("/ready", server.agent_port, failure_threshold=3),
        lifecycle=core.LifecycleArgs(
            pre_stop=core.LifecycleHandlerArgs(
                exec_=core.ExecActionArgs(
                    command=["/bin/sh", "-c", f"sleep {int(DRAIN.total_seconds())}; torchserve --stop"]
                )
            )
        ),
        volume_mounts=[_read_only("config", CONFIG_DIRECTORY), *mounts(_WRITABLE)],
    )


def _answers(*, failure_threshold: int) -> k8s.core.v1.ProbeArgs:
    """Whether TorchServe answers at all: /ping would ask for workers, which are the agent's to start."""
    return core.ProbeArgs(
        http_get=core.HTTPGetActionArgs(path="/api-description", port="inference"),
        period_seconds=int(PROBE_PERIOD.total_seconds()),
        timeout_seconds=5,
        failure_threshold=failure_threshold,
    )


def _agent(
    server: TorchServePlan, models: str, bucket: pulumi.Input[str], region: str
) -> k8s.core.v1.ContainerArgs:
    """Without a startup probe: TorchServe would wait for it, and it for TorchServe. Readiness: :func:`_torchserve`."""
    return core.ContainerArgs(
        name="agent",
        image=str(server.image),
        restart_policy="Always",
        command=["python3", "-m", "workloads.agent"],
        args=[
            "--configuration",
            f"{MODELS_DIRECTORY}/{MODELS_FILE}",
            "--config-map",
            f"$(POD_NAMESPACE)/{models}",
            "--source",
            pulumi.Output.concat("s3://", bucket),
            "--model-store",
            MODEL_STORE,
            "--state",
            f"{MODEL_STORE}/agent.json",
            "--listen",
            f"0.0.0.0:{server.agent_port}",
            "--management",
            f"127.0.0.1:{MANAGEMENT_PORT}",
            "--inference",
            f"127.0.0.1:{server.inference_port}",
            "--worker-log",
            f"{_LOGS}/model_log.log",
            "--keep-free",
            str(int(KEEP_FREE)),
        ],
        # Names are used in arguments, so the pod's own come first.
        env=[
            *(_of_the_pod(name, path) for name, path in _POD.items()),
            *environment(AWS_REGION=region, PYTHONDONTWRITEBYTECODE="1", PYTHONPATH=PROGRAMS),
        ],
        ports=[core.ContainerPortArgs(name="agent", container_port=server.agent_port)],
        resources=resource_requirements(AGENT_RESOURCES),
        security_context=locked_down(),
        liveness_probe=_asks("/live", "agent", failure_threshold=6),
        volume_mounts=[
            _read_only("api-token", _ACCOUNT),
            _read_only("logs", _LOGS),
            *mounts({"models": MODEL_STORE}),
            _read_only("models-config", MODELS_DIRECTORY),
        ],
    )


_POD: Final = {
    "POD_NAME": "metadata.name",
    "POD_NAMESPACE": "metadata.namespace",
    "POD_UID": "metadata.uid",
}


def _of_the_pod(name: str, path: str) -> k8s.core.v1.EnvVarArgs:
    field = core.ObjectFieldSelectorArgs(field_path=path)
    return core.EnvVarArgs(name=name, value_from=core.EnvVarSourceArgs(field_ref=field))


def _asks(path: str, port: int | str, *, failure_threshold: int) -> k8s.core.v1.ProbeArgs:
    return core.ProbeArgs(
        http_get=core.HTTPGetActionArgs(path=path, port=port),
        period_seconds=int(PROBE_PERIOD.total_seconds()),
        timeout_seconds=5,
        failure_threshold=failure_threshold,
    )


def _api_token() -> k8s.core.v1.ProjectedVolumeSourceArgs:
    """What a pod gets that mounts its account's token: here the agent alone does."""
    return core.ProjectedVolumeSourceArgs(
        sources=[
            core.VolumeProjectionArgs(
                service_account_token=core.ServiceAccountTokenProjectionArgs(
                    path="token", expiration_seconds=_TOKEN_SECONDS
                )
            ),
            core.VolumeProjectionArgs(
                config_map=core.ConfigMapProjectionArgs(
                    name="kube-root-ca.crt", items=[core.KeyToPathArgs(key="ca.crt", path="ca.crt")]
                )
            ),
        ]
    )


def _read_only(volume: str, path: str) -> k8s.core.v1.VolumeMountArgs:
    return core.VolumeMountArgs(name=volume, mount_path=path, read_only=True)
