"""One TorchServe server of a plan: its identity, its configuration, its pods, and who may talk to it.

The ConfigMap is named by Pulumi, so a change of configuration makes a new one, and the Deployment, which refers
to it by name, rolls. The trap: a rollout takes a pod away before it adds one, because the new pod needs the GPU
that the old one holds and a spare one rarely exists; a server with one replica is away while it restarts.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from components.iam import trust_policy
from components.torchserve_files import mounted_files
from components.torchserve_network_policy import network_policy_spec
from components.torchserve_pod import pod_spec
from engines.torchserve import INFERENCE_PORT, METRICS_PORT
from planning import ServerPlan

IMAGE_PULL: Final = timedelta(minutes=15)
"""For a new node to join and pull the GPU image, several GB. Chosen, not measured."""


@dataclass(frozen=True, kw_only=True)
class TorchServeStackArgs:
    """The server, and the platform it stands on."""

    server: ServerPlan
    namespace: pulumi.Input[str]
    region: str
    cluster_name: pulumi.Input[str]
    bucket_name: pulumi.Input[str]
    bucket_arn: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    after: Sequence[pulumi.Resource] = ()
    """What must exist before the first pod: nodes, and the agent that hands out the role."""


class TorchServeStack(pulumi.ComponentResource):
    """One TorchServe server."""

    url: pulumi.Output[str]
    """Base URL inside the cluster; the plan's paths go behind it."""

    def __init__(
        self, name: str, args: TorchServeStackArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slipway:serving:TorchServeStack", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        server = args.server
        selecting = {"slipway.dev/server": server.name}
        labels = {**server_labels(server), **selecting}
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=server.name, namespace=args.namespace, labels=labels),
            automount_service_account_token=False,
            opts=child,
        )
        identity = self._identity(name, args, account)
        config = k8s.core.v1.ConfigMap(
            f"{name}-config",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, labels=labels),
            immutable=True,
            data=mounted_files(server),
            opts=child,
        )
        policy = k8s.networking.v1.NetworkPolicy(
            f"{name}-network-policy",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, labels=labels),
            spec=network_policy_spec(selecting),
            opts=child,
        )
        patience = int((IMAGE_PULL + server.startup_budget).total_seconds())
        deployment = k8s.apps.v1.Deployment(
            f"{name}-server",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, labels=labels),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=server.replicas,
                progress_deadline_seconds=patience,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selecting),
                strategy=k8s.apps.v1.DeploymentStrategyArgs(
                    type="RollingUpdate",
                    rolling_update=k8s.apps.v1.RollingUpdateDeploymentArgs(max_surge=0, max_unavailable=1),
                ),
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels=labels),
                    spec=pod_spec(
                        server,
                        labels=selecting,
                        config_map=config.metadata.name,
                        service_account=account.metadata.name,
                        bucket=args.bucket_name,
                        region=args.region,
                    ),
                ),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                # A pod admitted before its role is associated never gets one.
                depends_on=[*identity, policy, *args.after],
                custom_timeouts=pulumi.CustomTimeouts(create=f"{patience}s", update=f"{patience}s"),
            ),
        )
        service = k8s.core.v1.Service(
            f"{name}-service",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=server.name, namespace=args.namespace, labels=labels),
            spec=k8s.core.v1.ServiceSpecArgs(
                type="ClusterIP",
                selector=selecting,
                ports=[
                    _port("inference", INFERENCE_PORT),
                    _port("metrics", METRICS_PORT),
                ],
            ),
            # The provider waits for a Service's endpoints 10 minutes, less than a first pod may take.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[deployment]),
        )
        self.url = pulumi.Output.format(
            "http://{0}.{1}.svc:{2}", service.metadata.name, args.namespace, INFERENCE_PORT
        )
        self.register_outputs({"url": self.url})

    def _identity(
        self, name: str, args: TorchServeStackArgs, account: k8s.core.v1.ServiceAccount
    ) -> list[pulumi.Resource]:
        """An IAM role for this server's pods alone, which reads this server's archives alone."""
        child = pulumi.ResourceOptions(parent=self)
        tags = pulumi.Output.all(
            **{
                "eks-cluster-name": args.cluster_name,
                "kubernetes-namespace": args.namespace,
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
            f"{name}-read-archives",
            role=role.name,
            policy=pulumi.Output.all(bucket_arn=args.bucket_arn, key_arn=args.key_arn).apply(
                lambda known: read_archives_policy(
                    prefix=args.server.archive_prefix, region=args.region, **known
                )
            ),
            opts=child,
        )
        association = aws.eks.PodIdentityAssociation(
            f"{name}-identity",
            cluster_name=args.cluster_name,
            namespace=args.namespace,
            service_account=account.metadata.name,
            role_arn=role.arn,
            opts=child,
        )
        return [policy, association]


def server_labels(server: ServerPlan) -> dict[str, str]:
    """What tells people and dashboards apart whose server this is."""
    return {
        "app.kubernetes.io/component": "inference-server",
        "app.kubernetes.io/instance": server.name,
        "app.kubernetes.io/managed-by": "pulumi",
        "app.kubernetes.io/name": server.engine,
        "app.kubernetes.io/part-of": "slipway",
        "app.kubernetes.io/version": server.engine_version,
        "slipway.dev/environment": server.environment,
        "slipway.dev/model": server.model,
        "slipway.dev/owner": server.owner,
        "slipway.dev/task": server.task,
    }


def read_archives_policy(*, bucket_arn: str, key_arn: str, prefix: str, region: str) -> str:
    """Read the objects below `prefix`, and decrypt them through S3 only."""
    statements = [
        {
            "Action": "s3:GetObject",
            "Effect": "Allow",
            "Resource": f"{bucket_arn}/{prefix}*",
            "Sid": "ReadArchives",
        },
        {
            # Without it S3 answers 403 for an archive that is not there, and the log misleads.
            "Action": "s3:ListBucket",
            "Condition": {"StringLike": {"s3:prefix": f"{prefix}*"}},
            "Effect": "Allow",
            "Resource": bucket_arn,
            "Sid": "TellMissingFromForbidden",
        },
        {
            "Action": "kms:Decrypt",
            "Condition": {"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}},
            "Effect": "Allow",
            "Resource": key_arn,
            "Sid": "DecryptArchives",
        },
    ]
    return json.dumps({"Statement": statements, "Version": "2012-10-17"}, sort_keys=True)


def _port(name: str, number: int) -> k8s.core.v1.ServicePortArgs:
    return k8s.core.v1.ServicePortArgs(name=name, port=number, target_port=name, protocol="TCP")
