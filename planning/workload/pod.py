"""The pod of a workload: typed, and rendered as Kubernetes reads it.

Every pod may run under the `restricted` pod security standard: its containers run as one user without any capability,
on a read-only root, and write to volumes alone. Its init container alone gets the credentials of the pod's role: the
other one may run code that came with the models.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from engines import ImageReference
from planning.capacity.pool_names import GPU_TAINT_KEY, POOL_LABEL
from planning.capacity.resources import Resources
from planning.pools import NODE_DISK_GIB
from planning.server import DRAIN
from planning.workload.labels import COMPONENT_LABELS, selecting_labels
from planning.workload.manifest import Manifest, Reference, present
from quantities import Bytes

USER: Final = 1000
"""`model-server` in TorchServe's image; any id works there, since all that is written to is an emptyDir."""
MODEL_STORE: Final = "/mnt/models"
TEMPORARY: Final = "/tmp"  # noqa: S108 - an emptyDir

PROGRAMS: Final = "/opt/slipway"
"""The folder of our own programs in images (engines/torchserve/Containerfile, workloads/fetch/Containerfile)."""
KEEP_FREE: Final = Bytes.mebibytes(NODE_DISK_GIB * 1024 * 15 // 100)
"""The part of the node's disk that no fetch takes. The kubelet evicts pods, with all that they have fetched, below 10 %
(https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/); the rest is for logs and for what
TorchServe extracts. Chosen. In bytes, so that a laptop with a large disk serves too."""

_SKIP_CREDENTIALS: Final = "eks.amazonaws.com/skip-containers"
"""An annotation of pods: README of https://github.com/aws/amazon-eks-pod-identity-webhook, and EKS's own Pod Identity
agent has it. Not tried on a real cluster."""
_NODE, _ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
_MORE_THAN_NODES: Final = 1000
"""More than any pool has: a managed node group has at most 450 nodes
(https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html)."""
_LOCKED_DOWN: Final = {
    "allowPrivilegeEscalation": False,
    "privileged": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
}


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A question of the kubelet over HTTP; it succeeds with 200 to 399."""

    path: str
    port: int | str
    period: timedelta
    failures: int
    """The number in a row at which the probe has failed."""

    def manifest(self) -> Manifest:
        """Render it."""
        return {
            "httpGet": {"path": self.path, "port": self.port},
            "periodSeconds": seconds(self.period),
            "timeoutSeconds": 5,
            "failureThreshold": self.failures,
        }


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container of a pod."""

    name: str
    image: ImageReference
    command: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    working_directory: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    pod_fields: Mapping[str, str] = field(default_factory=dict)
    """Environment variable → the pod's field that it has the value of. Arguments may name these variables."""
    ports: Mapping[str, int] = field(default_factory=dict)
    resources: Resources
    """It requests them. Memory is limited to them; CPU is not, since throttling costs latency."""
    memory_limit: Bytes | None = None
    """Given if it is not what is requested."""
    reads: Mapping[str, str] = field(default_factory=dict)
    """Volume → path."""
    writes: Mapping[str, str] = field(default_factory=dict)
    """Volume → path."""
    startup: Probe | None = None
    liveness: Probe | None = None
    readiness: Probe | None = None
    before_stop: Manifest | None = None
    """The handler that runs before SIGTERM."""
    logs_why: bool = False
    """True if the last lines of its log say why it failed: `kubectl describe pod` then shows them."""
    sidecar: bool = False
    """True if an init container goes on running beside the others."""

    def manifest(self) -> Manifest:
        """Render it; variables and mounts are sorted."""
        fields = [
            {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
            for name, path in self.pod_fields.items()
        ]
        return present(
            name=self.name,
            image=str(self.image),
            restartPolicy="Always" if self.sidecar else None,
            command=list(self.command),
            args=list(self.arguments),
            workingDir=self.working_directory,
            env=[
                *fields,
                *({"name": name, "value": value} for name, value in sorted(self.environment.items())),
            ],
            ports=[{"name": name, "containerPort": port} for name, port in self.ports.items()],
            resources=self._resources(),
            securityContext=_LOCKED_DOWN,
            terminationMessagePolicy="FallbackToLogsOnError" if self.logs_why else None,
            startupProbe=self.startup and self.startup.manifest(),
            livenessProbe=self.liveness and self.liveness.manifest(),
            readinessProbe=self.readiness and self.readiness.manifest(),
            lifecycle=self.before_stop and {"preStop": self.before_stop},
            volumeMounts=[
                present(name=name, mountPath=path, readOnly=(name in self.reads) or None)
                for name, path in sorted({**self.reads, **self.writes}.items())
            ],
        )

    def _resources(self) -> Manifest:
        wanted, limit = self.resources, self.memory_limit or self.resources.memory
        gpus = {"nvidia.com/gpu": str(wanted.gpus)} if wanted.gpus else {}
        return {
            "requests": {"cpu": f"{wanted.millicores}m", "memory": wanted.memory.kubernetes, **gpus},
            "limits": {"memory": limit.kubernetes, **gpus},
        }


@dataclass(frozen=True, kw_only=True)
class Pod:
    """The pod of one replica. Kubernetes replaces pods where their template differs."""

    server: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    pool: str
    init_container: Container
    container: Container
    volumes: Mapping[str, Manifest]
    """Name → source."""
    files: Mapping[str, str] = field(default_factory=dict)
    """File name → text, of an immutable ConfigMap: another text takes another ConfigMap, and so other pods."""
    stop: timedelta
    """The time from SIGTERM until it has ended, once it is drained."""

    def template(self) -> Manifest:
        """Render it as a Deployment's template."""
        own = selecting_labels(self.server)
        annotations = {_SKIP_CREDENTIALS: self.container.name, **self.annotations}
        gpu = {"key": GPU_TAINT_KEY, "operator": "Exists", "effect": "NoSchedule"}
        return {
            "metadata": {"labels": dict(self.labels), "annotations": annotations},
            "spec": {
                "serviceAccountName": Reference.SERVICE_ACCOUNT,
                "automountServiceAccountToken": False,
                # Otherwise every Service of the namespace becomes environment variables, and engines read theirs.
                "enableServiceLinks": False,
                "nodeSelector": {POOL_LABEL: self.pool},
                "tolerations": [gpu] if self.container.resources.gpus else [],
                "topologySpreadConstraints": [_one_a_node(own), _empty_nodes_first(), _over_zones(own)],
                "terminationGracePeriodSeconds": seconds(DRAIN + self.stop),
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": USER,
                    "runAsGroup": USER,
                    "fsGroup": USER,
                    "fsGroupChangePolicy": "OnRootMismatch",
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "initContainers": [self.init_container.manifest()],
                "containers": [self.container.manifest()],
                "volumes": [{"name": name, **source} for name, source in self.volumes.items()],
            },
        }


def seconds(span: timedelta) -> int:
    """Count whole seconds."""
    return span // timedelta(seconds=1)


def attempts(budget: timedelta, period: timedelta) -> int:
    """Count the failures in a row after which a probe that asks every `period` has waited for `budget`."""
    return -(-budget // period)


def empty_volumes(names: Mapping[str, str]) -> dict[str, Manifest]:
    """An emptyDir for each name, sorted."""
    return {name: {"emptyDir": {}} for name in sorted(names)}


def _spread(over: str, labels: Mapping[str, str], otherwise: str) -> Manifest:
    return {
        "maxSkew": 1,
        "topologyKey": over,
        "whenUnsatisfiable": otherwise,
        "labelSelector": {"matchLabels": dict(labels)},
    }


def _one_a_node(own: Mapping[str, str]) -> Manifest:
    """Never two replicas on one node, which the plan gives each of them: a pod waits for its own instead.

    With fewer nodes than minDomains the scheduler counts the emptiest as empty, so it holds while nodes are missing
    too. It is a constant because a number of replicas here would restart every pod whenever it changes. Unlike an
    anti-affinity it does not count a pod that is ending: a rollout, which takes one away first, gets its node back.
    """
    return {**_spread(_NODE, own, "DoNotSchedule"), "minDomains": _MORE_THAN_NODES}


def _empty_nodes_first() -> Manifest:
    """A server on each node where the plan has as many nodes as servers.

    Without it a replica on a CPU pool goes beside another server in the other zone, and leaves a node in its own zone
    empty: 3 of 20 times on two zones. A wish: while a node is missing, a CPU node may take two servers.
    """
    return _spread(_NODE, COMPONENT_LABELS, "ScheduleAnyway")


def _over_zones(own: Mapping[str, str]) -> Manifest:
    """Spread as evenly as nodes allow: EKS decides in which zones a pool's nodes are."""
    return _spread(_ZONE, own, "ScheduleAnyway")
