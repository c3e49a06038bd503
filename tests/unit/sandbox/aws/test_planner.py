"""The calls that the tables plan: create, update, read and delete, as plain data."""

from __future__ import annotations

from typing import Any

import pytest

from plugin_server import UNKNOWN
from sandbox.aws import planner
from sandbox.aws.conversions import Context
from sandbox.aws.planner import ApiCall
from sandbox.aws.table import KINDS

VPC, SUBNET = KINDS["aws:ec2/vpc:Vpc"], KINDS["aws:ec2/subnet:Subnet"]
KEY, GROUP = KINDS["aws:kms/key:Key"], KINDS["aws:eks/nodeGroup:NodeGroup"]
BUCKET, CLUSTER = KINDS["aws:s3/bucket:Bucket"], KINDS["aws:eks/cluster:Cluster"]
TEMPLATE, ENDPOINT = KINDS["aws:ec2/launchTemplate:LaunchTemplate"], KINDS["aws:ec2/vpcEndpoint:VpcEndpoint"]


def plain(calls: list[ApiCall]) -> list[tuple[str, dict[str, Any]]]:
    return [(f"{call.service}.{call.operation}", call.arguments) for call in calls]


def test_a_create_makes_the_object_and_then_sets_what_the_program_says() -> None:
    context = Context(
        {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "tagsAll": {"b": "2", "a": "1"}}
    )
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    assert plain(planner.creating(VPC, context)) == [
        (
            "ec2.CreateVpc",
            {"CidrBlock": "10.0.0.0/16", "TagSpecifications": [{"ResourceType": "vpc", "Tags": tags}]},
        ),
        ("ec2.ModifyVpcAttribute", {"VpcId": UNKNOWN, "EnableDnsHostnames": {"Value": True}}),
    ]


@pytest.mark.parametrize(("rotated", "calls"), [(True, 2), (False, 1)])
def test_a_step_with_a_condition_is_there_where_the_condition_holds(rotated: bool, calls: int) -> None:
    assert len(planner.creating(KEY, Context({"description": "d", "enableKeyRotation": rotated}))) == calls


def test_unknown_inputs_stand_in_the_calls_as_unknown() -> None:
    context = Context({"vpcId": UNKNOWN, "cidrBlock": "10.0.0.0/24", "tagsAll": UNKNOWN})
    (name, arguments), *_ = plain(planner.creating(SUBNET, context))
    assert name == "ec2.CreateSubnet"
    assert arguments["VpcId"] is UNKNOWN
    assert arguments["TagSpecifications"][0]["Tags"] is UNKNOWN


def test_an_update_sends_what_changed_and_nothing_else() -> None:
    old = {"description": "d", "enableKeyRotation": True, "tagsAll": {"a": "1"}}
    context = Context({**old, "enableKeyRotation": False}, id="k", old=old)
    assert plain(planner.updating(KEY, context)) == [("kms.DisableKeyRotation", {"KeyId": "k"})]
    assert planner.updating(KEY, Context(old, id="k", old=old)) == []


def test_an_update_of_tags_removes_and_sets() -> None:
    context = Context({"tagsAll": {"a": "2"}}, id="vpc-1", old={"tagsAll": {"a": "1", "b": "1"}})
    assert plain(planner.updating(VPC, context)) == [
        ("ec2.DeleteTags", {"Resources": ["vpc-1"], "Tags": [{"Key": "b"}]}),
        ("ec2.CreateTags", {"Resources": ["vpc-1"], "Tags": [{"Key": "a", "Value": "2"}]}),
    ]


def test_no_call_removes_all_tags_where_none_is_to_be_removed() -> None:
    """EC2 takes a DeleteTags without tags for all of them."""
    context = Context({"tagsAll": {"a": "2"}}, id="vpc-1", old={"tagsAll": {"a": "1"}})
    assert [name for name, _ in plain(planner.updating(VPC, context))] == ["ec2.CreateTags"]


def test_the_last_tag_of_a_bucket_goes_with_an_empty_set() -> None:
    context = Context({"bucket": "b"}, id="b", old={"bucket": "b", "tagsAll": {"a": "1"}})
    assert plain(planner.updating(BUCKET, context)) == [
        ("s3.PutBucketTagging", {"Bucket": "b", "Tagging": {"TagSet": []}})
    ]


@pytest.mark.parametrize(("region", "configured"), [("us-east-1", False), ("eu-west-1", True)])
def test_a_bucket_names_its_region_but_for_the_first_one(region: str, configured: bool) -> None:
    (_, arguments), *_ = plain(planner.creating(BUCKET, Context({"bucket": "b"}, region=region)))
    assert ("CreateBucketConfiguration" in arguments) == configured


