"""Prometheus, Alertmanager and Grafana, and what measures nodes and GPUs: pinned charts, plain values, no secret.

Definitions are a release of their own and come first: helm never updates what lies in a chart's crds/ folder, and
whoever makes a PodMonitor can depend on this one. Two namespaces, because the exporters read the node itself and
cannot keep to `restricted` (docs/monitoring.md lists each exception). The trap: without the `…NilUsesHelmValues`
switches Prometheus takes only monitors and rules that bear this release's label, and says nothing of the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components.monitoring_policies import Specs, exporter_policies, monitoring_policies
from components.namespace_policies import deny_all, network_policy
from planning import GPU_TAINT_KEY, POOL_LABEL
from planning.observability import SERVER_LABEL
from planning.workload import Caller

NAMESPACE: Final = "slipway-monitoring"
NODE_NAMESPACE: Final = "slipway-node-metrics"
"""For what reads the node itself."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart at a pinned version."""

    name: str
    version: str
    repository: str


_PROMETHEUS_COMMUNITY: Final = "https://prometheus-community.github.io/helm-charts"

# Versions as in prometheus-community/helm-charts at cf408a290 (2026-08-22): both are of operator v0.93.1.
DEFINITIONS: Final = Chart(
    name="prometheus-operator-crds", version="31.0.1", repository=_PROMETHEUS_COMMUNITY
)
STACK: Final = Chart(name="kube-prometheus-stack", version="88.5.3", repository=_PROMETHEUS_COMMUNITY)
# As in NVIDIA/dcgm-exporter at tag 4.5.3-4.8.2, deployment/Chart.yaml; its README names the repository.
GPU_EXPORTER: Final = Chart(
    name="dcgm-exporter", version="4.8.2", repository="https://nvidia.github.io/dcgm-exporter/helm-charts"
)

_TIMEOUT_SECONDS: Final = 900
"""For nodes to pull the images and pods to be ready; Pulumi's default of 300 is little for a new node."""
_RETENTION: Final = "7d"
_RETENTION_SIZE: Final = "8GB"
"""Metrics lie on the node's own disk (20 GiB on Bottlerocket) and go with the node: docs/monitoring.md."""


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """Where monitoring runs and what it measures."""

    system_pool: str
    """The pool of everything but the exporters: servers must not make monitoring wait for memory."""
    gpu_pools: Sequence[str]
    """Pools whose GPUs are measured; with none there is no GPU exporter."""
    vpc_cidr: str
    """Addresses of nodes, pods and the API server's interfaces."""
    serving_namespace: str
    """The namespace of the servers that Prometheus scrapes."""
    chart_mirror: str = ""
    """The Helm repository that has every chart: a URL (https or oci), or the name that `helm repo add` gave it on the
    deploying machine. Empty means each chart's own."""
    after: Sequence[pulumi.Resource] = ()
    """What pods need to exist first."""


