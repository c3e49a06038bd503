"""One EKS cluster: API-based access, secrets encrypted with its own key, logs, private endpoint.

Its kubeconfig holds no token: whoever uses it asks `aws eks get-token` with their own identity, so state
holds no credential. The trap: a NetworkPolicy does nothing on EKS unless the VPC CNI is told to enforce it,
which the vpc-cni addon here does.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.iam import trust_policy

_LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
_POLICY = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """What the cluster is and who reaches it."""

    region: str
    version: str
    """Kubernetes minor version, as in "1.35"."""
    subnet_ids: Sequence[pulumi.Input[str]]
    """Private subnets in at least two zones."""
    public_access_cidrs: Sequence[str]
    """Who may reach the API server over the internet; empty means nobody, and no public endpoint."""


class Cluster(pulumi.ComponentResource):
    """An EKS control plane with its role, its key and its two add-ons."""

    name: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    """The production kubeconfig as JSON."""
    addons: tuple[aws.eks.Addon, ...]
    """Pods must start after them: one enforces network policies, one hands out IAM roles."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:cluster:Cluster", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(f"{name}-role", assume_role_policy=trust_policy("eks.amazonaws.com"), opts=child)
        policy = aws.iam.RolePolicyAttachment(
            f"{name}-policy", role=role.name, policy_arn=_POLICY, opts=child
        )
        key = aws.kms.Key(
            f"{name}-key",
            description=f"Encrypts the Kubernetes secrets of {name}",
            enable_key_rotation=True,
            opts=child,
        )
        cluster = aws.eks.Cluster(
            f"{name}-control-plane",
            role_arn=role.arn,
            version=args.version,
            access_config=aws.eks.ClusterAccessConfigArgs(
                authentication_mode="API", bootstrap_cluster_creator_admin_permissions=True
            ),
            enabled_cluster_log_types=list(_LOG_TYPES),
            encryption_config=aws.eks.ClusterEncryptionConfigArgs(
                provider=aws.eks.ClusterEncryptionConfigProviderArgs(key_arn=key.arn), resources=["secrets"]
            ),
            vpc_config=aws.eks.ClusterVpcConfigArgs(
                subnet_ids=list(args.subnet_ids),
                endpoint_private_access=True,
                endpoint_public_access=bool(args.public_access_cidrs),
                public_access_cidrs=list(args.public_access_cidrs) or None,
            ),
            # Without its policy the role can neither create the cluster's interfaces nor free them.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        network = aws.eks.Addon(
            f"{name}-vpc-cni",
            addon_name="vpc-cni",
            cluster_name=cluster.name,
            configuration_values=json.dumps({"enableNetworkPolicy": "true"}),
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            opts=child,
        )
        identity = aws.eks.Addon(
            f"{name}-pod-identity-agent",
            addon_name="eks-pod-identity-agent",
            cluster_name=cluster.name,
            opts=child,
        )
        self.addons = (network, identity)
        self.name = cluster.name
        self.kubeconfig = pulumi.Output.all(
            name=cluster.name,
            endpoint=cluster.endpoint,
            authority=cluster.certificate_authority.apply(lambda authority: authority.data),
        ).apply(lambda known: kubeconfig(region=args.region, **known))
        self.register_outputs({"name": self.name, "kubeconfig": self.kubeconfig})


def kubeconfig(*, name: str, endpoint: str, authority: str, region: str) -> str:
    """A kubeconfig (JSON) that asks the AWS CLI for a token; `authority` is the base64 certificate."""
    command = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "args": ["eks", "get-token", "--cluster-name", name, "--region", region, "--output", "json"],
        "command": "aws",
        "interactiveMode": "Never",
    }
    return json.dumps(
        {
            "apiVersion": "v1",
            "clusters": [
                {"cluster": {"certificate-authority-data": authority, "server": endpoint}, "name": name}
            ],
            "contexts": [{"context": {"cluster": name, "user": name}, "name": name}],
            "current-context": name,
            "kind": "Config",
            "users": [{"name": name, "user": {"exec": command}}],
        },
        sort_keys=True,
    )
