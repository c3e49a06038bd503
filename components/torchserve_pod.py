"""The pod of a TorchServe server.

The trap: the `torchserve` wrapper is process 1 and ignores SIGTERM, and Java, once told to stop, cuts requests in
flight (docs/facts/torchserve.md §3). So the pod first waits until no new request comes, then stops Java itself.
"""

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
    server_pod,
    server_resources,
)
from components.torchserve_files import (
    CONFIG_DIRECTORY,
    CONFIG_FILE,
    FETCH_SCRIPT,
    PROBE_SCRIPT,
    PROBE_SECONDS_PER_MODEL,
)
from planning import TorchServePlan

core = k8s.core.v1

STOP: Final = timedelta(seconds=30)
"""For Java to stop its workers: 2.7 s measured on CPU. A request that outlasts DRAIN is cut."""
PROBE_PERIOD: Final = timedelta(seconds=5)

_LOGS, _WORK = "/var/log/torchserve", "/var/lib/torchserve"
_WRITABLE: Final = {"logs": _LOGS, "models": MODEL_STORE, "tmp": TEMPORARY, "work": _WORK}


def pod_spec(
    server: TorchServePlan,
    *,
    config_map: pulumi.Input[str],
    service_account: pulumi.Input[str],
    bucket: pulumi.Input[str],
    region: str,
) -> k8s.core.v1.PodSpecArgs:
    """The pod of one replica."""
    return server_pod(
        server,
        service_account=service_account,
        fetch=fetch_container(
            server,
            name="fetch-archives",
            script=[f"{CONFIG_DIRECTORY}/{FETCH_SCRIPT}"],
            bucket=bucket,
            region=region,
            mounts=[_config(), *mounts({"models": MODEL_STORE, "tmp": TEMPORARY})],
        ),
        container=_torchserve(server),
        volumes=[
            core.VolumeArgs(name="config", config_map=core.ConfigMapVolumeSourceArgs(name=config_map)),
            *empty_volumes(_WRITABLE),
        ],
        stop=STOP,
    )


def _config() -> k8s.core.v1.VolumeMountArgs:
    return core.VolumeMountArgs(name="config", mount_path=CONFIG_DIRECTORY, read_only=True)


def _torchserve(server: TorchServePlan) -> k8s.core.v1.ContainerArgs:
    return core.ContainerArgs(
        name="torchserve",
        image=str(server.image),
        # The image's entrypoint would keep the container up after Java has died.
        command=["torchserve"],
        args=["--start", "--foreground", "--ncs", "--ts-config", f"{CONFIG_DIRECTORY}/{CONFIG_FILE}"],
        working_dir=_WORK,
        env=environment(
            HOME=_WORK, LOG_LOCATION=_LOGS, METRICS_LOCATION=_LOGS, TEMP=TEMPORARY, TMPDIR=TEMPORARY
        ),
        ports=container_ports(server),
        resources=server_resources(server),
        security_context=locked_down(),
        startup_probe=_workers_probe(server, failure_threshold=attempts(server.startup_budget, PROBE_PERIOD)),
        readiness_probe=_workers_probe(server, failure_threshold=3),
        liveness_probe=core.ProbeArgs(
            http_get=core.HTTPGetActionArgs(path="/api-description", port="inference"),
            period_seconds=10,
            timeout_seconds=5,
            failure_threshold=6,
        ),
        lifecycle=core.LifecycleArgs(
            pre_stop=core.LifecycleHandlerArgs(
                exec_=core.ExecActionArgs(
                    command=["/bin/sh", "-c", f"sleep {int(DRAIN.total_seconds())}; torchserve --stop"]
                )
            )
        ),
        volume_mounts=[_config(), *mounts(_WRITABLE)],
    )


def _workers_probe(server: TorchServePlan, *, failure_threshold: int) -> k8s.core.v1.ProbeArgs:
    """Starts an interpreter each time (about 0.1 s of CPU), so it asks every few seconds, not every one."""
    return core.ProbeArgs(
        exec_=core.ExecActionArgs(command=["python3", "-I", f"{CONFIG_DIRECTORY}/{PROBE_SCRIPT}"]),
        period_seconds=int(PROBE_PERIOD.total_seconds()),
        timeout_seconds=PROBE_SECONDS_PER_MODEL * len(server.default_models) + 3,
        failure_threshold=failure_threshold,
    )
