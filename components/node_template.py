"""What a node group of divided GPUs needs beyond what EKS knows: settings of Bottlerocket, as user data of a template.

The template names no image: EKS then takes that of the group's AMI type, and Bottlerocket merges these settings with
those by which the node joins (https://repost.aws/knowledge-center/eks-configure-user-data-for-node-groups, and
https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html; both read 2026-11-22). The trap: disk size and
launch template exclude each other on a node group, so the disk is the template's here.
"""

import base64
from typing import Final

import pulumi
import pulumi_aws as aws

DATA_VOLUME: Final = "/dev/xvdb"
"""Where Bottlerocket keeps images, logs and volumes of pods; /dev/xvda is the system's own
(https://docs.convox.com/configuration/rack-parameters/aws/karpenter_node_os, read 2026-11-22)."""


def node_template(
    name: str, settings: str, disk_gib: int, opts: pulumi.ResourceOptions
) -> aws.ec2.LaunchTemplate:
    """Of nodes with `settings`, which is TOML. A new version rolls the nodes of a group that names the latest."""
    return aws.ec2.LaunchTemplate(
        name,
        user_data=base64.b64encode(settings.encode()).decode(),
        block_device_mappings=[
            aws.ec2.LaunchTemplateBlockDeviceMappingArgs(
                device_name=DATA_VOLUME,
                ebs=aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                    volume_size=disk_gib, volume_type="gp3", encrypted="true", delete_on_termination="true"
                ),
            )
        ],
        # One hop ends at the node itself: no pod gets the node's credentials.
        metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
            http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
        ),
        opts=opts,
    )
