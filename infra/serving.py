"""What changes daily: the namespace and the servers in it."""

from typing import Final

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from components import TorchServeStack, TorchServeStackArgs
from infra.platform import Platform
from planning import Plan

NAMESPACE: Final = "slipway-serving"
"""A name that clients and policies use, so it is not made up by Pulumi."""

_POD_SECURITY: Final = {
    "pod-security.kubernetes.io/audit": "restricted",
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
}


def build_serving(platform: Platform, plan: Plan, provider: aws.Provider) -> dict[str, TorchServeStack]:
    """Build every server of the plan; server name → its component."""
    # The identifier, not the kubeconfig, says whether it is another cluster: a changed certificate or endpoint
    # must not replace everything in it (pulumi-kubernetes#2745, #4019).
    cluster = k8s.Provider(
        "kubernetes",
        kubeconfig=platform.kubeconfig,
        cluster_identifier=platform.cluster_name,
        # What git says wins over what somebody edited by hand; else `up` stops at the field's other manager.
        enable_patch_force=True,
    )
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
    opts = pulumi.ResourceOptions(providers=[provider, cluster])
    return {
        server.name: TorchServeStack(
            server.name,
            TorchServeStackArgs(
                server=server,
                namespace=namespace.metadata.name,
                region=platform.region,
                cluster_name=platform.cluster_name,
                bucket_name=platform.bucket_name,
                bucket_arn=platform.bucket_arn,
                key_arn=platform.key_arn,
                after=platform.ready,
            ),
            opts,
        )
        for server in plan.servers
    }
