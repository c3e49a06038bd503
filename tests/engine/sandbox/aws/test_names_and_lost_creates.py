"""Generated names, and objects whose create answer never reached the engine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from plugin_server.provider import ProviderError

if TYPE_CHECKING:
    from tests.engine.sandbox.aws.conftest import Engine, Resource

BUCKET = "aws:s3/bucket:Bucket"
ROLE = "aws:iam/role:Role"
VPC = "aws:ec2/vpc:Vpc"
POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
TRUST = (
    '{"Version": "2012-10-17", "Statement": '
    '[{"Effect": "Allow", "Principal": {"Service": "x"}, "Action": "sts:AssumeRole"}]}'
)


def test_a_bucket_without_a_name_gets_its_logical_name_in_lower_case_and_seven_digits(engine: Engine) -> None:
    assert re.fullmatch(r"models-[0-9a-f]{7}", engine.checked(BUCKET, "Models", {})["bucket"])


def test_a_generated_name_stays_when_other_inputs_change(engine: Engine) -> None:
    first = engine.checked(BUCKET, "models", {})
    assert engine.checked(BUCKET, "models", {"forceDestroy": True}, first)["bucket"] == first["bucket"]


def test_a_prefix_leaves_the_name_to_the_create(engine: Engine) -> None:
    assert "bucket" not in engine.checked(BUCKET, "models", {"bucketPrefix": "research-"})
    made = engine.create(BUCKET, "models", {"bucketPrefix": "research-"})
    assert re.fullmatch(r"research-\d{26}", made.id)
    assert engine.drift(made) == []


def test_a_kms_alias_gets_the_prefix_that_kms_wants(engine: Engine) -> None:
    name = engine.checked("aws:kms/alias:Alias", "artifacts", {"targetKeyId": "k"})["name"]
    assert re.fullmatch(r"alias/artifacts-[0-9a-f]{7}", name)


def test_a_logical_name_too_long_for_aws_is_refused_with_the_way_out(engine: Engine) -> None:
    failures = engine.check(ROLE, "r" * 57, {"assumeRolePolicy": TRUST}).failures
    assert "limit of 64; give the resource a shorter name or set name" in failures[0].reason


def _lose(engine: Engine, token: str, name: str, inputs: dict[str, Any]) -> Resource:
    """Makes an object, and forgets the answer."""
    lost = engine.create(token, name, inputs)
    engine.made.remove(lost)
    engine.restart()
    return lost


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        (BUCKET, {}),
        (BUCKET, {"bucket": "fixed-name-of-a-lost-bucket"}),
        (ROLE, {"assumeRolePolicy": TRUST}),
        ("aws:iam/policy:Policy", {"policy": POLICY}),
        (VPC, {"cidrBlock": "10.0.0.0/16"}),
        ("aws:ec2/eip:Eip", {}),
        ("aws:kms/key:Key", {}),
        ("aws:ec2/securityGroup:SecurityGroup", {}),
        ("aws:ecr/repository:Repository", {}),
    ],
)
def test_an_object_whose_answer_was_lost_is_found_again(
    engine: Engine, token: str, inputs: dict[str, Any]
) -> None:
    lost = _lose(engine, token, "subject", inputs)
    made = engine.create(token, "subject", {**inputs, "tags": {"second": "try"}})
    assert made.id == lost.id
    assert made.state["tags"] == {"second": "try"}, "the found object is brought up to date"
    assert engine.drift(made) == []
    _, again = engine.plan(made, {**inputs, "tags": {"second": "try"}})
    assert again.changes == ()


def test_a_lost_role_policy_with_a_generated_name_is_found_in_its_role(engine: Engine) -> None:
    role = engine.create(ROLE, "subject", {"assumeRolePolicy": TRUST})
    lost = _lose(engine, "aws:iam/rolePolicy:RolePolicy", "read", {"role": role.id, "policy": POLICY})
    made = engine.create("aws:iam/rolePolicy:RolePolicy", "read", {"role": role.id, "policy": POLICY})
    other = engine.create("aws:iam/rolePolicy:RolePolicy", "write", {"role": role.id, "policy": POLICY})
    assert made.id == lost.id
    names = engine.aws("iam").list_role_policies(RoleName=role.id)["PolicyNames"]
    assert sorted(f"{role.id}:{name}" for name in names) == sorted([made.id, other.id])


def test_a_lost_alias_with_a_generated_name_is_found_by_its_key(engine: Engine) -> None:
    key = engine.create("aws:kms/key:Key", "subject", {})
    lost = _lose(engine, "aws:kms/alias:Alias", "models", {"targetKeyId": key.id})
    assert engine.create("aws:kms/alias:Alias", "models", {"targetKeyId": key.id}).id == lost.id


def test_a_lost_object_that_cannot_be_used_is_left_alone_with_a_warning(engine: Engine) -> None:
    lost = _lose(engine, VPC, "network", {"cidrBlock": "10.0.0.0/16"})
    made = engine.create(VPC, "network", {"cidrBlock": "10.1.0.0/16"})
    assert made.id != lost.id
    assert any(
        lost.id in line and "cidrBlock differs" in line
        for kind, line in engine.log.lines
        if kind == "warning"
    )


def test_an_object_of_another_resource_is_never_taken(engine: Engine) -> None:
    engine.create(BUCKET, "models", {"bucket": "taken-by-another-resource"})
    with pytest.raises(ProviderError, match="BucketAlreadyOwnedByYou"):
        engine.create(BUCKET, "others", {"bucket": "taken-by-another-resource"})


@pytest.mark.parametrize(
    ("token", "before", "after"),
    [
        (VPC, {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.1.0.0/16"}),
        (BUCKET, {}, {"objectLockEnabled": True}),
        (ROLE, {"assumeRolePolicy": TRUST}, {"assumeRolePolicy": TRUST, "path": "/slipway/"}),
    ],
)
def test_a_replacement_is_a_new_object_and_not_the_old_one_taken_over(
    engine: Engine, token: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    old = engine.create(token, "subject", before)
    engine.restart()
    _, difference = engine.plan(old, after)
    assert any(change.replaces for change in difference.changes)
    new = engine.create(token, "subject", after)
    assert new.id != old.id
    engine.delete(old)
    assert engine.read(new) is not None, "deleting the old object leaves the new one"


def test_an_old_object_still_waiting_for_its_delete_is_not_taken_over_later(engine: Engine) -> None:
    old = engine.create(VPC, "network", {"cidrBlock": "10.0.0.0/16"})
    engine.restart()
    engine.plan(old, {"cidrBlock": "10.1.0.0/16"})
    new = engine.create(VPC, "network", {"cidrBlock": "10.1.0.0/16"})
    engine.restart()  # the run ended before the old one was deleted; the engine now speaks of the new one only
    engine.plan(new, {"cidrBlock": "10.0.0.0/16"})
    third = engine.create(VPC, "network", {"cidrBlock": "10.0.0.0/16"})
    assert third.id not in (old.id, new.id)


def test_a_replacement_that_keeps_the_programs_own_name_deletes_first(engine: Engine) -> None:
    own = engine.create(BUCKET, "models", {"bucket": "name-of-the-program"})
    _, difference = engine.plan(own, {"bucket": "name-of-the-program", "objectLockEnabled": True})
    assert difference.delete_before_replace
    generated = engine.create(BUCKET, "generated", {})
    _, difference = engine.plan(generated, {"objectLockEnabled": True})
    assert not difference.delete_before_replace


def test_the_urn_is_on_the_object_and_never_in_the_outputs(engine: Engine) -> None:
    made = engine.create(VPC, "network", {"cidrBlock": "10.0.0.0/16", "tags": {"team": "nlp"}})
    tags = engine.aws("ec2").describe_vpcs(VpcIds=[made.id])["Vpcs"][0]["Tags"]
    assert {"Key": "slipway.dev/urn", "Value": made.urn} in tags
    assert made.state["tags"] == {"team": "nlp"}
    assert made.state["tagsAll"] == {"project": "slipway", "team": "nlp"}
