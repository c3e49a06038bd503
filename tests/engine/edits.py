"""One edit behind Pulumi's back for each kind of resource that the stack has."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from sandbox.aws.recorded import Records
from sandbox.inspection import Inspection
from tests.engine.clones import Clone

Edit = Callable[[Clone, dict[str, Any]], object]
"""Changes the object behind a resource of the state."""

OPEN_POLICY: Final = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)

OPEN_TRUST: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}],
    }
)

NOTHING_TO_EDIT: Final = {
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "is there or is not; it has no property of its own",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "to associate anew is to delete and create",
    "kubernetes:helm.sh/v3:Release": "the provider reads Helm's record of the release, not the objects that it made",
}
"""Kinds whose edit cannot be seen, and why. Their deletion is."""


def _ec2(operation: str, **arguments: Any) -> Edit:
    """A call with the resource's id in the place of ``ID``."""

    def edit(clone: Clone, resource: dict[str, Any]) -> object:
        filled = {
            key: resource["id"] if value == "ID" else [resource["id"]] if value == ["ID"] else value
            for key, value in arguments.items()
        }
        return getattr(clone.aws("ec2"), operation)(**filled)

    return edit


_RETAG: Final = _ec2("create_tags", Resources=["ID"], Tags=[{"Key": "Name", "Value": "edited"}])


def _s3(operation: str, **arguments: Any) -> Edit:
    return lambda clone, resource: getattr(clone.aws("s3"), operation)(
        Bucket=resource["outputs"]["bucket"], **arguments
    )


def _retag_bucket(clone: Clone, resource: dict[str, Any]) -> object:
    s3, bucket = clone.aws("s3"), resource["id"]
    tags = [*s3.get_bucket_tagging(Bucket=bucket)["TagSet"], {"Key": "edited", "Value": "yes"}]
    return s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})


def _put_role_policy(clone: Clone, resource: dict[str, Any]) -> object:
    role, _, name = resource["id"].partition(":")
    return clone.aws("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=OPEN_POLICY)


def _reroute(clone: Clone, resource: dict[str, Any]) -> object:
    ec2, inputs = clone.aws("ec2"), resource["inputs"]
    tables = ec2.describe_route_tables(RouteTableIds=[inputs["routeTableId"]])["RouteTables"]
    within = [{"Name": "vpc-id", "Values": [tables[0]["VpcId"]]}]
    subnet = ec2.describe_subnets(Filters=within)["Subnets"][0]["SubnetId"]
    card = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    return ec2.replace_route(
        RouteTableId=inputs["routeTableId"],
        DestinationCidrBlock=inputs["destinationCidrBlock"],
        NetworkInterfaceId=card,
    )


def _scale_nodes(clone: Clone, resource: dict[str, Any]) -> object:
    cluster, _, group = resource["id"].partition(":")
    scaling = resource["inputs"]["scalingConfig"]
    return clone.aws("eks").update_nodegroup_config(
        clusterName=cluster,
        nodegroupName=group,
        scalingConfig={
            **scaling,
            "desiredSize": scaling["desiredSize"] + 1,
            "maxSize": scaling["maxSize"] + 1,
        },
    )


def records_of(clone: Clone) -> Records:
    return Records(clone.sandbox.paths.root / "recorded")


def _edit_record(property_: str, value: object, *, part: str = "inputs") -> Edit:
    def edit(clone: Clone, resource: dict[str, Any]) -> None:
        records = records_of(clone)
        record = records.get(resource["type"], resource["id"])
        assert record is not None
        changed = {property_: value}
        edited = {part: {**record[part], **changed}} if part else changed
        records.put(resource["type"], resource["id"], {**record, **edited})

    return edit


def path_of(clone: Clone, resource: dict[str, Any]) -> str:
    """URL path of a Kubernetes resource's object."""
    outputs = resource["outputs"]
    version, kind = outputs["apiVersion"], outputs["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    listing = Inspection(clone.sandbox).request("GET", root)["resources"]
    plural = next(entry["name"] for entry in listing if entry["kind"] == kind and "/" not in entry["name"])
    namespace, _, name = resource["id"].rpartition("/")
    return f"{root}/namespaces/{namespace}/{plural}/{name}" if namespace else f"{root}/{plural}/{name}"


def _edit_object(clone: Clone, resource: dict[str, Any]) -> None:
    """The labels that the program sets are taken away: every kind has some."""
    labels = resource["inputs"]["metadata"].get("labels") or {}
    assert labels, f"{resource['urn']} has no label of the program; give the kind an edit of its own"
    change = {"metadata": {"labels": dict.fromkeys(labels, None)}}
    Inspection(clone.sandbox).request("PATCH", path_of(clone, resource), change)


def _edit_pod(clone: Clone, resource: dict[str, Any]) -> None:
    change = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 599}}}}
    Inspection(clone.sandbox).request("PATCH", path_of(clone, resource), change)


