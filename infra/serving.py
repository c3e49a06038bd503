"""What changes daily: the namespace and the servers in it."""

from collections.abc import Sequence
from typing import Final

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from components import (
    ServerMonitoring,
    ServerMonitoringArgs,
    ServerSite,
    TextGenerationStack,
    TextGenerationStackArgs,
    TorchServeStack,
    TorchServeStackArgs,
    deny_all,
)
from infra.artifacts import ArtifactPlan, build_artifacts
from infra.namespace import NAMESPACE
from infra.platform import Platform
from planning import Plan, TextGenerationPlan, TorchServePlan

ServerStack = TextGenerationStack | TorchServeStack
"""The component of one server."""

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
) -> dict[str, ServerStack]:
    """Build every server of the plan, and what watches it; server name → its component.

    `artifacts` is what its TorchServe servers are served from. The last two are what of the platform this same update
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
    site = ServerSite(
        namespace=namespace.metadata.name,
        region=platform.region,
        cluster_name=platform.cluster_name,
        bucket_name=platform.bucket_name,
        bucket_arn=platform.bucket_arn,
        key_arn=platform.key_arn,
        after=(deny, *pods_after),
    )
    opts = pulumi.ResourceOptions(providers=[provider, cluster])
    for server in plan.servers:
        ServerMonitoring(
            f"{server.name}-monitoring",
            ServerMonitoringArgs(server=server, namespace=NAMESPACE, after=(namespace, *monitors_after)),
            opts,
        )
    files = build_artifacts(artifacts, platform)
    built: dict[str, ServerStack] = {}
    for server in plan.servers:
        match server:
            case TorchServePlan(name=name):
                args = TorchServeStackArgs(
                    server=server,
                    models=artifacts.servers[name].models,
                    site=site,
                    artifacts=files[name],
                )
                built[name] = TorchServeStack(name, args, opts)
            case TextGenerationPlan(name=name):
                built[name] = TextGenerationStack(
                    name, TextGenerationStackArgs(server=server, site=site), opts
                )
    return built
