"""What changes daily: the namespace and the servers in it."""

from collections.abc import Sequence
from typing import Final

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from artifacts.planned import ArtifactPlan
from components import ServerMonitoring, ServerMonitoringArgs, Workload, WorkloadArgs, WorkloadSite, deny_all
from infra.artifacts import build_artifacts
from infra.namespace import NAMESPACE
from infra.platform import Platform
from planning import Plan, Server, TorchServePlan
from planning.workload import WorkloadSpec, text_generation_workload, torchserve_workload

_POD_SECURITY: Final = {
    "pod-security.kubernetes.io/audit": "restricted",
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
}


def build_serving(
    platform: Platform,
    plan: Plan,
    provider: aws.Provider,
    cluster: k8s.Provider,
    artifacts: ArtifactPlan,
    *,
    pods_after: Sequence[pulumi.Resource] = (),
    monitors_after: Sequence[pulumi.Resource] = (),
) -> dict[str, Workload]:
    """Build every server of the plan, and what watches it; server name → its component.

    `artifacts` is what its servers are served from. The last two are what of the platform this same update
    makes and they need: nodes, and the definitions of monitors. Empty where another stack holds the platform.
    """
    namespace = k8s.core.v1.Namespace(
        "serving",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=NAMESPACE,
            labels={
                "app.kubernetes.io/managed-by": "pulumi",
                "app.kubernetes.io/part-of": "slipway",
                **_POD_SECURITY,
            },
        ),
        opts=pulumi.ResourceOptions(provider=cluster),
    )
    # Its child: `pulumi state move` of the namespace takes it along (docs/platform-and-serving.md).
    deny = deny_all(
        "serving-default-deny",
        namespace.metadata.name,
        pulumi.ResourceOptions(parent=namespace, provider=cluster),
    )
    site = WorkloadSite(
        namespace=namespace.metadata.name,
        region=platform.region,
        cluster_name=platform.cluster_name,
        bucket_name=platform.bucket_name,
        bucket_arn=platform.bucket_arn,
        key_arn=platform.key_arn,
        after=(deny, *pods_after),
    )
    opts = pulumi.ResourceOptions(providers=[provider, cluster])
    specs = [_spec(server, artifacts) for server in plan.servers]
    for spec in specs:
        ServerMonitoring(
            f"{spec.name}-monitoring",
            ServerMonitoringArgs(spec=spec, after=(namespace, *monitors_after)),
            opts,
        )
    files = build_artifacts(artifacts, platform)
    return {
        spec.name: Workload(spec.name, WorkloadArgs(spec=spec, site=site, artifacts=files[spec.name]), opts)
        for spec in specs
    }


def _spec(server: Server, artifacts: ArtifactPlan) -> WorkloadSpec:
    if isinstance(server, TorchServePlan):
        return torchserve_workload(server, NAMESPACE, artifacts.servers[server.name].models)
    return text_generation_workload(server, NAMESPACE)
