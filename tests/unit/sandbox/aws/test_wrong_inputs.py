"""Wrong inputs fail in Check, before anything is made, naming the property."""

from __future__ import annotations

from typing import Any

import pytest

from plugin_server import UNKNOWN, ProviderError
from sandbox.aws import config
from sandbox.aws.provider import AwsProvider
from sandbox.aws.table import KINDS
from tests.unit.sandbox.aws.conftest import check

_ROLE = "arn:aws:iam::123456789012:role/r"
_TRUST = '{"Statement": [{"Effect": "Allow", "Principal": {"Service": "x"}, "Action": "sts:AssumeRole"}]}'
_GROUP = {
    "clusterName": "c",
    "nodeRoleArn": _ROLE,
    "subnetIds": ["subnet-1"],
    "scalingConfig": {"minSize": 0, "desiredSize": 1, "maxSize": 2},
}
_CLUSTER = {"roleArn": _ROLE, "vpcConfig": {"subnetIds": ["subnet-1", "subnet-2"]}}
_ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
_ENCRYPTED = "rules[0].applyServerSideEncryptionByDefault.sseAlgorithm"
_OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
_LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
_BUCKET = "aws:s3/bucket:Bucket"
_VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
_ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
_NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
_EKS = "aws:eks/cluster:Cluster"

WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    (_BUCKET, {"forcedestroy": True}, "forcedestroy", "did you mean 'forceDestroy'"),
    (_BUCKET, {"bucket": "Models"}, "bucket", "not a bucket name"),
    (_BUCKET, {"tags": "none"}, "tags", "must be a map"),
    (_BUCKET, {"forceDestroy": "maybe"}, "forceDestroy", "must be true or false"),
    (_BUCKET, {"acl": "private"}, "acl", 'does not map. docs/sandbox-aws.md, "Add a row"'),
    (_BUCKET, {"tags": {"aws:x": "y"}}, "tags", "reserved prefix aws:"),
    (_VERSIONING, {"bucket": "b"}, "versioningConfiguration", "is required"),
    (
        _VERSIONING,
        {"bucket": "b", "versioningConfiguration": {"status": "On"}},
        "versioningConfiguration.status",
        "Write one of Enabled, Suspended",
    ),
    (
        _OWNERSHIP,
        {"bucket": "b", "rule": {"objectOwnership": "Mine"}},
        "rule.objectOwnership",
        "BucketOwnerEnforced",
    ),
    (
        _ENCRYPTION,
        {"bucket": "b", "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "kms"}}]},
        _ENCRYPTED,
        "aws:kms",
    ),
    (_LIFECYCLE, {"bucket": "b", "rules": [{"id": "a", "status": "Enabled"}]}, "rules[0]", "it needs one of"),
    ("aws:s3/bucketPolicy:BucketPolicy", {"bucket": "b", "policy": "{"}, "policy", "it is not JSON"),
    ("aws:kms/key:Key", {"deletionWindowInDays": 3}, "deletionWindowInDays", "does not map"),
    ("aws:iam/role:Role", {}, "assumeRolePolicy", "is required"),
    (
        "aws:iam/role:Role",
        {"assumeRolePolicy": '{"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}'},
        "assumeRolePolicy",
        "a Statement needs a Principal",
    ),
    ("aws:iam/role:Role", {"assumeRolePolicy": _TRUST, "name": "a b"}, "name", "it must match"),
    (
        "aws:iam/rolePolicy:RolePolicy",
        {"role": "r", "policy": '{"Statement": [{"Effect": "Permit", "Action": "*", "Resource": "*"}]}'},
        "policy",
        "Allow",
    ),
    (_ATTACHMENT, {"role": "r", "policyArn": "AmazonEKSClusterPolicy-of-AWS"}, "policyArn", "not an ARN"),
    ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/33"}, "cidrBlock", "not an IPv4 CIDR"),
    ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/8"}, "cidrBlock", "between /16 and /28"),
    ("aws:ec2/vpc:Vpc", {}, "", "exactly one of CidrBlock"),
    ("aws:ec2/subnet:Subnet", {"vpcId": "v", "cidrBlock": "10.0.0.1/24"}, "cidrBlock", "host bits"),
    (
        "aws:ec2/route:Route",
        {"routeTableId": "r", "destinationCidrBlock": "0.0.0.0/0", "gatewayId": "a", "natGatewayId": "b"},
        "",
        "has GatewayId and NatGatewayId",
    ),
    ("aws:ec2/natGateway:NatGateway", {"subnetId": "s"}, "", "exactly one of AllocationId"),
    ("aws:ec2/launchTemplate:LaunchTemplate", {"userData": "no base64"}, "userData", "Base64"),
    (
        "aws:ec2/launchTemplate:LaunchTemplate",
        {"blockDeviceMappings": [{"deviceName": "a", "ebs": {"volumeType": "gp4"}}]},
        "blockDeviceMappings[0].ebs.volumeType",
        "gp3",
    ),
    (_EKS, {**_CLUSTER, "version": "1.19"}, "version", "1.35"),
    (_EKS, {**_CLUSTER, "name": "-x"}, "name", "it must match"),
    (
        _EKS,
        {**_CLUSTER, "accessConfig": {"authenticationMode": "IAM"}},
        "accessConfig.authenticationMode",
        "API",
    ),
    (
        _EKS,
        {**_CLUSTER, "vpcConfig": {"subnetIds": ["subnet-1"]}},
        "vpcConfig.subnetIds",
        "two availability zones",
    ),
    (_NODE_GROUP, {**_GROUP, "amiType": "AL2023"}, "amiType", "BOTTLEROCKET_x86_64_NVIDIA"),
    (_NODE_GROUP, {**_GROUP, "capacityType": "Spot"}, "capacityType", "SPOT"),
    (
        _NODE_GROUP,
        {**_GROUP, "scalingConfig": {"minSize": 2, "desiredSize": 1, "maxSize": 3}},
        "scalingConfig",
        "does not hold",
    ),
    (
        _NODE_GROUP,
        {**_GROUP, "taints": [{"key": "gpu", "effect": "NoSchedule"}]},
        "taints[0].effect",
        "NO_SCHEDULE",
    ),
    (_NODE_GROUP, {**_GROUP, "diskSize": 50}, "diskSize", "does not map"),
    (
        "aws:eks/addon:Addon",
        {"addonName": "a", "clusterName": "c", "configurationValues": "{"},
        "configurationValues",
        "not JSON",
    ),
]


