"""A refresh sees what somebody changed behind Pulumi's back, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from plugin_server.provider import ProviderError

if TYPE_CHECKING:
    from tests.engine.sandbox.aws.conftest import Engine, Resource

BUCKET = "aws:s3/bucket:Bucket"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:Get*"], "Resource": ["*"]}],
}
DENIAL = json.dumps({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}]})
TRUST = '{"Statement": [{"Effect": "Allow", "Principal": {"Service": "x"}, "Action": "sts:AssumeRole"}]}'


def _bucket(engine: Engine) -> Resource:
    return engine.create(BUCKET, "models", {"tags": {"team": "nlp"}})


def test_suspended_versioning_is_seen(engine: Engine) -> None:
    name = _bucket(engine).id
    inputs = {"bucket": name, "versioningConfiguration": {"status": "Enabled"}}
    made = engine.create("aws:s3/bucketVersioning:BucketVersioning", "models", inputs)
    engine.aws("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    assert engine.drift(made) == ["versioningConfiguration.status"]


def test_a_deleted_public_access_block_is_gone(engine: Engine) -> None:
    name = _bucket(engine).id
    token = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"  # noqa: S105 (a type token)
    made = engine.create(token, "models", {"bucket": name, "blockPublicAcls": True})
    engine.aws("s3").delete_public_access_block(Bucket=name)
    assert engine.read(made) is None


def test_changed_and_added_tags_are_seen(engine: Engine) -> None:
    made = _bucket(engine)
    tags = engine.aws("s3").get_bucket_tagging(Bucket=made.id)["TagSet"]
    changed = [tag for tag in tags if tag["Key"] != "team"] + [{"Key": "by", "Value": "hand"}]
    engine.aws("s3").put_bucket_tagging(Bucket=made.id, Tagging={"TagSet": changed})
    assert engine.drift(made) == ["tags.by", "tags.team", "tagsAll.by", "tagsAll.team"]


def test_a_removed_default_tag_is_seen(engine: Engine) -> None:
    made = engine.create("aws:ec2/eip:Eip", "address", {})
    engine.aws("ec2").delete_tags(Resources=[made.id], Tags=[{"Key": "project"}])
    assert engine.drift(made) == ["tagsAll.project"]


def test_an_edited_role_policy_is_seen_and_a_reformatted_one_is_not(engine: Engine) -> None:
    role = engine.create("aws:iam/role:Role", "pods", {"assumeRolePolicy": TRUST}).id
    made = engine.create(
        "aws:iam/rolePolicy:RolePolicy", "pods", {"role": role, "policy": json.dumps(POLICY)}
    )
    name = made.state["name"]
    same = {**POLICY, "Statement": {"Resource": "*", "Action": "s3:Get*", "Effect": "Allow"}}
    iam = engine.aws("iam")
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(same, indent=2))
    assert engine.drift(made) == []
    wider = json.dumps(POLICY).replace("s3:Get*", "s3:*")
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=wider)
    assert engine.drift(made) == ["policy"]


def test_a_policy_detached_by_hand_is_gone(engine: Engine) -> None:
    role = engine.create("aws:iam/role:Role", "pods", {"assumeRolePolicy": TRUST}).id
    arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    token = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"  # noqa: S105 (a type token)
    made = engine.create(token, "pods", {"role": role, "policyArn": arn})
    engine.aws("iam").detach_role_policy(RoleName=role, PolicyArn=arn)
    assert engine.read(made) is None


def test_a_key_scheduled_for_deletion_is_gone(engine: Engine) -> None:
    made = engine.create("aws:kms/key:Key", "artifacts", {})
    engine.aws("kms").schedule_key_deletion(KeyId=made.id, PendingWindowInDays=7)
    assert engine.read(made) is None


def test_stopped_key_rotation_is_seen(engine: Engine) -> None:
    made = engine.create("aws:kms/key:Key", "artifacts", {"enableKeyRotation": True})
    engine.aws("kms").disable_key_rotation(KeyId=made.id)
    assert engine.drift(made) == ["enableKeyRotation"]


def test_a_deleted_route_is_gone_and_a_redirected_one_is_seen(engine: Engine) -> None:
    network = engine.create("aws:ec2/vpc:Vpc", "network", {"cidrBlock": "10.0.0.0/16"}).id
    table = engine.create("aws:ec2/routeTable:RouteTable", "table", {"vpcId": network}).id
    gateway = engine.create("aws:ec2/internetGateway:InternetGateway", "gateway", {"vpcId": network}).id
    route = {"routeTableId": table, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway}
    made = engine.create("aws:ec2/route:Route", "out", route)
    ec2 = engine.aws("ec2")
    subnet = engine.create("aws:ec2/subnet:Subnet", "s", {"vpcId": network, "cidrBlock": "10.0.0.0/24"}).id
    card = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    where = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"}
    ec2.replace_route(**where, NetworkInterfaceId=card)
    assert engine.drift(made) == ["gatewayId"]
    ec2.delete_route(**where)
    assert engine.read(made) is None


def test_a_bucket_policy_that_is_only_recorded_can_be_changed_behind_the_back_too(engine: Engine) -> None:
    name = _bucket(engine).id
    token = "aws:s3/bucketPolicy:BucketPolicy"  # noqa: S105 (a type token)
    made = engine.create(token, "models", {"bucket": name, "policy": DENIAL})
    engine.aws("s3").put_object(Bucket=name, Key="weights", Body=b"1")  # moto enforces nothing of it
    record = engine.provider._records.get(token, name)
    assert record is not None
    record["Policy"] = "{}"
    engine.provider._records.put(token, name, record)
    assert engine.drift(made) == ["policy"]
    engine.provider._records.remove(token, name)
    assert engine.read(made) is None


def test_a_recorded_object_goes_with_what_it_belongs_to(engine: Engine) -> None:
    bucket = _bucket(engine)
    made = engine.create(
        "aws:s3/bucketPolicy:BucketPolicy", "models", {"bucket": bucket.id, "policy": DENIAL}
    )
    engine.aws("s3").delete_bucket(Bucket=bucket.id)
    assert engine.read(made) is None


def test_a_bucket_with_objects_is_deleted_only_when_the_program_said_so(engine: Engine) -> None:
    made = _bucket(engine)
    engine.aws("s3").put_bucket_versioning(Bucket=made.id, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        engine.aws("s3").put_object(Bucket=made.id, Key="weights", Body=body)
    with pytest.raises(ProviderError, match=r"BucketNotEmpty.*set forceDestroy"):
        engine.delete(made)
    made.inputs["forceDestroy"] = True
    engine.delete(made)
    assert engine.read(made) is None


def test_a_network_in_use_is_not_deleted(engine: Engine) -> None:
    network = engine.create("aws:ec2/vpc:Vpc", "network", {"cidrBlock": "10.0.0.0/16"})
    engine.create("aws:ec2/subnet:Subnet", "s", {"vpcId": network.id, "cidrBlock": "10.0.0.0/24"})
    with pytest.raises(ProviderError, match="DependencyViolation"):
        engine.delete(network)


def test_another_region_in_the_configuration_replaces(engine: Engine) -> None:
    made = engine.create("aws:kms/key:Key", "artifacts", {})
    engine.provider.configure({"region": "us-east-1"})
    _, difference = engine.plan(made, {})
    assert [change.path for change in difference.changes if change.replaces] == [("region",)]


def test_a_bucket_whose_versioning_went_first_goes_with_what_was_removed_from_it(engine: Engine) -> None:
    """As after a promotion of other files than the digest's, which are removed again."""
    made = engine.create("aws:s3/bucket:Bucket", "models", {"forceDestroy": True})
    versioning = engine.create(
        "aws:s3/bucketVersioning:BucketVersioning",
        "versioning",
        {"bucket": made.id, "versioningConfiguration": {"status": "Enabled"}},
    )
    s3 = engine.aws("s3")
    for _ in range(2):
        s3.put_object(Bucket=made.id, Key="weights", Body=b"1")
        s3.delete_object(Bucket=made.id, Key="weights")
    s3.put_object(Bucket=made.id, Key="kept", Body=b"1")
    engine.delete(versioning)
    engine.delete(made)
    assert made.id not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
