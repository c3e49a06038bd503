"""What changes rarely: network, cluster, nodes, bucket, monitoring. Hands serving a typed `Platform`."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from components import (
    Cluster,
    ClusterArgs,
    GpuNodePools,
    GpuNodePoolsArgs,
    ModelBucket,
    ModelBucketArgs,
    Monitoring,
    MonitoringArgs,
    Network,
    NetworkArgs,
)
from infra.namespace import NAMESPACE
from infra.settings import Settings
from planning import Plan, pool_name


@dataclass(frozen=True, kw_only=True)
class Platform:
    """All that serving knows of the platform. Every field goes through a stack's outputs (infra/platform_stack.py),
    so that it makes no difference which stack holds it."""

    region: str
    bucket_name: pulumi.Output[str]
    bucket_arn: pulumi.Output[str]
    key_arn: pulumi.Output[str]
    """Of the key that encrypts the bucket."""
    cluster_name: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]


@dataclass(frozen=True, kw_only=True)
class BuiltPlatform:
    """A platform, and what of it whoever comes next in the same update must wait for."""

    platform: Platform
    ready: tuple[pulumi.Resource, ...]
    """What pods need to exist first."""


def build_platform(settings: Settings, plan: Plan, provider: aws.Provider) -> BuiltPlatform:
    """Build the platform. What holds data or everything else is protected where the stack says so."""
    opts = pulumi.ResourceOptions(providers=[provider])
    kept = pulumi.ResourceOptions(providers=[provider], protect=settings.protect)
    network = Network(
        "network",
        NetworkArgs(
            region=settings.region,
            cidr=settings.vpc_cidr,
            availability_zones=settings.availability_zones,
            nat_gateways=settings.nat_gateways,
        ),
        kept,
    )
    bucket = ModelBucket(
        "models",
        ModelBucketArgs(retention_days=settings.model_retention_days, force_destroy=settings.force_destroy),
        kept,
    )
    cluster = Cluster(
        "cluster",
        ClusterArgs(
            region=settings.region,
            version=settings.kubernetes_version,
            subnet_ids=network.private_subnet_ids,
            public_access_cidrs=settings.public_access_cidrs,
        ),
        kept,
    )
    pools = GpuNodePools(
        "pools",
        GpuNodePoolsArgs(
            cluster_name=cluster.name,
            subnet_ids=network.private_subnet_ids,
            pools=plan.pools,
            after=network.egress,
        ),
        opts,
    )
    platform = Platform(
        region=settings.region,
        bucket_name=bucket.name,
        bucket_arn=bucket.arn,
        key_arn=bucket.key_arn,
        cluster_name=cluster.name,
        kubeconfig=cluster.kubeconfig,
    )
    return BuiltPlatform(platform=platform, ready=(*cluster.addons, *pools.groups.values()))


def build_monitoring(
    settings: Settings, plan: Plan, cluster: k8s.Provider, after: Sequence[pulumi.Resource]
) -> Monitoring:
    """Build what watches the cluster: part of the platform, though made through the cluster's own API."""
    return Monitoring(
        "monitoring",
        MonitoringArgs(
            system_pool=pool_name("system", settings.system_instance_type),
            gpu_pools=[pool.name for pool in plan.pools if pool.instance_type.gpu is not None],
            vpc_cidr=settings.vpc_cidr,
            serving_namespace=NAMESPACE,
            chart_mirror=settings.chart_mirror,
            after=after,
        ),
        pulumi.ResourceOptions(providers=[cluster]),
    )
