"""Wrong inputs fail in Check, before anything is made, naming the property."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from plugin_server.values import UNKNOWN
from sandbox.aws import config
from sandbox.aws.kinds import KINDS
from sandbox.aws.schema import inputs_of

if TYPE_CHECKING:
    from tests.engine.sandbox.aws.conftest import Engine

_ROLE = "arn:aws:iam::123456789012:role/r"
_TRUST = '{"Statement": [{"Effect": "Allow", "Principal": {"Service": "x"}, "Action": "sts:AssumeRole"}]}'
_GROUP = {
    "clusterName": "c",
    "nodeRoleArn": _ROLE,
    "subnetIds": ["subnet-1"],
    "scalingConfig": {"minSize": 0, "desiredSize": 1, "maxSize": 2},
}
_CLUSTER = {"roleArn": _ROLE, "vpcConfig": {"subnetIds": ["subnet-1", "subnet-2"]}}
_RULE = {"securityGroupId": "sg-1", "ipProtocol": "tcp", "fromPort": 1, "toPort": 2, "cidrIpv4": "10.0.0.0/8"}

WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("aws:s3/bucket:Bucket", {"forcedestroy": True}, "forcedestroy", "did you mean 'forceDestroy'"),
    ("aws:s3/bucket:Bucket", {"bucket": "a-b", "bucketPrefix": "a"}, "bucketPrefix", "conflicts with bucket"),
    ("aws:s3/bucket:Bucket", {"bucket": "Models"}, "bucket", "not a bucket name"),
    ("aws:s3/bucket:Bucket", {"tags": "none"}, "tags", "must be a map"),
    ("aws:s3/bucket:Bucket", {"forceDestroy": "maybe"}, "forceDestroy", "must be true or false"),
    ("aws:s3/bucket:Bucket", {"acl": "private"}, "acl", "does not emulate"),
    ("aws:s3/bucketVersioning:BucketVersioning", {"bucket": "b"}, "versioningConfiguration", "is required"),
    (
        "aws:s3/bucketVersioning:BucketVersioning",
        {"bucket": "b", "versioningConfiguration": {"status": "On"}},
        "versioningConfiguration.status",
        "'On' is not one of",
    ),
    (
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        {"bucket": "b", "rule": {"objectOwnership": "Mine"}},
        "rule.objectOwnership",
        "BucketOwnerEnforced",
    ),
    (
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        {"bucket": "b", "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "kms"}}]},
        "rules[0].applyServerSideEncryptionByDefault.sseAlgorithm",
        "aws:kms",
    ),
    (
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        {"bucket": "b", "rules": [{"id": "a", "status": "Enabled"}]},
        "rules[0]",
        "needs one of",
    ),
    ("aws:s3/bucketPolicy:BucketPolicy", {"bucket": "b", "policy": "{"}, "policy", "is not JSON"),
    ("aws:kms/key:Key", {"deletionWindowInDays": 3}, "deletionWindowInDays", "between 7 and 30"),
    ("aws:kms/key:Key", {"keyUsage": "ANY"}, "keyUsage", "ENCRYPT_DECRYPT"),
    ("aws:kms/alias:Alias", {"name": "models", "targetKeyId": "k"}, "name", "must begin with 'alias/'"),
    ("aws:iam/role:Role", {}, "assumeRolePolicy", "is required"),
    (
        "aws:iam/role:Role",
        {"assumeRolePolicy": '{"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}'},
        "assumeRolePolicy",
        "needs a Principal",
    ),
    ("aws:iam/role:Role", {"assumeRolePolicy": _TRUST, "name": "a b"}, "name", "letters, digits"),
    (
        "aws:iam/role:Role",
        {"assumeRolePolicy": _TRUST, "name": "a", "namePrefix": "b"},
        "namePrefix",
        "conflicts with name",
    ),
    (
        "aws:iam/policy:Policy",
        {"policy": '{"Statement": [{"Effect": "Permit", "Action": "*"}]}'},
        "policy",
        "Allow",
    ),
    (
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        {"role": "r", "policyArn": "AmazonEKSClusterPolicy"},
        "policyArn",
        "not an ARN",
    ),
    ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/33"}, "cidrBlock", "not an IPv4 CIDR"),
    ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/8"}, "cidrBlock", "between /16 and /28"),
    ("aws:ec2/vpc:Vpc", {}, "cidrBlock", "is required"),
    ("aws:ec2/subnet:Subnet", {"vpcId": "v", "cidrBlock": "10.0.0.1/24"}, "cidrBlock", "host bits"),
    (
        "aws:ec2/route:Route",
        {"routeTableId": "r", "destinationCidrBlock": "0.0.0.0/0", "gatewayId": "a", "natGatewayId": "b"},
        "natGatewayId",
        "not both gatewayId and natGatewayId",
    ),
    ("aws:ec2/route:Route", {"routeTableId": "r", "gatewayId": "a"}, "destinationCidrBlock", "exactly one"),
    ("aws:ec2/natGateway:NatGateway", {"subnetId": "s"}, "allocationId", "public NAT gateway"),
    (
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        {"vpcId": "v", "serviceName": "s", "subnetIds": ["a"]},
        "subnetIds",
        "Interface endpoints only",
    ),
    (
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        {**_RULE, "cidrIpv6": "::/0"},
        "cidrIpv6",
        "exactly one of",
    ),
    (
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        {**_RULE, "ipProtocol": "-1"},
        "fromPort",
        "must be left out",
    ),
    ("aws:eks/cluster:Cluster", {**_CLUSTER, "version": "1.19"}, "version", "1.35"),
    ("aws:eks/cluster:Cluster", {**_CLUSTER, "name": "-x"}, "name", "1 to 100"),
    (
        "aws:eks/cluster:Cluster",
        {**_CLUSTER, "accessConfig": {"authenticationMode": "IAM"}},
        "accessConfig.authenticationMode",
        "API_AND_CONFIG_MAP",
    ),
    ("aws:eks/nodeGroup:NodeGroup", {**_GROUP, "amiType": "AL2023"}, "amiType", "BOTTLEROCKET_x86_64_NVIDIA"),
    ("aws:eks/nodeGroup:NodeGroup", {**_GROUP, "capacityType": "Spot"}, "capacityType", "SPOT"),
    (
        "aws:eks/nodeGroup:NodeGroup",
        {**_GROUP, "scalingConfig": {"minSize": 2, "desiredSize": 1, "maxSize": 3}},
        "scalingConfig",
        "does not hold",
    ),
    (
        "aws:eks/nodeGroup:NodeGroup",
        {**_GROUP, "taints": [{"key": "gpu", "effect": "NoSchedule"}]},
        "taints[0].effect",
        "NO_SCHEDULE",
    ),
    (
        "aws:eks/nodeGroup:NodeGroup",
        {**_GROUP, "launchTemplate": {"version": "1"}},
        "launchTemplate",
        "emulate",
    ),
    (
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        {"clusterName": "c", "principalArn": _ROLE, "policyArn": _ROLE, "accessScope": {"type": "cluster"}},
        "policyArn",
        "not an access policy",
    ),
    (
        "aws:eks/addon:Addon",
        {"addonName": "a", "clusterName": "c", "configurationValues": "{"},
        "configurationValues",
        "not JSON",
    ),
    ("aws:ecr/repository:Repository", {"name": "Upper"}, "name", "lower-case"),
]


@pytest.mark.parametrize(("token", "inputs", "property_", "reason"), WRONG)
def test_a_wrong_input_is_refused_by_name(
    engine: Engine, token: str, inputs: dict[str, Any], property_: str, reason: str
) -> None:
    failures = {
        failure.property: failure.reason for failure in engine.check(token, "subject", inputs).failures
    }
    assert property_ in failures
    assert reason in failures[property_]


@pytest.mark.parametrize("token", sorted(KINDS))
def test_inputs_that_are_not_known_yet_never_fail(engine: Engine, token: str) -> None:
    kind, shape = KINDS[token], inputs_of(token)
    chosen = {name for group in kind.requires_one for name in group[:1]}
    required = (
        set(shape.required) | chosen | {"serviceName", "subnetId", "allocationId", "cidrBlock", "rules"}
    )
    inputs = dict.fromkeys(required & kind.handles, UNKNOWN)
    for group in kind.requires_one:
        for name in group[1:]:
            inputs.pop(name, None)
    assert engine.check(token, "subject", inputs).failures == ()


def test_texts_become_numbers_and_numbers_texts_as_in_the_real_provider(engine: Engine) -> None:
    inputs = {**_RULE, "fromPort": "443", "toPort": "443"}
    checked = engine.checked("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "r", inputs)
    assert checked["fromPort"] == 443
    assert engine.checked("aws:eks/cluster:Cluster", "c", {**_CLUSTER, "version": 1.35})["version"] == "1.35"


def test_a_policy_given_as_an_object_becomes_text(engine: Engine) -> None:
    policy = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "x"}, "Action": "sts:AssumeRole"}]}
    checked = engine.checked("aws:iam/role:Role", "r", {"assumeRolePolicy": policy})
    assert checked["assumeRolePolicy"].startswith('{"Statement":[{"Action":"sts:AssumeRole"')


@pytest.mark.parametrize(
    ("inputs", "property_", "reason"),
    [
        ({"region": "eu-west-1", "regoin": "x"}, "regoin", "not a configuration key"),
        ({"region": "eu-west-1", "assumeRoles": "[]"}, "assumeRoles", "not emulated"),
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
