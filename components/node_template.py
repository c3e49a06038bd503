"""The launch template of a node group: encrypted disks, a metadata service that no pod reaches, and user data.

The template names no image: EKS then takes that of the group's AMI type, and Bottlerocket merges user data with the
settings by which the node joins (https://repost.aws/knowledge-center/eks-configure-user-data-for-node-groups, and
https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html; both read 2026-11-22). The trap: disk size and
launch template exclude each other on a node group, so the disk is the template's here.
"""

import base64
from typing import Final

import pulumi
import pulumi_aws as aws

SYSTEM_VOLUME: Final = "/dev/xvda"
"""Bottlerocket's own system, read-only at run time."""
SYSTEM_VOLUME_GIB: Final = 4
"""The size that Karpenter gives it for every variant of Bottlerocket (pkg/providers/amifamily/bottlerocket.go of
aws/karpenter-provider-aws at 00c29898, read 2026-11-29). EC2 wants a size or a snapshot with a mapping."""
DATA_VOLUME: Final = "/dev/xvdb"
"""The volume on which Bottlerocket keeps images, logs and volumes of pods
(https://docs.convox.com/configuration/rack-parameters/aws/karpenter_node_os, read 2026-11-22)."""


def node_template(
    name: str, settings: str | None, disk_gib: int, opts: pulumi.ResourceOptions
) -> aws.ec2.LaunchTemplate:
    """The template of nodes with `settings`, which is TOML. A new version rolls the nodes of a group that names the
    latest."""
    return aws.ec2.LaunchTemplate(
        name,
        user_data=None if settings is None else base64.b64encode(settings.encode()).decode(),
        block_device_mappings=[
            _encrypted(SYSTEM_VOLUME, SYSTEM_VOLUME_GIB),
            _encrypted(DATA_VOLUME, disk_gib),
        ],
        # One hop ends at the node itself: no pod gets the node's credentials.
        metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
            http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
        ),
        opts=opts,
    )


def _encrypted(device: str, gib: int) -> aws.ec2.LaunchTemplateBlockDeviceMappingArgs:
    """A volume encrypted with the account's key for EBS, which ends with its node."""
    return aws.ec2.LaunchTemplateBlockDeviceMappingArgs(
        device_name=device,
        ebs=aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
            volume_size=gib, volume_type="gp3", encrypted="true", delete_on_termination="true"
        ),
    )
