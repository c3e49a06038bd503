"""The cluster's nodes: one managed node group per pool of the plan, all with one role.

GPU pools run Bottlerocket's NVIDIA variant because it brings driver, container toolkit and device plugin:
nodes offer nvidia.com/gpu as soon as they are Ready, with no DaemonSet to install and keep in step
(https://docs.aws.amazon.com/eks/latest/eksctl/gpu-support.html, read 2026-11-22). The trap: desiredSize is
ignored only where something in the cluster scales nodes. Ignored without it, a second server would wait for ever for a
node that nobody adds; and EKS refuses a minimum above a desired size that an update may not touch. Every group has a
launch template, and another template is another group: its version may change, its name may not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.iam import trust_policy
from components.node_template import node_template
from hardware import PurchaseOption
from planning import NODE_DISK_GIB, PoolPlan

AMI_TYPES: Final = {False: "BOTTLEROCKET_x86_64", True: "BOTTLEROCKET_x86_64_NVIDIA"}
"""Has a GPU → AMI type."""

CAPACITY_TYPES: Final = {
    PurchaseOption.ON_DEMAND: "ON_DEMAND",
    PurchaseOption.RESERVED_1_YEAR: "ON_DEMAND",
    PurchaseOption.SPOT: "SPOT",
}
"""As EKS spells them. What is reserved is a matter of the bill. Another one replaces the node group, new nodes
first."""

_AUTOSCALED: Final = pulumi.ResourceOptions(ignore_changes=["scalingConfig.desiredSize"])
"""The one field that an autoscaler writes; what bounds it stays the plan's."""

_NODE_POLICIES: Final = {
    "cni": "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy",
    "registry": "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
    "worker": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy",
}


@dataclass(frozen=True, kw_only=True)
class GpuNodePoolsArgs:
    """Where nodes run and how many."""

    cluster_name: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    pools: Sequence[PoolPlan]
    after: Sequence[pulumi.Resource] = ()
    """What nodes need to join, and to drain: their way out of the subnet."""


class GpuNodePools(pulumi.ComponentResource):
    """GPU pools, and the pool without GPUs where cluster DNS and other add-ons run."""

    groups: dict[str, aws.eks.NodeGroup]
    """Pool name → its node group."""

    def __init__(self, name: str, args: GpuNodePoolsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:cluster:GpuNodePools", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(f"{name}-role", assume_role_policy=trust_policy("ec2.amazonaws.com"), opts=child)
        policies = [
            aws.iam.RolePolicyAttachment(f"{name}-{key}", role=role.name, policy_arn=arn, opts=child)
            for key, arn in sorted(_NODE_POLICIES.items())
        ]
        # A node without these can neither join nor, while it is drained, let its network interfaces go.
        group_opts = pulumi.ResourceOptions(parent=self, depends_on=[*policies, *args.after])
        self.groups = {
            pool.name: _node_group(
                f"{name}-{pool.name}",
                pool,
                args,
                role.arn,
                pulumi.ResourceOptions.merge(group_opts, _AUTOSCALED) if pool.autoscaled else group_opts,
            )
            for pool in sorted(args.pools, key=lambda pool: pool.name)
        }
        self.register_outputs({"nodeGroups": {pool: group.arn for pool, group in self.groups.items()}})


def _node_group(
    name: str,
    pool: PoolPlan,
    args: GpuNodePoolsArgs,
    role_arn: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> aws.eks.NodeGroup:
    template = node_template(
        f"{name}-template", pool.node_settings, NODE_DISK_GIB, pulumi.ResourceOptions(parent=opts.parent)
    )
    return aws.eks.NodeGroup(
        name,
        cluster_name=args.cluster_name,
        node_role_arn=role_arn,
        subnet_ids=list(args.subnet_ids),
        ami_type=AMI_TYPES[pool.instance_type.gpu is not None],
        capacity_type=CAPACITY_TYPES[pool.purchase_option],
        instance_types=[pool.instance_type.name],
        launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
            id=template.id, version=template.latest_version.apply(str)
        ),
        labels=dict(pool.labels),
        taints=[
            aws.eks.NodeGroupTaintArgs(key=taint.key, value=taint.value, effect=taint.effect)
            for taint in pool.taints
        ],
        scaling_config=aws.eks.NodeGroupScalingConfigArgs(
            min_size=pool.min_nodes, desired_size=pool.desired_nodes, max_size=pool.max_nodes
        ),
        update_config=aws.eks.NodeGroupUpdateConfigArgs(max_unavailable=1),
        opts=opts,
    )
