"""EC2's VPC and subnets, and what all of EC2 shares. AWS chooses the ids, so lost objects are found by tag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from plugin_server.provider import CheckFailure
from plugin_server.values import Properties
from sandbox.aws import checks
from sandbox.aws.calls import URN_TAG, AwsError, Call, from_pairs, given, pairs
from sandbox.aws.table import Kind


def describe(call: Call, operation: str, key: str, **arguments: Any) -> dict[str, Any] | None:
    """The one object that a describe call is about; None when it is gone."""
    answer = call.find("ec2", operation, **arguments)
    found = answer[key] if answer else []
    # moto and AWS keep deleted NAT gateways and endpoints in sight for a while.
    alive = [item for item in found if item.get("State") not in ("deleted", "deleting")]
    return alive[0] if alive else None


def owned(operation: str, key: str, id_: str) -> Any:
    """A finder of the objects that bear the call's URN."""

    def find(call: Call) -> list[str]:
        filters = [{"Name": f"tag:{URN_TAG}", "Values": [call.urn]}]
        name = "Filter" if operation == "describe_nat_gateways" else "Filters"
        found = call.aws("ec2", operation, **{name: filters})[key]
        return [item[id_] for item in found if item.get("State") not in ("deleted", "deleting")]

    return find


def tag(call: Call, id_: str, tags: Mapping[str, str], remove: list[str]) -> None:
    """Tags any EC2 object."""
    if remove:
        call.aws("ec2", "delete_tags", Resources=[id_], Tags=[{"Key": key} for key in remove])
    call.aws("ec2", "create_tags", Resources=[id_], Tags=pairs(tags))


def refuse_dependants(id_: str, kind: str, dependants: list[str]) -> None:
    """Fails as AWS does when something still uses an object; moto does not always look.

    Raises:
        AwsError: there is a dependant.
    """
    if dependants:
        raise AwsError(
            "ec2",
            f"Delete{kind}",
            "DependencyViolation",
            f"{id_} has dependencies ({', '.join(sorted(dependants))}) and cannot be deleted",
        )


def _vpc_attribute(call: Call, id_: str, attribute: str) -> bool:
    key = attribute[0].upper() + attribute[1:]
    return bool(call.aws("ec2", "describe_vpc_attribute", VpcId=id_, Attribute=attribute)[key]["Value"])


def _create_vpc(call: Call, inputs: Properties) -> str:
    arguments = given(inputs, {"cidrBlock": "CidrBlock", "instanceTenancy": "InstanceTenancy"})
    vpc: str = call.aws("ec2", "create_vpc", TagSpecifications=call.tag_specifications("vpc"), **arguments)[
        "Vpc"
    ]["VpcId"]
    _update_vpc(call, vpc, {}, inputs)
    return vpc


def _observe_vpc(call: Call, id_: str, _: Properties) -> Properties | None:
    vpc = describe(call, "describe_vpcs", "Vpcs", VpcIds=[id_])
    if vpc is None:
        return None
    in_vpc = [{"Name": "vpc-id", "Values": [id_]}]
    main = [*in_vpc, {"Name": "association.main", "Values": ["true"]}]
    table = describe(call, "describe_route_tables", "RouteTables", Filters=main) or {}
    groups = [*in_vpc, {"Name": "group-name", "Values": ["default"]}]
    group = describe(call, "describe_security_groups", "SecurityGroups", Filters=groups) or {}
    acls = [*in_vpc, {"Name": "default", "Values": ["true"]}]
    acl = describe(call, "describe_network_acls", "NetworkAcls", Filters=acls) or {}
    return {
        "arn": call.arn("ec2", f"vpc/{id_}"),
        "cidrBlock": vpc["CidrBlock"],
        "instanceTenancy": vpc.get("InstanceTenancy", "default"),
        "enableDnsHostnames": _vpc_attribute(call, id_, "enableDnsHostnames"),
        "enableDnsSupport": _vpc_attribute(call, id_, "enableDnsSupport"),
        "defaultNetworkAclId": acl.get("NetworkAclId"),
        "defaultRouteTableId": table.get("RouteTableId"),
        "defaultSecurityGroupId": group.get("GroupId"),
        "mainRouteTableId": table.get("RouteTableId"),
        "ownerId": call.account,
        "tagsAll": from_pairs(vpc.get("Tags")),
    }


def _update_vpc(call: Call, id_: str, _old: Properties, new: Properties) -> None:
    for name in ("enableDnsSupport", "enableDnsHostnames"):
        value = {"Value": bool(new.get(name))}
        call.aws("ec2", "modify_vpc_attribute", VpcId=id_, **{name[0].upper() + name[1:]: value})


