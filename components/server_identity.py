"""Who a server is: its labels in the cluster, and an AWS role for its pods alone that reads its models alone.

Pods get the role through EKS Pod Identity. The trap: a pod admitted before its role is associated never gets one,
so whatever makes pods depends on `ServerIdentity.ready`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from components.iam import trust_policy
from planning import ServerPlan, TextGenerationPlan


@dataclass(frozen=True, kw_only=True)
class ServerSite:
    """Where a server stands: what of the platform it needs."""

    namespace: pulumi.Input[str]
    region: str
    cluster_name: pulumi.Input[str]
    bucket_name: pulumi.Input[str]
    bucket_arn: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    after: Sequence[pulumi.Resource] = ()
    """What must exist before the first pod: the namespace's policy, nodes, and the agent that hands out the role."""


@dataclass(frozen=True, kw_only=True)
class ServerIdentity:
    """What a pod needs to be this server."""

    account: pulumi.Output[str]
    """Name of the ServiceAccount."""
    ready: tuple[pulumi.Resource, ...]
    """What must exist before a pod uses the account."""


COMPONENT_LABELS: Final = MappingProxyType({"app.kubernetes.io/component": "inference-server"})
"""Of every server's pods."""


def selecting_labels(server: ServerPlan) -> dict[str, str]:
    """What selects the pods of this server and no others. It cannot change without replacing the Deployment."""
    return {"slipway.dev/server": server.name}


def server_labels(server: ServerPlan) -> dict[str, str]:
    """What tells people and dashboards apart whose server this is; selecting_labels among it."""
    return {
        **COMPONENT_LABELS,
        "app.kubernetes.io/instance": server.name,
        "app.kubernetes.io/managed-by": "pulumi",
        "app.kubernetes.io/name": server.engine,
        "app.kubernetes.io/part-of": "slipway",
        "app.kubernetes.io/version": server.engine_version,
        "slipway.dev/environment": server.environment,
        **_sole_model_labels(server),
        **selecting_labels(server),
    }


def _sole_model_labels(server: ServerPlan) -> dict[str, str]:
    """A language model's server holds one model. A shared one names none: its labels then change with no neighbour."""
    if not isinstance(server, TextGenerationPlan):
        return {}
    (model,) = server.models
    return {
        "slipway.dev/model": model.selector.model or "",
        "slipway.dev/owner": model.owner,
        "slipway.dev/task": model.selector.task,
    }


def make_identity(parent: pulumi.Resource, name: str, server: ServerPlan, site: ServerSite) -> ServerIdentity:
    """The account, the role, and the link between them, as children of `parent`."""
    child = pulumi.ResourceOptions(parent=parent)
    account = k8s.core.v1.ServiceAccount(
        f"{name}-account",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=server.name, namespace=site.namespace, labels=server_labels(server)
        ),
        automount_service_account_token=False,
        opts=child,
    )
    tags = pulumi.Output.all(
        **{
            "eks-cluster-name": site.cluster_name,
            "kubernetes-namespace": site.namespace,
            "kubernetes-service-account": account.metadata.name,
        }
    )
    role = aws.iam.Role(
        f"{name}-role",
        assume_role_policy=tags.apply(
            lambda known: trust_policy(
                "pods.eks.amazonaws.com",
                actions=("sts:AssumeRole", "sts:TagSession"),
                request_tags=known,
            )
        ),
        opts=child,
    )
    policy = aws.iam.RolePolicy(
        f"{name}-read-artifacts",
        role=role.name,
        policy=pulumi.Output.all(bucket_arn=site.bucket_arn, key_arn=site.key_arn).apply(
            lambda known: read_artifacts_policy(
                prefixes=server.artifact_prefixes, region=site.region, **known
            )
        ),
        opts=pulumi.ResourceOptions(
            parent=parent,
            # Its name when TorchServe's archives were all there was to read.
            aliases=[pulumi.Alias(name=f"{name}-read-archives")],
        ),
    )
    association = aws.eks.PodIdentityAssociation(
        f"{name}-identity",
        cluster_name=site.cluster_name,
        namespace=site.namespace,
        service_account=account.metadata.name,
        role_arn=role.arn,
        opts=child,
    )
    return ServerIdentity(account=account.metadata.name, ready=(policy, association))


def read_artifacts_policy(*, bucket_arn: str, key_arn: str, prefixes: Sequence[str], region: str) -> str:
    """Read the objects below `prefixes`, and decrypt them through S3 only."""
    statements = [
        {
            "Action": "s3:GetObject",
            "Effect": "Allow",
            "Resource": [f"{bucket_arn}/{prefix}*" for prefix in prefixes],
            "Sid": "ReadArtifacts",
        },
        {
            # Without it S3 answers 403 for an object that is not there, and the log misleads; and no folder of
            # weights can be copied.
            "Action": "s3:ListBucket",
            "Condition": {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}},
            "Effect": "Allow",
            "Resource": bucket_arn,
            "Sid": "TellMissingFromForbidden",
        },
        {
            "Action": "kms:Decrypt",
            "Condition": {"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}},
            "Effect": "Allow",
            "Resource": key_arn,
            "Sid": "DecryptArtifacts",
        },
    ]
    return json.dumps({"Statement": statements, "Version": "2012-10-17"}, sort_keys=True)