@pytest.mark.parametrize(("token", "inputs", "property_", "reason"), WRONG)
def test_a_wrong_input_is_refused_by_name(
    provider: AwsProvider, token: str, inputs: dict[str, Any], property_: str, reason: str
) -> None:
    failures = {failure.property: failure.reason for failure in check(provider, token, inputs).failures}
    assert property_ in failures
    assert reason in failures[property_]


@pytest.mark.parametrize("token", sorted(KINDS))
def test_inputs_that_are_not_known_yet_never_fail(provider: AwsProvider, token: str) -> None:
    inputs = dict.fromkeys(KINDS[token].inputs - {"natGatewayId"}, UNKNOWN)
    assert check(provider, token, inputs).failures == ()


def test_a_list_with_an_unknown_item_is_checked_as_far_as_it_is_known(provider: AwsProvider) -> None:
    inputs = {**_GROUP, "subnetIds": [UNKNOWN, "subnet-2"], "nodeRoleArn": UNKNOWN, "amiType": "AL2023"}
    assert [failure.property for failure in check(provider, _NODE_GROUP, inputs).failures] == ["amiType"]


def test_texts_become_numbers_and_numbers_texts_as_in_the_real_provider(provider: AwsProvider) -> None:
    sizes = {"minSize": "1", "desiredSize": 2, "maxSize": 3}
    assert (
        check(provider, _NODE_GROUP, {**_GROUP, "scalingConfig": sizes}).inputs["scalingConfig"]["minSize"]
        == 1
    )
    assert check(provider, _EKS, {**_CLUSTER, "version": 1.35}).inputs["version"] == "1.35"


def test_a_policy_given_as_an_object_becomes_text(provider: AwsProvider) -> None:
    policy = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "x"}, "Action": "sts:AssumeRole"}]}
    checked = check(provider, "aws:iam/role:Role", {"assumeRolePolicy": policy})
    assert checked.inputs["assumeRolePolicy"].startswith('{"Statement":[{"Action":"sts:AssumeRole"')


def test_a_type_without_a_row_is_an_error_that_says_how_to_add_one(provider: AwsProvider) -> None:
    with pytest.raises(
        ProviderError,
        match=r'no table row for the resource type aws:sqs/queue:Queue\. .*md, "Add a row".* real account',
    ):
        check(provider, "aws:sqs/queue:Queue", {})


def test_a_function_is_an_error_that_names_it(provider: AwsProvider) -> None:
    with pytest.raises(ProviderError, match="answers no function, and aws:index/getRegion:getRegion is one"):
        provider.invoke("aws:index/getRegion:getRegion", {})


@pytest.mark.parametrize(
    ("inputs", "property_", "reason"),
    [
        ({"region": "eu-west-1", "regoin": "x"}, "regoin", "is not emulated"),
        ({"region": "eu-west-1", "assumeRoles": "[]"}, "assumeRoles", "is not emulated"),
        ({}, "region", "is required"),
    ],
)
def test_provider_configuration_that_would_be_ignored_is_refused(
    inputs: dict[str, Any], property_: str, reason: str
) -> None:
    failures = {failure.property: failure.reason for failure in config.failures(inputs, None)}
    assert reason in failures[property_]


def test_ordinary_provider_configuration_passes() -> None:
    inputs = {
        "region": "eu-west-1",
        "version": "7.51.1",
        "skipCredentialsValidation": "true",
        "skipRegionValidation": "true",
        "defaultTags": '{"tags": {"project": "slipway"}}',
        "endpoints": '[{"s3": "http://127.0.0.1:1"}]',
        "profile": UNKNOWN,
    }
    assert config.failures(inputs, None) == []
    assert config.settings(inputs, None).default_tags == {"project": "slipway"}
