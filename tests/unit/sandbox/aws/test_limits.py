"""Each documented limit at its edge: what is within passes, what is beyond fails."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from sandbox.aws.call_check import input_shape
from sandbox.aws.limits import LIMITS
from tests.unit.sandbox.aws.test_call_check import GROUP, faults


def _statement(size: int, **more: str) -> str:
    """A policy of so many characters."""
    statement = {"Effect": "Allow", "Action": "a", **more}
    bare = len(json.dumps({"Statement": [statement]}, separators=(",", ":")))
    return json.dumps(
        {"Statement": [{**statement, "Action": "a" * (size - bare + 1)}]}, separators=(",", ":")
    )


def _tags(number: int = 1, key: int = 1, value: int = 1) -> list[dict[str, str]]:
    return [
        {"Key": f"{index}".zfill(key)[-key:] if key > 1 else f"{index}", "Value": "v" * value}
        for index in range(number)
    ]


def _ec2_tags(key: int) -> dict[str, Any]:
    return {"Resources": ["vpc-1"], "Tags": _tags(key=key)}


def _template(**data: Any) -> dict[str, Any]:
    return {"LaunchTemplateName": "lt-name", "LaunchTemplateData": data}


def _volume(size: int) -> dict[str, Any]:
    return _template(BlockDeviceMappings=[{"DeviceName": "/dev/xvdb", "Ebs": {"VolumeSize": size}}])


def _cluster(**more: Any) -> dict[str, Any]:
    network = {"subnetIds": ["a", "b"], **more.pop("network", {})}
    return {"name": "c", "roleArn": GROUP["nodeRole"], "resourcesVpcConfig": network, **more}


def _sizes(least: int, desired: int, most: int) -> dict[str, Any]:
    return {**GROUP, "scalingConfig": {"minSize": least, "desiredSize": desired, "maxSize": most}}


def _lifecycle(number: int = 1, name: int = 1) -> dict[str, Any]:
    rule = {"ID": "i" * name, "Status": "Enabled", "Expiration": {"Days": 1}}
    return {"Bucket": "b", "LifecycleConfiguration": {"Rules": [rule] * number}}


def _trust(size: int) -> dict[str, Any]:
    return {"RoleName": "r", "AssumeRolePolicyDocument": _statement(size, Principal="*")}


_RULE = {"Bucket": "b", "LifecycleConfiguration": {"Rules": [{"Status": "Enabled"}]}}
_NAT = {"SubnetId": "s"}
_NODES = "nodes of a managed node group (a quota that AWS raises on request)"
_NAMED = {"PolicyArn": "arn:aws:iam::aws:policy/a"}

EDGES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("size of a VPC", "ec2.CreateVpc", {"CidrBlock": "10.0.0.0/16"}, {"CidrBlock": "10.0.0.0/15"}),
    ("size of a VPC", "ec2.CreateVpc", {"CidrBlock": "10.0.0.0/28"}, {"CidrBlock": "10.0.0.0/29"}),
    ("CIDR block of a network", "ec2.CreateVpc", {"CidrBlock": "10.0.0.0/16"}, {}),
    (
        "size of a subnet",
        "ec2.CreateSubnet",
        {"VpcId": "v", "CidrBlock": "10.0.0.0/28"},
        {"VpcId": "v", "CidrBlock": "10.0.0.0/29"},
    ),
    (
        "destination of a route",
        "ec2.CreateRoute",
        {"RouteTableId": "r", "GatewayId": "g", "DestinationCidrBlock": "0.0.0.0/0"},
        {"RouteTableId": "r", "GatewayId": "g", "DestinationCidrBlock": "0.0.0.1/0"},
    ),
    (
        "target of a route",
        "ec2.CreateRoute",
        {"RouteTableId": "r", "GatewayId": "g"},
        {"RouteTableId": "r", "GatewayId": "g", "NatGatewayId": "n"},
    ),
    (
        "address of a public NAT gateway",
        "ec2.CreateNatGateway",
        {"SubnetId": "s", "AllocationId": "e"},
        {"SubnetId": "s"},
    ),
    (
        "name of a launch template",
        "ec2.CreateLaunchTemplate",
        {**_template(), "LaunchTemplateName": "n" * 128},
        {**_template(), "LaunchTemplateName": "n" * 129},
    ),
    (
        "size of user data",
        "ec2.CreateLaunchTemplate",
        _template(UserData=base64.b64encode(b"a" * 16384).decode()),
        _template(UserData=base64.b64encode(b"a" * 16385).decode()),
    ),
    ("GiB of a gp3 volume", "ec2.CreateLaunchTemplate", _volume(65536), _volume(65537)),
    (
        "hop limit of the metadata service",
        "ec2.CreateLaunchTemplate",
        _template(MetadataOptions={"HttpPutResponseHopLimit": 64}),
        _template(MetadataOptions={"HttpPutResponseHopLimit": 65}),
    ),
    ("Kubernetes versions of EKS", "eks.CreateCluster", _cluster(version="1.36"), _cluster(version="1.30")),
    ("subnets of a cluster", "eks.CreateCluster", _cluster(), _cluster(network={"subnetIds": ["a"]})),
    (
        "public access ranges of a cluster",
        "eks.CreateCluster",
        _cluster(network={"publicAccessCidrs": ["10.0.0.0/8"] * 40}),
        _cluster(network={"publicAccessCidrs": ["10.0.0.0/8"] * 41}),
    ),
    (
        "access to a cluster's endpoint",
        "eks.CreateCluster",
        _cluster(network={"endpointPublicAccess": False, "endpointPrivateAccess": True}),
        _cluster(network={"endpointPublicAccess": False, "endpointPrivateAccess": False}),
    ),
    ("role of a cluster", "eks.CreateCluster", _cluster(), _cluster(roleArn="role")),
    (
        "name of a node group",
        "eks.CreateNodegroup",
        {**GROUP, "nodegroupName": "n" * 63},
        {**GROUP, "nodegroupName": "n" * 64},
    ),
    (
        "instance types of a node group",
        "eks.CreateNodegroup",
        {**GROUP, "instanceTypes": ["t"] * 20},
        {**GROUP, "instanceTypes": ["t"] * 21},
    ),
    (
        "nodes of a managed node group (a quota that AWS raises on request)",
        "eks.CreateNodegroup",
        _sizes(0, 0, 450),
        _sizes(0, 0, 451),
    ),
    ("order of a node group's sizes", "eks.CreateNodegroup", _sizes(1, 1, 1), _sizes(1, 2, 1)),
    (
        "nodes unavailable during an update",
        "eks.CreateNodegroup",
        {**GROUP, "updateConfig": {"maxUnavailable": 100}},
        {**GROUP, "updateConfig": {"maxUnavailable": 101}},
    ),
    ("role of a node group", "eks.CreateNodegroup", GROUP, {**GROUP, "nodeRole": "role"}),
    (
        "configuration of an add-on",
        "eks.CreateAddon",
        {"clusterName": "c", "addonName": "a", "configurationValues": "{}"},
        {"clusterName": "c", "addonName": "a", "configurationValues": "{"},
    ),
    (
        "length of a trust policy (a quota that AWS raises on request)",
        "iam.CreateRole",
        _trust(2048),
        _trust(2049),
    ),
    (
        "grammar of a trust policy",
        "iam.CreateRole",
        _trust(200),
        {"RoleName": "r", "AssumeRolePolicyDocument": _statement(200)},
    ),
    (
        "grammar of a policy",
        "iam.PutRolePolicy",
        {"RoleName": "r", "PolicyName": "p", "PolicyDocument": _statement(200, Resource="*")},
        {"RoleName": "r", "PolicyName": "p", "PolicyDocument": '{"Statement": []}'},
    ),
    (
        "length of a role's inline policies together",
        "iam.PutRolePolicy",
        {"RoleName": "r", "PolicyName": "p", "PolicyDocument": "  " + _statement(10240, Resource="*")},
        {"RoleName": "r", "PolicyName": "p", "PolicyDocument": _statement(10241, Resource="*")},
    ),
    (
        "managed policy of a role",
        "iam.AttachRolePolicy",
        {"RoleName": "r", **_NAMED},
        {"RoleName": "r", "PolicyArn": "AmazonEKSClusterPolicy-of-AWS"},
    ),
    (
        "days until a key is deleted",
        "kms.ScheduleKeyDeletion",
        {"KeyId": "k", "PendingWindowInDays": 7},
        {"KeyId": "k", "PendingWindowInDays": 6},
    ),
    (
        "days until a key is deleted",
        "kms.ScheduleKeyDeletion",
        {"KeyId": "k", "PendingWindowInDays": 30},
        {"KeyId": "k", "PendingWindowInDays": 31},
    ),
    ("name of a bucket", "s3.CreateBucket", {"Bucket": "b" * 63}, {"Bucket": "b" * 64}),
    ("name of a bucket", "s3.CreateBucket", {"Bucket": "abc"}, {"Bucket": "ab"}),
    ("name of a bucket", "s3.CreateBucket", {"Bucket": "a-b"}, {"Bucket": "xn--b"}),
    (
        "size of a bucket policy",
        "s3.PutBucketPolicy",
        {"Bucket": "b", "Policy": _statement(20480, Principal="*", Resource="*")},
        {"Bucket": "b", "Policy": _statement(20481, Principal="*", Resource="*")},
    ),
    (
        "grammar of a bucket policy",
        "s3.PutBucketPolicy",
        {"Bucket": "b", "Policy": _statement(200, Principal="*", Resource="*")},
        {"Bucket": "b", "Policy": _statement(200, Resource="*")},
    ),
    ("rules of a lifecycle", "s3.PutBucketLifecycleConfiguration", _lifecycle(1000), _lifecycle(1001)),
    (
        "name of a lifecycle rule",
        "s3.PutBucketLifecycleConfiguration",
        _lifecycle(name=255),
        _lifecycle(name=256),
    ),
    ("action of a lifecycle rule", "s3.PutBucketLifecycleConfiguration", _lifecycle(), _RULE),
    (
        "tags of an object",
        "iam.TagRole",
        {"RoleName": "r", "Tags": _tags(50)},
        {"RoleName": "r", "Tags": _tags(51)},
    ),
    (
        "tags of an object",
        "ec2.CreateTags",
        {"Resources": ["v"], "Tags": _tags(key=128)},
        {"Resources": ["v"], "Tags": _tags(key=129)},
    ),
    (
        "tags of an object",
        "s3.PutBucketTagging",
        {"Bucket": "b", "Tagging": {"TagSet": _tags(value=256)}},
        {"Bucket": "b", "Tagging": {"TagSet": _tags(value=257)}},
    ),
    (
        "tags of an object",
        "eks.TagResource",
        {"resourceArn": "a", "tags": {"awsome": "a"}},
        {"resourceArn": "a", "tags": {"AWS:name": "a"}},
    ),
]


def _broken(name: str, arguments: dict[str, Any]) -> set[str]:
    urls = {limit.url: limit.what for limit in LIMITS}
    found = faults(name, arguments)
    return (
        {limit.what for limit in LIMITS if any(f"({limit.url})" in fault for fault in found)}
        if urls
        else set()
    )


@pytest.mark.parametrize(("what", "name", "within", "beyond"), EDGES)
def test_a_limit_holds_at_its_edge_and_breaks_beyond(
    what: str, name: str, within: dict[str, Any], beyond: dict[str, Any]
) -> None:
    assert faults(name, within) == []
    assert what in _broken(name, beyond)


def test_every_limit_has_an_edge() -> None:
    assert {limit.what for limit in LIMITS} == {what for what, *_ in EDGES}


def test_every_limit_is_about_a_parameter_that_exists_and_cites_aws() -> None:
    for limit in LIMITS:
        assert limit.url.startswith("https://docs.aws.amazon.com/")
        for operation in limit.operations:
            if not operation.endswith("*"):
                shape = input_shape(*operation.split("."))
                for part in filter(None, limit.path.split(".")):
                    shape = (
                        (shape.member if shape.type_name == "list" else shape.value)
                        if part == "*"
                        else shape.members[part]
                    )
