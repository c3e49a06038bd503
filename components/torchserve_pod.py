"""The pod of a TorchServe server: it may run under the `restricted` pod security standard.

An init container copies the archives from the bucket; TorchServe then starts on a read-only root and writes only
to emptyDirs. The trap: the `torchserve` wrapper is process 1 and ignores SIGTERM, and Java, once told to stop,
cuts requests in flight (docs/facts/torchserve.md §3). So the pod first waits until no new request comes, then stops
Java itself.
"""

from datetime import timedelta
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components.torchserve_files import (
    CONFIG_DIRECTORY,
    CONFIG_FILE,
    FETCH_SCRIPT,
    MODEL_STORE,
    PROBE_SCRIPT,
    PROBE_SECONDS_PER_MODEL,
)
from engines.torchserve import INFERENCE_PORT, METRICS_PORT
from planning import GPU_TAINT_KEY, POOL_LABEL, ServerPlan

core = k8s.core.v1

USER: Final = 1000
"""`model-server` in TorchServe's image; any id works, since all that is written to is an emptyDir."""
DRAIN: Final = timedelta(seconds=15)
"""Until every node's routing has forgotten the pod. A request that takes longer than this is cut."""
STOP: Final = timedelta(seconds=30)
"""For Java to stop its workers: 2.7 s measured on CPU."""
PROBE_PERIOD: Final = timedelta(seconds=5)

_LOGS, _TEMPORARY, _WORK = "/var/log/torchserve", "/tmp", "/var/lib/torchserve"  # noqa: S108 - an emptyDir
_WRITABLE: Final = {"logs": _LOGS, "models": MODEL_STORE, "tmp": _TEMPORARY, "work": _WORK}


def pod_spec(
    server: ServerPlan,
    *,
    labels: dict[str, str],
    config_map: pulumi.Input[str],
    service_account: pulumi.Input[str],
    bucket: pulumi.Input[str],
    region: str,
) -> k8s.core.v1.PodSpecArgs:
    """The pod of one replica. `labels` select the replicas of this server."""
    return core.PodSpecArgs(
        service_account_name=service_account,
        automount_service_account_token=False,
        # Otherwise every Service of the namespace becomes environment variables, and TS_* ones configure it.
        enable_service_links=False,
        node_selector={POOL_LABEL: server.pool},
        tolerations=_tolerations(server),
        topology_spread_constraints=[_spread("kubernetes.io/hostname", labels), _spread(_ZONE, labels)],
        termination_grace_period_seconds=int((DRAIN + STOP).total_seconds()),
        security_context=core.PodSecurityContextArgs(
            run_as_non_root=True,
            run_as_user=USER,
            run_as_group=USER,
            fs_group=USER,
            fs_group_change_policy="OnRootMismatch",
            seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
        ),
        init_containers=[_fetch(server, bucket, region)],
        containers=[_torchserve(server)],
        volumes=[
            core.VolumeArgs(name="config", config_map=core.ConfigMapVolumeSourceArgs(name=config_map)),
            *(
                core.VolumeArgs(name=name, empty_dir=core.EmptyDirVolumeSourceArgs())
                for name in sorted(_WRITABLE)
            ),
        ],
    )


_ZONE: Final = "topology.kubernetes.io/zone"


def _tolerations(server: ServerPlan) -> list[k8s.core.v1.TolerationArgs]:
    if not server.resources.gpus:
        return []
    return [core.TolerationArgs(key=GPU_TAINT_KEY, operator="Exists", effect="NoSchedule")]


def _spread(topology_key: str, labels: dict[str, str]) -> k8s.core.v1.TopologySpreadConstraintArgs:
    return core.TopologySpreadConstraintArgs(
        max_skew=1,
        topology_key=topology_key,
        when_unsatisfiable="ScheduleAnyway",
        label_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=labels),
    )


def _locked_down() -> k8s.core.v1.SecurityContextArgs:
    return core.SecurityContextArgs(
        allow_privilege_escalation=False,
        privileged=False,
        read_only_root_filesystem=True,
        run_as_non_root=True,
        capabilities=core.CapabilitiesArgs(drop=["ALL"]),
    )


def _mounts(*writable: str) -> list[k8s.core.v1.VolumeMountArgs]:
    return [
        core.VolumeMountArgs(name="config", mount_path=CONFIG_DIRECTORY, read_only=True),
        *(core.VolumeMountArgs(name=name, mount_path=_WRITABLE[name]) for name in sorted(writable)),
    ]


def _environment(**values: pulumi.Input[str]) -> list[k8s.core.v1.EnvVarArgs]:
    return [core.EnvVarArgs(name=name, value=values[name]) for name in sorted(values)]


def _fetch(server: ServerPlan, bucket: pulumi.Input[str], region: str) -> k8s.core.v1.ContainerArgs:
    return core.ContainerArgs(
        name="fetch-archives",
        image=str(server.fetch_image),
        command=["/bin/sh", f"{CONFIG_DIRECTORY}/{FETCH_SCRIPT}"],
        env=_environment(AWS_REGION=region, HOME=_TEMPORARY, MODEL_BUCKET=bucket),
        security_context=_locked_down(),
        resources=core.ResourceRequirementsArgs(
            requests={"cpu": "250m", "memory": "256Mi"}, limits={"memory": "512Mi"}
        ),
        volume_mounts=_mounts("models", "tmp"),
    )


def _torchserve(server: ServerPlan) -> k8s.core.v1.ContainerArgs:
    return core.ContainerArgs(
        name="torchserve",
        image=str(server.image),
        # The image's entrypoint would keep the container up after Java has died.
        command=["torchserve"],
        args=["--start", "--foreground", "--ncs", "--ts-config", f"{CONFIG_DIRECTORY}/{CONFIG_FILE}"],
        working_dir=_WORK,
        env=_environment(
            HOME=_WORK, LOG_LOCATION=_LOGS, METRICS_LOCATION=_LOGS, TEMP=_TEMPORARY, TMPDIR=_TEMPORARY
        ),
        ports=[
            core.ContainerPortArgs(name="inference", container_port=INFERENCE_PORT),
            core.ContainerPortArgs(name="metrics", container_port=METRICS_PORT),
        ],
        resources=_resources(server),
        security_context=_locked_down(),
        startup_probe=_workers_probe(server, failure_threshold=-(-server.startup_budget // PROBE_PERIOD)),
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
        volume_mounts=_mounts("logs", "models", "tmp", "work"),
    )


def _resources(server: ServerPlan) -> k8s.core.v1.ResourceRequirementsArgs:
    """Memory is limited to what is requested; CPU is not limited, since throttling costs latency."""
    fixed = {"memory": server.resources.memory.kubernetes}
    if server.resources.gpus:
        fixed["nvidia.com/gpu"] = str(server.resources.gpus)
    return core.ResourceRequirementsArgs(
        requests={"cpu": f"{server.resources.millicores}m", **fixed}, limits=fixed
    )


def _workers_probe(server: ServerPlan, *, failure_threshold: int) -> k8s.core.v1.ProbeArgs:
    """Starts an interpreter each time (about 0.1 s of CPU), so it asks every few seconds, not every one."""
    return core.ProbeArgs(
        exec_=core.ExecActionArgs(command=["python3", "-I", f"{CONFIG_DIRECTORY}/{PROBE_SCRIPT}"]),
        period_seconds=int(PROBE_PERIOD.total_seconds()),
        timeout_seconds=PROBE_SECONDS_PER_MODEL * len(server.default_models) + 3,
        failure_threshold=failure_threshold,
    )