def _delete_vpc(call: Call, id_: str, _: Properties) -> None:
    in_vpc = [{"Name": "vpc-id", "Values": [id_]}]
    subnets = call.aws("ec2", "describe_subnets", Filters=in_vpc)["Subnets"]
    groups = call.aws("ec2", "describe_security_groups", Filters=in_vpc)["SecurityGroups"]
    refuse_dependants(
        id_,
        "Vpc",
        [subnet["SubnetId"] for subnet in subnets]
        + [group["GroupId"] for group in groups if group["GroupName"] != "default"],
    )
    call.find("ec2", "delete_vpc", VpcId=id_)


_SUBNET_FLAGS: Final = {
    "assignIpv6AddressOnCreation": "AssignIpv6AddressOnCreation",
    "mapPublicIpOnLaunch": "MapPublicIpOnLaunch",
}


def _create_subnet(call: Call, inputs: Properties) -> str:
    names = {
        "availabilityZone": "AvailabilityZone",
        "availabilityZoneId": "AvailabilityZoneId",
        "cidrBlock": "CidrBlock",
        "vpcId": "VpcId",
    }
    subnet: str = call.aws(
        "ec2", "create_subnet", TagSpecifications=call.tag_specifications("subnet"), **given(inputs, names)
    )["Subnet"]["SubnetId"]
    _update_subnet(call, subnet, {}, inputs)
    return subnet


def _observe_subnet(call: Call, id_: str, _: Properties) -> Properties | None:
    subnet = describe(call, "describe_subnets", "Subnets", SubnetIds=[id_])
    if subnet is None:
        return None
    return {
        "arn": subnet["SubnetArn"],
        "vpcId": subnet["VpcId"],
        "cidrBlock": subnet["CidrBlock"],
        "availabilityZone": subnet["AvailabilityZone"],
        "availabilityZoneId": subnet["AvailabilityZoneId"],
        "ownerId": call.account,
        **{own: bool(subnet.get(api)) for own, api in _SUBNET_FLAGS.items()},
        "tagsAll": from_pairs(subnet.get("Tags")),
    }


def _update_subnet(call: Call, id_: str, old: Properties, new: Properties) -> None:
    for own, api in _SUBNET_FLAGS.items():
        if bool(new.get(own)) != bool(old.get(own)):
            call.aws("ec2", "modify_subnet_attribute", SubnetId=id_, **{api: {"Value": bool(new.get(own))}})


def _delete_subnet(call: Call, id_: str, _: Properties) -> None:
    subnet = [{"Name": "subnet-id", "Values": [id_]}]
    gateways = call.aws("ec2", "describe_nat_gateways", Filter=subnet)["NatGateways"]
    in_use = [
        gateway["NatGatewayId"] for gateway in gateways if gateway["State"] not in ("deleted", "deleting")
    ]
    refuse_dependants(id_, "Subnet", in_use)
    call.find("ec2", "delete_subnet", SubnetId=id_)


def _check_zone(inputs: Properties) -> Iterator[CheckFailure]:
    if "cidrBlock" not in inputs:
        yield CheckFailure("cidrBlock", "is required (the emulation has no IPAM and no IPv6)")
    yield from checks.network(inputs, "cidrBlock", 16, 28)


KINDS: Final = (
    Kind(
        token="aws:ec2/vpc:Vpc",  # noqa: S106 (a type token)
        handles=frozenset({"cidrBlock", "enableDnsHostnames", "enableDnsSupport", "instanceTenancy", "tags"}),
        computed=frozenset(
            {
                "arn",
                "defaultNetworkAclId",
                "defaultRouteTableId",
                "defaultSecurityGroupId",
                "enableDnsHostnames",
                "mainRouteTableId",
                "ownerId",
            }
        ),
        replaces=frozenset({"cidrBlock", "instanceTenancy"}),
        defaults={"enableDnsSupport": True, "instanceTenancy": "default"},
        requires_one=(("cidrBlock",),),
        enums={"instanceTenancy": ("ec2", "Tenancy")},
        check=lambda inputs: checks.network(inputs, "cidrBlock", 16, 28),
        owned=owned("describe_vpcs", "Vpcs", "VpcId"),
        create=_create_vpc,
        observe=_observe_vpc,
        update=_update_vpc,
        delete=_delete_vpc,
        tag=tag,
    ),
    Kind(
        token="aws:ec2/subnet:Subnet",  # noqa: S106
        handles=frozenset(
            {"availabilityZone", "availabilityZoneId", "cidrBlock", "tags", "vpcId", *_SUBNET_FLAGS}
        ),
        computed=frozenset({"arn", "availabilityZone", "availabilityZoneId", "ownerId"}),
        replaces=frozenset({"availabilityZone", "availabilityZoneId", "cidrBlock", "vpcId"}),
        defaults={"assignIpv6AddressOnCreation": False, "mapPublicIpOnLaunch": False},
        conflicts=(("availabilityZone", "availabilityZoneId"),),
        check=_check_zone,
        owned=owned("describe_subnets", "Subnets", "SubnetId"),
        create=_create_subnet,
        observe=_observe_subnet,
        update=_update_subnet,
        delete=_delete_subnet,
        tag=tag,
    ),
)