def test_labels_and_taints_are_sent_as_changes() -> None:
    taint = {"key": "gpu", "value": "x", "effect": "NO_SCHEDULE"}
    old = {"clusterName": "c", "nodeGroupName": "g", "labels": {"a": "1", "b": "1"}, "taints": [taint]}
    new = {"clusterName": "c", "nodeGroupName": "g", "labels": {"a": "2"}}
    ((_, arguments),) = plain(planner.updating(GROUP, Context(new, id="c:g", old=old)))
    assert arguments["labels"] == {"addOrUpdateLabels": {"a": "2"}, "removeLabels": ["b"]}
    assert arguments["taints"] == {"addOrUpdateTaints": [], "removeTaints": [taint]}


def test_route_tables_of_an_endpoint_are_added_and_removed() -> None:
    context = Context({"routeTableIds": ["b", "c"]}, id="vpce-1", old={"routeTableIds": ["a", "b"]})
    assert plain(planner.updating(ENDPOINT, context)) == [
        (
            "ec2.ModifyVpcEndpoint",
            {"VpcEndpointId": "vpce-1", "AddRouteTableIds": ["c"], "RemoveRouteTableIds": ["a"]},
        )
    ]


def test_a_cluster_changes_one_thing_a_call() -> None:
    old = {
        "version": "1.34",
        "accessConfig": {"authenticationMode": "API"},
        "vpcConfig": {"subnetIds": ["a"]},
    }
    new = {
        "version": "1.35",
        "accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"},
        "vpcConfig": {"subnetIds": ["a"], "endpointPrivateAccess": True},
    }
    calls = plain(planner.updating(CLUSTER, Context(new, id="c", old=old)))
    assert [sorted(arguments) for _, arguments in calls] == [
        ["name", "version"],
        ["accessConfig", "name"],
        ["name", "resourcesVpcConfig"],
    ]


def test_texts_of_a_template_become_the_booleans_of_the_api() -> None:
    mapping = {"deviceName": "/dev/xvdb", "ebs": {"encrypted": "true", "volumeSize": 9}}
    ((_, arguments),) = plain(
        planner.creating(TEMPLATE, Context({"name": "n", "blockDeviceMappings": [mapping]}))
    )
    sent = [{"DeviceName": "/dev/xvdb", "Ebs": {"Encrypted": True, "VolumeSize": 9}}]
    assert arguments["LaunchTemplateData"] == {"BlockDeviceMappings": sent}


def test_a_place_in_a_call_is_traced_to_its_input() -> None:
    mapping = {"deviceName": "/dev/xvdb", "ebs": {"volumeType": "gp4"}}
    (call,) = planner.creating(TEMPLATE, Context({"blockDeviceMappings": [mapping]}))
    at = ("LaunchTemplateData", "BlockDeviceMappings", 0, "Ebs", "VolumeType")
    assert call.property_of(at) == "blockDeviceMappings[0].ebs.volumeType"
    assert call.property_of(("DryRun",)) == ""


def test_a_read_names_the_object_by_its_id_and_its_inputs() -> None:
    route = KINDS["aws:ec2/route:Route"]
    context = Context({"routeTableId": "rtb-1", "destinationCidrBlock": "0.0.0.0/0"}, id="r-rtb-1")
    (reading,) = planner.reading(route, context)
    assert reading.call.arguments == {"RouteTableIds": ["rtb-1"]}
    assert "[?DestinationCidrBlock=='0.0.0.0/0']" in reading.part


@pytest.mark.parametrize(
    ("token", "id_", "found"),
    [
        ("aws:ec2/vpc:Vpc", "vpc-1", ("vpc-1", {})),
        (
            "aws:ec2/route:Route",
            "rtb-1_10.0.0.0/8",
            ("rtb-1_10.0.0.0/8", {"routeTableId": "rtb-1", "destinationCidrBlock": "10.0.0.0/8"}),
        ),
        (
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            "r/arn:aws:iam::aws:policy/P",
            ("r/arn:aws:iam::aws:policy/P", {"role": "r", "policyArn": "arn:aws:iam::aws:policy/P"}),
        ),
        (
            "aws:eks/podIdentityAssociation:PodIdentityAssociation",
            "c,a-1",
            ("a-1", {"clusterName": "c"}),
        ),
    ],
)
def test_an_id_to_import_names_inputs(token: str, id_: str, found: tuple[str, dict[str, str]]) -> None:
    assert planner.identified(KINDS[token], id_) == found


def test_the_id_of_a_route_is_the_real_providers() -> None:
    inputs = {"routeTableId": "rtb-656C65616E6F72", "destinationCidrBlock": "0.0.0.0/0"}
    assert KINDS["aws:ec2/route:Route"].id_of(inputs) == "r-rtb-656C65616E6F721080289494"
