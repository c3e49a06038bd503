"""What AWS has with a stack's tags, and no resource of the state is."""

import pytest

from recovery import Holding, orphans, stack_tags
from tests.unit.recovery.states import DEFAULT_TAGS, PROVIDER, deployment, resource

A = "arn:aws:{}:eu-west-1:123456789012:{}"


@pytest.mark.parametrize(
    ("arn", "type_", "id_", "delete"),
    [
        (A.format("ec2", "vpc/vpc-1"), "aws:ec2/vpc:Vpc", "vpc-1", "aws ec2 delete-vpc --vpc-id vpc-1"),
        (
            A.format("ec2", "elastic-ip/eipalloc-1"),
            "aws:ec2/eip:Eip",
            "eipalloc-1",
            "aws ec2 release-address --allocation-id eipalloc-1",
        ),
        (
            A.format("eks", "nodegroup/c/g/0-1-2"),
            "aws:eks/nodeGroup:NodeGroup",
            "c:g",
            "aws eks delete-nodegroup --cluster-name c --nodegroup-name g",
        ),
        (
            A.format("eks", "podidentityassociation/c/a-1"),
            "aws:eks/podIdentityAssociation:PodIdentityAssociation",
            "c,a-1",
            "aws eks delete-pod-identity-association --cluster-name c --association-id a-1",
        ),
        (
            "arn:aws:iam::123456789012:role/some/path/reader-1",
            "aws:iam/role:Role",
            "reader-1",
            "aws iam delete-role --role-name reader-1",
        ),
        (
            "arn:aws:s3:::models-1",
            "aws:s3/bucket:Bucket",
            "models-1",
            "aws s3api delete-bucket --bucket models-1",
        ),
        (A.format("sqs", "queue"), "", "", ""),
    ],
)
def test_an_orphan_has_its_type_its_import_id_and_the_command_that_deletes_it(
    arn: str, type_: str, id_: str, delete: str
) -> None:
    (found,) = orphans(deployment(), [Holding(arn=arn, name="network-x")], "dev")
    assert (found.type, found.id, found.delete_command) == (type_, id_, delete)
    if type_:
        assert found.import_command == (
            f"pulumi import {type_} network-x {id_} --parent p=URN_OF_COMPONENT --provider q={PROVIDER} "
            "--generate-code=false --protect=false --stack dev"
        )


def test_what_the_state_has_is_none_by_arn_or_by_id() -> None:
    role = "arn:aws:iam::123456789012:role/reader"
    has = (
        resource("aws:ec2/vpc:Vpc", "v", id="vpc-1"),
        resource("aws:iam/role:Role", "r", id="other", outputs={"arn": role}),
        resource(
            "aws:eks/podIdentityAssociation:PodIdentityAssociation",
            "p",
            id="a-1",
            outputs={"clusterName": "c"},
        ),
    )
    held = [A.format("ec2", "vpc/vpc-1"), role, A.format("eks", "podidentityassociation/c/a-1")]
    lost = A.format("ec2", "vpc/vpc-2")
    found = orphans(deployment(has=has), [Holding(arn=arn) for arn in [*held, lost]], "dev")
    assert [orphan.arn for orphan in found] == [lost]


def test_the_tags_of_a_stack_are_its_provider_s() -> None:
    assert stack_tags(deployment()) == (DEFAULT_TAGS, "eu-west-1")
    assert stack_tags({"resources": []}) == ({}, None)
