"""What every server's pod is made of: it may run under the `restricted` pod security standard.

Before the server's own container comes one that brings its models from the bucket: a fetch, or TorchServe's agent. All
run on a read-only root, write only to emptyDirs, and are one user without any capability.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components.node_pools import NODE_DISK_GIB
from components.server_identity import COMPONENT_LABELS, selecting_labels
from planning import DRAIN as DRAIN  # what waits for it imports it from here
from planning import GPU_TAINT_KEY, POOL_LABEL, Resources, ServerPlan
from quantities import Bytes

core = k8s.core.v1

USER: Final = 1000
"""`model-server` in TorchServe's image; any id works there, since all that is written to is an emptyDir."""
MODEL_STORE: Final = "/mnt/models"
TEMPORARY: Final = "/tmp"  # noqa: S108 - an emptyDir
KEEP_FREE: Final = Bytes.mebibytes(NODE_DISK_GIB * 1024 * 15 // 100)
"""What no fetch takes of the node's disk. The kubelet evicts pods, and with them all that they have fetched, below 10 %
(https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/); the rest is for logs and for what
TorchServe extracts. Chosen. In bytes, so that a laptop with a large disk serves too."""
PROGRAMS: Final = "/opt/slipway"
"""Where images have our own programs (engines/torchserve/Containerfile, workloads/fetch/Containerfile)."""

_NODE: Final = "kubernetes.io/hostname"
_ZONE: Final = "topology.kubernetes.io/zone"
_MORE_THAN_NODES: Final = 1000
"""Beyond any pool: a managed node group has at most 450 nodes
(https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html)."""


def server_pod(
    server: ServerPlan,
    *,
    service_account: pulumi.Input[str],
    init_container: k8s.core.v1.ContainerArgs,
    container: k8s.core.v1.ContainerArgs,
    volumes: Sequence[k8s.core.v1.VolumeArgs],
    stop: timedelta,
) -> k8s.core.v1.PodSpecArgs:
    """The pod of one replica. `stop` is what the server takes from SIGTERM to its end, once it is drained."""
    labels = selecting_labels(server)
    return core.PodSpecArgs(
        service_account_name=service_account,
        automount_service_account_token=False,
        # Otherwise every Service of the namespace becomes environment variables, and engines read theirs.
        enable_service_links=False,
        node_selector={POOL_LABEL: server.pool},
        tolerations=_tolerations(server),
        topology_spread_constraints=[_one_a_node(labels), _empty_nodes_first(), _over_zones(labels)],
        termination_grace_period_seconds=int((DRAIN + stop).total_seconds()),
        security_context=core.PodSecurityContextArgs(
            run_as_non_root=True,
            run_as_user=USER,
            run_as_group=USER,
            fs_group=USER,
            fs_group_change_policy="OnRootMismatch",
            seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
        ),
        init_containers=[init_container],
        containers=[container],
        volumes=volumes,
    )


def without_credentials(container: str) -> dict[str, str]:
    """The annotation that keeps the role's credentials from one container of a pod, which needs none.

    Source: README of https://github.com/aws/amazon-eks-pod-identity-webhook; EKS's own agent is annotated so. Not tried
    on a real cluster.
    """
    return {"eks.amazonaws.com/skip-containers": container}


def locked_down() -> k8s.core.v1.SecurityContextArgs:
    """No root, no capability, nothing written but to volumes."""
    return core.SecurityContextArgs(
        allow_privilege_escalation=False,
        privileged=False,
        read_only_root_filesystem=True,
        run_as_non_root=True,
        capabilities=core.CapabilitiesArgs(drop=["ALL"]),
    )


def environment(**values: pulumi.Input[str]) -> list[k8s.core.v1.EnvVarArgs]:
    """Variables, sorted."""
    return [core.EnvVarArgs(name=name, value=values[name]) for name in sorted(values)]


def empty_volumes(paths: Mapping[str, str]) -> list[k8s.core.v1.VolumeArgs]:
    """An emptyDir for each name, sorted."""
    return [core.VolumeArgs(name=name, empty_dir=core.EmptyDirVolumeSourceArgs()) for name in sorted(paths)]


def mounts(paths: Mapping[str, str]) -> list[k8s.core.v1.VolumeMountArgs]:
    """Volume name → where it is mounted, writable, sorted."""
    return [core.VolumeMountArgs(name=name, mount_path=paths[name]) for name in sorted(paths)]


def container_ports(server: ServerPlan) -> list[k8s.core.v1.ContainerPortArgs]:
    """The ports that the plan opens, by name."""
    return [core.ContainerPortArgs(name=name, container_port=number) for name, number in server.ports.items()]


def resource_requirements(resources: Resources) -> k8s.core.v1.ResourceRequirementsArgs:
    """Memory is limited to what is requested; CPU is not limited, since throttling costs latency."""
    fixed = {"memory": resources.memory.kubernetes}
    if resources.gpus:
        fixed["nvidia.com/gpu"] = str(resources.gpus)
    return core.ResourceRequirementsArgs(requests={"cpu": f"{resources.millicores}m", **fixed}, limits=fixed)


def attempts(budget: timedelta, period: timedelta) -> int:
    """How many failures in a row a probe that asks every `period` must bear to bear `budget`."""
    return -(-budget // period)


def _tolerations(server: ServerPlan) -> list[k8s.core.v1.TolerationArgs]:
    if not server.resources.gpus:
        return []
    return [core.TolerationArgs(key=GPU_TAINT_KEY, operator="Exists", effect="NoSchedule")]


def _one_a_node(labels: dict[str, str]) -> k8s.core.v1.TopologySpreadConstraintArgs:
    """Never two replicas on one node, which the plan gives each of them: a pod waits for its own instead.

    With fewer nodes than min_domains the scheduler counts the emptiest as empty, so it holds while nodes are missing
    too. It is a constant because a number of replicas here would restart every pod whenever it changes. Unlike an
    anti-affinity it does not count a pod that is ending: a rollout, which takes one away first, gets its node back.
    """
    return core.TopologySpreadConstraintArgs(
        max_skew=1,
        min_domains=_MORE_THAN_NODES,
        topology_key=_NODE,
        when_unsatisfiable="DoNotSchedule",
        label_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=labels),
    )


def _empty_nodes_first() -> k8s.core.v1.TopologySpreadConstraintArgs:
    """A server on each node where the plan has as many nodes as servers.

    Without it a replica on a CPU pool goes beside another server in the other zone, and leaves a node in its own zone
    empty: 3 of 20 times on two zones. A wish: while a node is missing, a CPU node may take two servers.
    """
    return core.TopologySpreadConstraintArgs(
        max_skew=1,
        topology_key=_NODE,
        when_unsatisfiable="ScheduleAnyway",
        label_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=COMPONENT_LABELS),
    )


def _over_zones(labels: dict[str, str]) -> k8s.core.v1.TopologySpreadConstraintArgs:
    """As evenly as nodes allow: which zones a pool's nodes are in is EKS's to say."""
    return core.TopologySpreadConstraintArgs(
        max_skew=1,
        topology_key=_ZONE,
        when_unsatisfiable="ScheduleAnyway",
        label_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=labels),
    )
