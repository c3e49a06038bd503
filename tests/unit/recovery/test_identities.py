"""The table of ids, by type and inputs."""

from typing import Any

import pytest

from recovery import FromAws, FromInputs, MissingInputError, Nothing, identity_of

OBJECT = {"metadata": {"name": "reader-1a2b3c4", "namespace": "slipway-serving"}}
BUCKET = {"bucket": "models-1a2b3c4"}


@pytest.mark.parametrize(
    ("type_", "inputs", "id_"),
    [
        ("kubernetes:apps/v1:Deployment", OBJECT, "slipway-serving/reader-1a2b3c4"),
        ("kubernetes:core/v1:Namespace", {"metadata": {"name": "slipway-serving"}}, "slipway-serving"),
        ("kubernetes:monitoring.coreos.com/v1:PodMonitor", OBJECT, "slipway-serving/reader-1a2b3c4"),
        ("kubernetes:helm.sh/v3:Release", {"name": "prometheus", "namespace": "mon"}, "mon/prometheus"),
        ("aws:iam/role:Role", {"name": "reader-role-1a2b3c4"}, "reader-role-1a2b3c4"),
        ("aws:iam/rolePolicy:RolePolicy", {"role": "r", "name": "p"}, "r:p"),
        (
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            {"role": "r", "policyArn": "arn:aws:iam::aws:policy/P"},
            "r/arn:aws:iam::aws:policy/P",
        ),
        ("aws:s3/bucket:Bucket", BUCKET, "models-1a2b3c4"),
        ("aws:s3/bucketPolicy:BucketPolicy", BUCKET, "models-1a2b3c4"),
        (
            "aws:s3/bucketVersioning:BucketVersioning",
            {**BUCKET, "expectedBucketOwner": "123456789012"},
            "models-1a2b3c4,123456789012",
        ),
        ("aws:eks/cluster:Cluster", {"name": "c"}, "c"),
        ("aws:eks/nodeGroup:NodeGroup", {"clusterName": "c", "nodeGroupName": "g"}, "c:g"),
        ("aws:eks/addon:Addon", {"clusterName": "c", "addonName": "vpc-cni"}, "c:vpc-cni"),
        (
            "aws:ec2/route:Route",
            {"routeTableId": "rtb-1", "destinationCidrBlock": "0.0.0.0/0"},
            "rtb-1_0.0.0.0/0",
        ),
        (
            "slipway:index:ModelArtifact",
            {"bucket": "models", "digest": "sha256:00"},
            "models/sha256:00",
        ),
    ],
)
def test_an_id_follows_from_the_inputs(type_: str, inputs: dict[str, Any], id_: str) -> None:
    identity = identity_of(type_)
    assert isinstance(identity, FromInputs)
    assert identity.id(inputs) == id_


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"name": ""},
        {
            "name": {
                "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
                "ciphertext": "v1:x",
            }
        },
        {"name": None},
    ],
)
def test_no_id_follows_from_an_input_that_is_absent_or_secret(inputs: dict[str, Any]) -> None:
    identity = identity_of("aws:iam/role:Role")
    assert isinstance(identity, FromInputs)
    with pytest.raises(MissingInputError, match="the input name is absent or is no plain text"):
        identity.id(inputs)


@pytest.mark.parametrize(
    ("type_", "inputs", "command"),
    [
        (
            "aws:ec2/subnet:Subnet",
            {"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/20"},
            "aws ec2 describe-subnets --filters Name=vpc-id,Values=vpc-1 Name=cidr-block,Values=10.0.0.0/20",
        ),
        (
            "aws:ec2/natGateway:NatGateway",
            {"subnetId": "subnet-1"},
            "aws ec2 describe-nat-gateways --filter Name=subnet-id,Values=subnet-1",
        ),
        (
            "aws:ec2/eip:Eip",
            {},
            "aws ec2 describe-addresses --filters Name=tag:Name,Values=network-nat-a",
        ),
        (
            "aws:kms/key:Key",
            {"description": "Encrypts the model bucket models"},
            (
                "aws resourcegroupstaggingapi get-resources --resource-type-filters kms:key "
                "--tag-filters Key=Name,Values=network-nat-a"
            ),
        ),
        (
            "aws:eks/podIdentityAssociation:PodIdentityAssociation",
            {"clusterName": "c", "namespace": "n", "serviceAccount": "s"},
            "aws eks list-pod-identity-associations --cluster-name c --namespace n --service-account s",
        ),
    ],
)
def test_a_question_is_also_a_command_for_a_person(type_: str, inputs: dict[str, Any], command: str) -> None:
    identity = identity_of(type_)
    assert isinstance(identity, FromAws)
    assert identity.question(inputs, {"Name": "network-nat-a"}).command() == command


def test_providers_make_nothing_and_other_types_are_unknown() -> None:
    assert identity_of("pulumi:providers:aws") == Nothing()
    assert identity_of("aws:sqs/queue:Queue") is None
    assert identity_of("kubernetes:core/v1:ConfigMapPatch") is None
