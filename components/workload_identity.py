"""An AWS role for the pods of one workload, that reads its models and nothing else.

Pods get the role through EKS Pod Identity. The trap: a pod admitted before its role is associated never gets one,
so whatever makes pods depends on what `grant_artifacts` returns.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.iam import trust_policy


@dataclass(frozen=True, kw_only=True)
class WorkloadSite:
    """The platform as far as a workload needs it."""

    namespace: pulumi.Input[str]
    region: str
    cluster_name: pulumi.Input[str]
    bucket_name: pulumi.Input[str]
    bucket_arn: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    after: Sequence[pulumi.Resource] = ()
    """The resources that must exist before the first pod: nodes, and the agent that hands out the role."""


def grant_artifacts(
    parent: pulumi.Resource,
    name: str,
    site: WorkloadSite,
    *,
    account: pulumi.Input[str],
    prefixes: Sequence[str],
) -> tuple[pulumi.Resource, ...]:
    """Let pods of a service account read the bucket's objects below `prefixes`, by children of `parent`.

    Returns what must exist before the first of these pods.
    """
    child = pulumi.ResourceOptions(parent=parent)
    tags = pulumi.Output.all(
        **{
            "eks-cluster-name": site.cluster_name,
            "kubernetes-namespace": site.namespace,
            "kubernetes-service-account": account,
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
            lambda known: read_artifacts_policy(prefixes=prefixes, region=site.region, **known)
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
        service_account=account,
        role_arn=role.arn,
        opts=child,
    )
    return policy, association


def read_artifacts_policy(*, bucket_arn: str, key_arn: str, prefixes: Sequence[str], region: str) -> str:
    """Read the objects below `prefixes`, and decrypt them through S3 only. Without prefixes nothing can be read."""
    read = [
        {
            "Action": "s3:GetObject",
            "Effect": "Allow",
            "Resource": [f"{bucket_arn}/{prefix}*" for prefix in prefixes],
            "Sid": "ReadArtifacts",
        },
        {
            # Without it S3 answers 403 for an object that is not there, and the log misleads.
            "Action": "s3:ListBucket",
            "Condition": {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}},
            "Effect": "Allow",
            "Resource": bucket_arn,
            "Sid": "TellMissingFromForbidden",
        },
    ]
    decrypt = {
        "Action": "kms:Decrypt",
        "Condition": {"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}},
        "Effect": "Allow",
        "Resource": key_arn,
        "Sid": "DecryptArtifacts",
    }
    # IAM refuses a statement without a resource.
    statements = [*(read if prefixes else ()), decrypt]
    return json.dumps({"Statement": statements, "Version": "2012-10-17"}, sort_keys=True)
