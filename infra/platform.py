"""What changes rarely: network, cluster, nodes, bucket. Hands serving a typed `Platform`."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import (
    Cluster,
    ClusterArgs,
    GpuNodePools,
    GpuNodePoolsArgs,
    ModelBucket,
    ModelBucketArgs,
    Network,
    NetworkArgs,
)
from infra.settings import Settings
from planning import Plan


@dataclass(frozen=True, kw_only=True)
class Platform:
    """All that serving knows of the platform; another stack's outputs could fill it as well."""

    region: str
    bucket_name: pulumi.Output[str]
    bucket_arn: pulumi.Output[str]
    key_arn: pulumi.Output[str]
    """Of the key that encrypts the bucket."""
    cluster_name: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    ready: tuple[pulumi.Resource, ...]
    """What pods need to exist first; empty where the platform is another stack's."""


def build_platform(settings: Settings, plan: Plan, provider: aws.Provider) -> Platform:
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
    return Platform(
        region=settings.region,
        bucket_name=bucket.name,
        bucket_arn=bucket.arn,
        key_arn=bucket.key_arn,
        cluster_name=cluster.name,
        kubeconfig=cluster.kubeconfig,
        ready=(*cluster.addons, *pools.groups.values()),
    )
