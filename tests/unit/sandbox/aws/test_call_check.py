"""The checker of calls: what botocore's models of the services say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import regex

from plugin_server import UNKNOWN
from sandbox.aws.call_check import WrongCallError, input_shape, require_valid, violations
from sandbox.aws.planner import ApiCall
from sandbox.aws.table import KINDS

GROUP = {
    "clusterName": "c",
    "nodegroupName": "n",
    "subnets": ["subnet-1"],
    "nodeRole": "arn:aws:iam::123456789012:role/r",
}


def call(name: str, arguments: dict[str, Any]) -> ApiCall:
    service, _, operation = name.partition(".")
    return ApiCall(service=service, operation=operation, arguments=arguments)


def faults(name: str, arguments: dict[str, Any]) -> list[str]:
    return [str(found) for found in violations(call(name, arguments))]


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        (
            "eks.CreateNodegroup",
            {**GROUP, "capacityType": "SPOTTY"},
            "'SPOTTY': it is none of the allowed",
        ),
        ("iam.TagRole", {"RoleName": "r" * 65, "Tags": []}, "it has 65 characters, and AWS takes at most 64"),
        ("iam.TagRole", {"RoleName": "a b", "Tags": []}, r"it must match [\w+=,.@-]+"),
        ("eks.CreateNodegroup", {"clusterName": "c"}, "nodegroupName: is missing: it is required. Set it"),
        (
            "ec2.CreateVpc",
            {"CidrBlock": "10.0.0.0/16", "Color": "red"},
            "CreateVpcRequest has no such parameter",
        ),
        ("eks.CreateNodegroup", {**GROUP, "scalingConfig": {"maxSize": 0}}, "AWS takes at least 1"),
        ("kms.EnableKeyRotation", {"KeyId": "k", "RotationPeriodInDays": 89}, "AWS takes at least 90"),
        ("kms.EnableKeyRotation", {"KeyId": "k", "RotationPeriodInDays": "90"}, "must be of type integer"),
        ("kms.EnableKeyRotation", {"KeyId": "k", "RotationPeriodInDays": True}, "must be of type integer"),
        ("eks.CreateNodegroup", {**GROUP, "subnets": "subnet-1"}, "subnets: 'subnet-1': must be a list"),
        (
            "eks.CreateNodegroup",
            {**GROUP, "labels": {"k": "v" * 64}},
            "it has 64 characters, and AWS takes at most 63",
        ),
        (
            "eks.CreateNodegroup",
            {**GROUP, "taints": [{"key": 1}]},
            "taints[0].key: 1: must be of type string",
        ),
        (
            "iam.TagRole",
            {"RoleName": "r", "Tags": [{"Key": "a!", "Value": ""}]},
            r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+",
        ),
    ],
)
def test_a_wrong_call_is_found(name: str, arguments: dict[str, Any], says: str) -> None:
    assert any(says in fault for fault in faults(name, arguments)), faults(name, arguments)


def test_unknown_values_are_passed_over_at_any_depth() -> None:
    assert faults("eks.CreateNodegroup", {**GROUP, "nodegroupName": UNKNOWN, "subnets": [UNKNOWN]}) == []
    assert faults("eks.CreateNodegroup", {**GROUP, "scalingConfig": {"maxSize": UNKNOWN, "minSize": 1}}) == []


def test_a_letter_of_any_alphabet_passes_where_aws_takes_it() -> None:
    assert faults("iam.TagRole", {"RoleName": "r", "Tags": [{"Key": "équipe", "Value": "моделі 一"}]}) == []


def test_an_error_names_the_property_the_call_the_value_the_rule_and_the_fix() -> None:
    wrong = ApiCall(
        service="eks",
        operation="CreateNodegroup",
        arguments={**GROUP, "taints": [{"effect": "never"}]},
        origins={("taints",): "taints"},
    )
    with pytest.raises(WrongCallError) as error:
        require_valid(wrong)
    assert str(error.value) == (
        "not sent: taints[0].effect: eks CreateNodegroup taints[0].effect: 'never': it is none of the allowed values. "
        "Write one of NO_SCHEDULE, NO_EXECUTE, PREFER_NO_SCHEDULE"
    )


def _patterns(shape: Any, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    if shape.name in seen:
        return
    yield from filter(None, [shape.metadata.get("pattern")])
    parts = {"structure": "members", "list": "member", "map": "value"}.get(shape.type_name)
    within = getattr(shape, parts) if parts else {}
    for part in within.values() if isinstance(within, dict) else [within]:
        yield from _patterns(part, seen | {shape.name})


def test_every_pattern_of_the_calls_of_the_tables_can_be_read() -> None:
    steps = {
        (step.service, step.operation)
        for kind in KINDS.values()
        for step in (*kind.create, *kind.update, *kind.delete, *kind.tag, *kind.read)
    }
    patterns = {pattern for step in steps for pattern in _patterns(input_shape(*step))}
    assert len(patterns) > 10
    for pattern in patterns:
        regex.compile(pattern)
