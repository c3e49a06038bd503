"""Each question, asked of moto: it finds the object that was made, and none of its siblings."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
import pytest
from moto import mock_aws

from recovery import Candidate, FromAws, LookupFailedError, Question, identity_of
from recovery.aws import AwsLookups, account_of
from tests.unit.recovery.states import DEFAULT_TAGS, deployment, resource

REGION = "eu-west-1"
ACCOUNT = "123456789012"


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield


def client(service: str, region: str | None = REGION) -> Any:
    return boto3.client(service, region_name=region or REGION)  # type: ignore[call-overload]


def tagged(kind: str, name: str | None, environment: str = "dev") -> list[dict[str, Any]]:
    tags = {**DEFAULT_TAGS, "slipway:environment": environment, **({"Name": name} if name else {})}
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def found(type_: str, inputs: Mapping[str, Any], name: str | None = None) -> list[str]:
    identity = identity_of(type_)
    assert isinstance(identity, FromAws)
    tags = {**DEFAULT_TAGS, **({"Name": name} if name else {})}
    answers = AwsLookups(client, ACCOUNT)(identity.question(inputs, tags))
    return [answer.import_id for answer in answers]


def vpc(name: str = "network-vpc", environment: str = "dev") -> str:
    made = client("ec2").create_vpc(
        CidrBlock="10.0.0.0/16", TagSpecifications=tagged("vpc", name, environment)
    )
    return str(made["Vpc"]["VpcId"])


def subnet(vpc_id: str, cidr: str) -> str:
    return str(client("ec2").create_subnet(VpcId=vpc_id, CidrBlock=cidr)["Subnet"]["SubnetId"])


def table(vpc_id: str, name: str) -> str:
    made = client("ec2").create_route_table(VpcId=vpc_id, TagSpecifications=tagged("route-table", name))
    return str(made["RouteTable"]["RouteTableId"])


def test_a_vpc_is_found_by_its_range_and_tags() -> None:
    vpc(environment="prod")
    assert found("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}, "network-vpc") == []
    made = vpc()
    assert found("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}, "network-vpc") == [made]
    assert found("aws:ec2/vpc:Vpc", {"cidrBlock": "10.1.0.0/16"}, "network-vpc") == []


def test_a_subnet_is_found_by_its_vpc_and_range() -> None:
    network = vpc()
    subnet(network, "10.0.0.0/20")
    subnet(vpc(environment="prod"), "10.0.16.0/20")
    made = subnet(network, "10.0.16.0/20")
    assert found("aws:ec2/subnet:Subnet", {"vpcId": network, "cidrBlock": "10.0.16.0/20"}) == [made]


def test_a_gateway_and_an_address_are_found_by_their_tags() -> None:
    ec2 = client("ec2")
    ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway", "network-internet", "prod"))
    gateway = ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway", "network-internet"))
    assert found("aws:ec2/internetGateway:InternetGateway", {}, "network-internet") == [
        gateway["InternetGateway"]["InternetGatewayId"]
    ]
    ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip", "network-nat-b"))
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip", "network-nat-a"))
    assert found("aws:ec2/eip:Eip", {}, "network-nat-a") == [address["AllocationId"]]


def test_a_nat_gateway_is_found_by_its_subnet_unless_it_is_deleted() -> None:
    ec2, place = client("ec2"), subnet(vpc(), "10.0.0.0/20")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = ec2.create_nat_gateway(SubnetId=place, AllocationId=address)["NatGateway"]["NatGatewayId"]
    assert found("aws:ec2/natGateway:NatGateway", {"subnetId": place}) == [made]
    ec2.delete_nat_gateway(NatGatewayId=made)
    assert found("aws:ec2/natGateway:NatGateway", {"subnetId": place}) == []


def test_a_route_table_is_found_by_vpc_and_tags_and_its_association_by_both_ends() -> None:
    network = vpc()
    table(network, "network-private-b")
    made = table(network, "network-private-a")
    assert found("aws:ec2/routeTable:RouteTable", {"vpcId": network}, "network-private-a") == [made]
    ends = {"subnetId": subnet(network, "10.0.0.0/20"), "routeTableId": made}
    type_ = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    client("ec2").associate_route_table(SubnetId=subnet(network, "10.0.16.0/20"), RouteTableId=made)
    assert found(type_, ends) == []
    association = client("ec2").associate_route_table(SubnetId=ends["subnetId"], RouteTableId=made)
    assert found(type_, ends) == [f"{ends['subnetId']}/{made}"]
    identity = identity_of(type_)
    assert isinstance(identity, FromAws)
    assert AwsLookups(client, None)(identity.question(ends, {}))[0].id == association["AssociationId"]


def test_an_endpoint_is_found_by_vpc_and_service() -> None:
    network, service = vpc(), f"com.amazonaws.{REGION}.s3"
    inputs = {"vpcId": network, "serviceName": service}
    assert found("aws:ec2/vpcEndpoint:VpcEndpoint", inputs) == []
    made = client("ec2").create_vpc_endpoint(VpcId=network, ServiceName=service)
    assert found("aws:ec2/vpcEndpoint:VpcEndpoint", inputs) == [made["VpcEndpoint"]["VpcEndpointId"]]


def test_a_launch_template_is_found_by_its_name() -> None:
    inputs = {"name": "pools-p4d-template-1a2b3c4"}
    assert found("aws:ec2/launchTemplate:LaunchTemplate", inputs) == []
    made = client("ec2").create_launch_template(
        LaunchTemplateName=inputs["name"], LaunchTemplateData={"InstanceType": "p4d.24xlarge"}
    )
    assert found("aws:ec2/launchTemplate:LaunchTemplate", inputs) == [
        made["LaunchTemplate"]["LaunchTemplateId"]
    ]


def test_a_key_is_found_by_description_and_tags_unless_it_is_to_be_deleted() -> None:
    kms, inputs = client("kms"), {"description": "Encrypts the model bucket models"}

    def key(description: str, environment: str) -> str:
        tags = {**DEFAULT_TAGS, "slipway:environment": environment}
        pairs = [{"TagKey": name, "TagValue": value} for name, value in tags.items()]
        return str(kms.create_key(Description=description, Tags=pairs)["KeyMetadata"]["KeyId"])

    key("Encrypts the Kubernetes secrets of cluster", "dev")
    key(inputs["description"], "prod")
    made = key(inputs["description"], "dev")
    assert found("aws:kms/key:Key", inputs) == [made]
    kms.schedule_key_deletion(KeyId=made)
    assert found("aws:kms/key:Key", inputs) == []


class _Eks:
    """EKS, whose pod identity associations moto 5.2.5 does not have."""

    def __init__(self, answer: Callable[[], dict[str, Any]]) -> None:
        self.answer = answer

    def can_paginate(self, _: str) -> bool:
        return False

    def list_pod_identity_associations(self, **parameters: str) -> dict[str, Any]:
        assert parameters == POD
        return self.answer()


POD = {"clusterName": "c", "namespace": "slipway-serving", "serviceAccount": "reader"}


def identity_question() -> Question:
    identity = identity_of("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    assert isinstance(identity, FromAws)
    return identity.question(POD, {})


def test_a_pod_identity_association_is_found_by_cluster_namespace_and_account() -> None:
    look = AwsLookups(
        lambda _service, _region: _Eks(lambda: {"associations": [{"associationId": "a-1"}]}), None
    )
    assert look(identity_question()) == (Candidate(id="a-1", import_id="c,a-1"),)


def refusing(code: str) -> AwsLookups:
    def answer() -> dict[str, Any]:
        from botocore.exceptions import ClientError

        raise ClientError({"Error": {"Code": code, "Message": "arn:aws:iam::1:user/somebody"}}, "ListIt")

    return AwsLookups(lambda _service, _region: _Eks(answer), None)


def test_in_a_cluster_that_is_gone_is_nothing() -> None:
    assert refusing("ResourceNotFoundException")(identity_question()) == ()


def test_a_refusal_says_what_was_asked() -> None:
    with pytest.raises(
        LookupFailedError, match="AWS refused eks list_pod_identity_associations: AccessDenied"
    ):
        refusing("AccessDenied")(identity_question())


def test_another_account_s_credentials_are_refused_and_never_taken_for_nothing_there() -> None:
    look = AwsLookups(client, "999999999999")
    identity = identity_of("aws:ec2/eip:Eip")
    assert isinstance(identity, FromAws)
    with pytest.raises(
        LookupFailedError, match="of account 123456789012, and the stack's resources are in 999"
    ):
        look(identity.question({}, DEFAULT_TAGS))


def test_the_account_is_that_of_the_state_s_arns() -> None:
    arn = {"outputs": {"arn": "arn:aws:s3:::models"}}
    role = {"outputs": {"arn": f"arn:aws:iam::{ACCOUNT}:role/reader"}}
    bucket = resource("aws:s3/bucket:Bucket", "models", id="models", **arn)
    assert account_of(deployment(has=(bucket,))) is None
    assert account_of(deployment(has=(bucket, resource("aws:iam/role:Role", "r", id="r", **role)))) == ACCOUNT


def test_what_an_account_holds_is_found_by_the_stack_s_tags_and_roles_too() -> None:
    made = vpc()
    vpc(environment="prod")
    iam, document = client("iam"), '{"Version": "2012-10-17", "Statement": []}'
    tags = [{"Key": key, "Value": value} for key, value in DEFAULT_TAGS.items()]
    iam.create_role(RoleName="reader-1", AssumeRolePolicyDocument=document, Tags=tags)
    iam.create_role(RoleName="somebody-s", AssumeRolePolicyDocument=document)
    found = AwsLookups(client, ACCOUNT).holdings(DEFAULT_TAGS, REGION)
    assert {(holding.arn, holding.name) for holding in found} == {
        (f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/{made}", "network-vpc"),
        (f"arn:aws:iam::{ACCOUNT}:role/reader-1", ""),
    }