def _overwrite(clone: Clone, bucket: str, prefix: str) -> None:
    """Other bytes under the first name below the prefix."""
    s3 = clone.aws("s3")
    (first, *_) = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    s3.put_object(Bucket=bucket, Key=first["Key"], Body=b"edited")


_EDITS: Final[dict[str, Edit]] = {
    "aws:ec2/eip:Eip": _RETAG,
    "aws:ec2/internetGateway:InternetGateway": _RETAG,
    "aws:ec2/launchTemplate:LaunchTemplate": _ec2(
        "create_launch_template_version",
        LaunchTemplateId="ID",
        LaunchTemplateData={"MetadataOptions": {"HttpPutResponseHopLimit": 2, "HttpTokens": "optional"}},
    ),
    "aws:ec2/natGateway:NatGateway": _RETAG,
    "aws:ec2/route:Route": _reroute,
    "aws:ec2/routeTable:RouteTable": _RETAG,
    "aws:ec2/subnet:Subnet": _ec2(
        "modify_subnet_attribute", SubnetId="ID", MapPublicIpOnLaunch={"Value": True}
    ),
    "aws:ec2/vpc:Vpc": _ec2("modify_vpc_attribute", VpcId="ID", EnableDnsHostnames={"Value": False}),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _RETAG,
    "aws:eks/addon:Addon": _edit_record("edited", "yes", part="tags"),
    "aws:eks/cluster:Cluster": _edit_record("version", "1.34", part=""),
    "aws:eks/nodeGroup:NodeGroup": _scale_nodes,
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": _edit_record("edited", "yes", part="tags"),
    "aws:iam/role:Role": lambda clone, resource: clone.aws("iam").update_assume_role_policy(
        RoleName=resource["id"], PolicyDocument=OPEN_TRUST
    ),
    "aws:iam/rolePolicy:RolePolicy": _put_role_policy,
    "aws:kms/key:Key": lambda clone, resource: clone.aws("kms").update_key_description(
        KeyId=resource["id"], Description="edited"
    ),
    "aws:s3/bucket:Bucket": _retag_bucket,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _s3(
        "put_bucket_lifecycle_configuration",
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "expire-superseded",
                    "Status": "Disabled",
                    "Filter": {"Prefix": ""},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
                }
            ]
        },
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _s3(
        "put_bucket_ownership_controls",
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _edit_record("Policy", OPEN_POLICY, part=""),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _s3(
        "put_public_access_block",
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": False,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _s3(
        "put_bucket_encryption",
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _s3(
        "put_bucket_versioning", VersioningConfiguration={"Status": "Suspended"}
    ),
    "kubernetes:apps/v1:Deployment": _edit_pod,
    "slipway:index:ModelArtifact": lambda clone, resource: _overwrite(
        clone, resource["outputs"]["bucket"], resource["outputs"]["filesPrefix"]
    ),
    "slipway:index:ThinArchive": lambda clone, resource: _overwrite(
        clone, resource["outputs"]["bucket"], resource["outputs"]["key"]
    ),
}
"""Of each type that has not the common edit of Kubernetes objects."""


def has_edit(type_: str) -> bool:
    """Whether `edit` knows the type of resource."""
    return type_ in _EDITS or type_.startswith("kubernetes:")


def edit(clone: Clone, resource: dict[str, Any]) -> None:
    """Changes the object behind a resource."""
    _EDITS.get(resource["type"], _edit_object)(clone, resource)