class Monitoring(pulumi.ComponentResource):
    """Metrics, rules and dashboards of one cluster."""

    definitions: k8s.helm.v3.Release
    """Every PodMonitor and PrometheusRule must depend on it."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:monitoring:Monitoring", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = _namespace(
            f"{name}-namespace", NAMESPACE, "restricted", {Caller.MONITORING: "true"}, child
        )
        node_namespace = _namespace(f"{name}-node-namespace", NODE_NAMESPACE, "privileged", {}, child)
        policies = [
            *_policies(name, namespace, _monitoring_policies(args), child),
            *_policies(f"{name}-node", node_namespace, exporter_policies(), child),
        ]
        self.definitions = _release(
            f"{name}-definitions", DEFINITIONS, namespace, {}, mirror=args.chart_mirror, opts=child
        )
        after = pulumi.ResourceOptions(
            # Pods find their policies there, and lose them last.
            parent=self,
            depends_on=[self.definitions, node_namespace, *policies, *args.after],
        )
        release = partial(_release, mirror=args.chart_mirror, opts=after)
        release(f"{name}-stack", STACK, namespace, stack_values(args.system_pool))
        if args.gpu_pools:
            release(f"{name}-gpus", GPU_EXPORTER, node_namespace, gpu_values(args.gpu_pools))
        self.register_outputs({"namespace": namespace.metadata.name})


def stack_values(system_pool: str) -> dict[str, Any]:
    """Values of kube-prometheus-stack, as its values.yaml at this version spells them."""
    on_system_pool = {"nodeSelector": {POOL_LABEL: system_pool}}
    # EKS shows nobody its controller manager, scheduler and etcd, and kube-proxy listens on loopback: their alerts
    # would fire for ever.
    hidden = ("kubeControllerManager", "kubeEtcd", "kubeProxy", "kubeScheduler")
    return {
        **{component: {"enabled": False} for component in hidden},
        "alertmanager": {"alertmanagerSpec": on_system_pool},
        "crds": {"enabled": False},
        "grafana": {
            # No password here: the chart draws one into a Secret of the cluster, and keeps what it finds there.
            "initChownData": {"enabled": False},
            "testFramework": {"enabled": False},
            **on_system_pool,
        },
        "kube-state-metrics": {
            # Alerts tell a server's pods by this label.
            "metricLabelsAllowlist": [f"nodes=[{POOL_LABEL}]", f"pods=[{SERVER_LABEL}]"],
            **on_system_pool,
        },
        "prometheus": {
            "prometheusSpec": {
                "podMonitorSelectorNilUsesHelmValues": False,
                "probeSelectorNilUsesHelmValues": False,
                "retention": _RETENTION,
                "retentionSize": _RETENTION_SIZE,
                "ruleSelectorNilUsesHelmValues": False,
                "scrapeConfigSelectorNilUsesHelmValues": False,
                "serviceMonitorSelectorNilUsesHelmValues": False,
                **on_system_pool,
            }
        },
        "prometheus-node-exporter": {"namespaceOverride": NODE_NAMESPACE},
        "prometheusOperator": on_system_pool,
    }


def gpu_values(gpu_pools: Sequence[str]) -> dict[str, Any]:
    """Values of dcgm-exporter: on GPU nodes and nowhere else.

    The chart's own security context stays: on Bottlerocket a container without CAP_SYS_ADMIN sees no GPU that it did
    not ask for (bottlerocket-os/bottlerocket#3992).
    """
    in_pools = {"key": POOL_LABEL, "operator": "In", "values": sorted(gpu_pools)}
    return {
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [in_pools]}]
                }
            }
        },
        "serviceMonitor": {"interval": "30s"},
        "tolerations": [{"effect": "NoSchedule", "key": GPU_TAINT_KEY, "operator": "Exists"}],
    }


def _namespace(
    resource_name: str, name: str, standard: str, labels: dict[str, str], opts: pulumi.ResourceOptions
) -> k8s.core.v1.Namespace:
    standards = {f"pod-security.kubernetes.io/{mode}": standard for mode in ("audit", "enforce", "warn")}
    return k8s.core.v1.Namespace(
        resource_name,
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=name,
            labels={
                "app.kubernetes.io/managed-by": "pulumi",
                "app.kubernetes.io/part-of": "slipway",
                **labels,
                **standards,
            },
        ),
        opts=opts,
    )


def _monitoring_policies(args: MonitoringArgs) -> Specs:
    return monitoring_policies(
        args.vpc_cidr, serving_namespace=args.serving_namespace, node_namespace=NODE_NAMESPACE
    )


def _policies(
    name: str, namespace: k8s.core.v1.Namespace, specs: Specs, opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Declare that nothing passes in a namespace, and the exceptions."""
    where = namespace.metadata.name
    return [
        deny_all(f"{name}-default-deny", where, opts),
        *(network_policy(f"{name}-{key}", where, spec, opts) for key, spec in sorted(specs.items())),
    ]


def _release(
    resource_name: str,
    chart: Chart,
    namespace: k8s.core.v1.Namespace,
    values: dict[str, Any],
    *,
    mirror: str,
    opts: pulumi.ResourceOptions,
) -> k8s.helm.v3.Release:
    """Declare a release under the chart's name: with a random one, a creation that was cut off would be made twice."""
    registry = mirror.startswith("oci://")
    return k8s.helm.v3.Release(
        resource_name,
        chart=f"{mirror.rstrip('/')}/{chart.name}" if registry else chart.name,
        name=chart.name,
        namespace=namespace.metadata.name,
        repository_opts=None if registry else k8s.helm.v3.RepositoryOptsArgs(repo=mirror or chart.repository),
        timeout=_TIMEOUT_SECONDS,
        values=values,
        version=chart.version,
        opts=opts,
    )
