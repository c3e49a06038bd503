"""Names: those that the provider generates, and what AWS says to a name that is taken."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from plugin_server.provider import InitFailed, ProviderError
from sandbox.aws import server_rules
from tests.engine.sandbox.aws import cases

if TYPE_CHECKING:
    from tests.engine.sandbox.aws.conftest import Engine

BUCKET = "aws:s3/bucket:Bucket"
ROLE = "aws:iam/role:Role"
TRUST = cases.trust("ec2.amazonaws.com")


def test_a_bucket_without_a_name_gets_its_logical_name_in_lower_case_and_seven_digits(engine: Engine) -> None:
    assert re.fullmatch(r"models-[0-9a-f]{7}", engine.checked(BUCKET, "Models", {})["bucket"])


def test_a_generated_name_stays_when_other_inputs_change(engine: Engine) -> None:
    first = engine.checked(BUCKET, "models", {})
    assert engine.checked(BUCKET, "models", {"forceDestroy": True}, first)["bucket"] == first["bucket"]


def test_a_logical_name_too_long_for_aws_is_refused_with_the_way_out(engine: Engine) -> None:
    failures = engine.check(ROLE, "r" * 57, {"assumeRolePolicy": TRUST}).failures
    assert "limit of 64; give the resource a shorter name or set name" in failures[0].reason


def test_a_replacement_that_keeps_the_programs_own_name_deletes_first(engine: Engine) -> None:
    cluster = engine.checked(
        "aws:eks/cluster:Cluster",
        "own",
        {
            "name": "fixed",
            "roleArn": "arn:aws:iam::123456789012:role/a",
            "vpcConfig": {"subnetIds": ["s-1", "s-2"]},
        },
    )
    from tests.engine.sandbox.aws.conftest import Resource

    made = Resource(engine.urn("aws:eks/cluster:Cluster", "own"), "fixed", cluster, {})
    other = {**cluster, "roleArn": "arn:aws:iam::123456789012:role/b"}
    assert engine.diff(made, other).delete_before_replace
    generated = {**cluster, "name": "own-0123abc"}
    made = Resource(made.urn, "own-0123abc", generated, {})
    assert not engine.diff(made, {**other, "name": "own-0123abc"}).delete_before_replace


def _twice(engine: Engine, token: str, inputs: dict[str, Any], message: str) -> None:
    engine.create(token, "one", inputs)
    with pytest.raises(ProviderError, match=message):
        engine.create(token, "two", inputs)


def test_a_bucket_that_exists_is_not_made_again(engine: Engine) -> None:
    _twice(engine, BUCKET, {"bucket": "taken-by-another-resource"}, "CreateBucket: BucketAlreadyOwnedByYou")


def test_a_role_that_exists_is_not_made_again(engine: Engine) -> None:
    _twice(engine, ROLE, {"name": "taken", "assumeRolePolicy": TRUST}, "CreateRole: EntityAlreadyExists")


def test_a_launch_template_that_exists_is_not_made_again(engine: Engine) -> None:
    name = f"taken-{engine.project}"
    _twice(
        engine,
        "aws:ec2/launchTemplate:LaunchTemplate",
        {"name": name, "userData": "YSA9IDE="},
        "InvalidLaunchTemplateName.AlreadyExistsException",
    )


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("aws:ec2/route:Route", r"RouteAlreadyExists: The route identified by 0\.0\.0\.0/0 already exists"),
        ("aws:ec2/routeTableAssociation:RouteTableAssociation", r"Resource\.AlreadyAssociated"),
        ("aws:eks/addon:Addon", r"CreateAddon: ResourceInUseException"),
        ("aws:eks/podIdentityAssociation:PodIdentityAssociation", r"ResourceInUseException"),
    ],
)
def test_an_object_that_can_be_there_once_is_not_made_again(engine: Engine, token: str, message: str) -> None:
    case = next(case for case in cases.CASES if case.token == token)
    _twice(engine, token, case.base(engine), message)


def test_a_cluster_and_a_node_group_that_exist_are_not_made_again(engine: Engine) -> None:
    inputs = cases.node_group(engine)
    _twice(
        engine, "aws:eks/nodeGroup:NodeGroup", {**inputs, "nodeGroupName": "taken"}, "ResourceInUseException"
    )
    (cluster,) = [resource for resource in engine.made if "eks/cluster" in resource.urn]
    again = {key: value for key, value in cluster.inputs.items() if key != "tagsAll"}
    with pytest.raises(ProviderError, match="CreateCluster: ResourceInUseException"):
        engine.create("aws:eks/cluster:Cluster", "two", again)


def test_inline_policies_of_one_role_share_one_limit(engine: Engine) -> None:
    role = engine.create(ROLE, "pods", {"assumeRolePolicy": TRUST}).id
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::models/{'a' * 6000}"}
    inputs = {"role": role, "policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
    engine.create("aws:iam/rolePolicy:RolePolicy", "one", inputs)
    with pytest.raises(ProviderError, match="LimitExceeded: Maximum policy size of 10240 bytes exceeded"):
        engine.create("aws:iam/rolePolicy:RolePolicy", "two", inputs)


def test_an_object_whose_create_stops_half_way_is_in_the_state_and_the_next_update_completes_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.engine.sandbox.aws.conftest import Resource

    def fail(*_: object) -> None:
        raise ProviderError("no")

    token = "aws:kms/key:Key"  # noqa: S105 (a type token)
    inputs = engine.checked(token, "key", {"enableKeyRotation": True})
    with monkeypatch.context() as patch:
        patch.setattr("sandbox.aws.objects.complete", fail)
        with pytest.raises(InitFailed) as failure:
            engine.create(token, "key", {"enableKeyRotation": True})
    made = Resource(engine.urn(token, "key"), failure.value.id, inputs, failure.value.state)
    assert engine.update(made, inputs)["enableKeyRotation"] is True
    assert engine.drift(made) == []


def test_a_node_group_whose_nodes_do_not_register_is_in_the_state(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ProviderError("no free address")

    token = "aws:eks/nodeGroup:NodeGroup"  # noqa: S105 (a type token)
    inputs = cases.node_group(engine)
    monkeypatch.setitem(server_rules.AFTER, (token, "create"), (fail,))
    with pytest.raises(InitFailed, match="no free address"):
        engine.create(token, "pool", inputs)
