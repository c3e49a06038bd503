"""EC2's ways out: internet gateways, elastic addresses and NAT gateways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from plugin_server.provider import CheckFailure
from plugin_server.values import Properties
from sandbox.aws.calls import Call, from_pairs, given
from sandbox.aws.ec2 import describe, owned, tag
from sandbox.aws.table import Kind


def _create_internet_gateway(call: Call, inputs: Properties) -> str:
    specifications = call.tag_specifications("internet-gateway")
    answer = call.aws("ec2", "create_internet_gateway", TagSpecifications=specifications)
    gateway: str = answer["InternetGateway"]["InternetGatewayId"]
    _update_internet_gateway(call, gateway, {}, inputs)
    return gateway


def _observe_internet_gateway(call: Call, id_: str, _: Properties) -> Properties | None:
    gateway = describe(call, "describe_internet_gateways", "InternetGateways", InternetGatewayIds=[id_])
    if gateway is None:
        return None
    attachments = gateway.get("Attachments") or []
    return {
        "arn": call.arn("ec2", f"internet-gateway/{id_}"),
        "ownerId": call.account,
        "vpcId": attachments[0]["VpcId"] if attachments else None,
        "tagsAll": from_pairs(gateway.get("Tags")),
    }


def _update_internet_gateway(call: Call, id_: str, _old: Properties, new: Properties) -> None:
    present = (_observe_internet_gateway(call, id_, {}) or {}).get("vpcId")
    wanted = new.get("vpcId")
    if present and present != wanted:
        call.aws("ec2", "detach_internet_gateway", InternetGatewayId=id_, VpcId=present)
    if wanted and present != wanted:
        call.aws("ec2", "attach_internet_gateway", InternetGatewayId=id_, VpcId=wanted)


def _delete_internet_gateway(call: Call, id_: str, _: Properties) -> None:
    if _observe_internet_gateway(call, id_, {}) is not None:
        _update_internet_gateway(call, id_, {}, {})
        call.find("ec2", "delete_internet_gateway", InternetGatewayId=id_)


def _create_address(call: Call, inputs: Properties) -> str:
    answer = call.aws(
        "ec2",
        "allocate_address",
        Domain=inputs.get("domain", "vpc"),
        TagSpecifications=call.tag_specifications("elastic-ip"),
    )
    return str(answer["AllocationId"])


def _observe_address(call: Call, id_: str, _: Properties) -> Properties | None:
    address = describe(call, "describe_addresses", "Addresses", AllocationIds=[id_])
    if address is None:
        return None
    public = address["PublicIp"]
    return {
        "arn": call.arn("ec2", f"elastic-ip/{id_}"),
        "allocationId": id_,
        "associationId": address.get("AssociationId") or None,
        "domain": address.get("Domain"),
        "publicIp": public,
        "publicDns": f"ec2-{public.replace('.', '-')}.{call.region}.compute.amazonaws.com",
        "tagsAll": from_pairs(address.get("Tags")),
    }


def _create_nat_gateway(call: Call, inputs: Properties) -> str:
    names = {
        "allocationId": "AllocationId",
        "connectivityType": "ConnectivityType",
        "privateIp": "PrivateIpAddress",
        "subnetId": "SubnetId",
    }
    answer = call.aws(
        "ec2",
        "create_nat_gateway",
        TagSpecifications=call.tag_specifications("natgateway"),
        **given(inputs, names),
    )
    return str(answer["NatGateway"]["NatGatewayId"])


def _observe_nat_gateway(call: Call, id_: str, _: Properties) -> Properties | None:
    gateway = describe(call, "describe_nat_gateways", "NatGateways", NatGatewayIds=[id_])
    if gateway is None:
        return None
    address = (gateway.get("NatGatewayAddresses") or [{}])[0]
    return {
        "allocationId": address.get("AllocationId"),
        "associationId": address.get("AssociationId"),
        "connectivityType": gateway.get("ConnectivityType", "public"),
        "networkInterfaceId": address.get("NetworkInterfaceId"),
        "privateIp": address.get("PrivateIp"),
        "publicIp": address.get("PublicIp"),
        "subnetId": gateway["SubnetId"],
        "tagsAll": from_pairs(gateway.get("Tags")),
    }


def _delete_nat_gateway(call: Call, id_: str, _: Properties) -> None:
    # moto answers 500 for a gateway that is not there.
    if _observe_nat_gateway(call, id_, {}) is not None:
        call.find("ec2", "delete_nat_gateway", NatGatewayId=id_)


def _check_nat_gateway(inputs: Properties) -> Iterator[CheckFailure]:
    kind = inputs.get("connectivityType", "public")
    if kind not in ("public", "private"):
        yield CheckFailure("connectivityType", f"{kind!r} is neither 'public' nor 'private'")
    if kind == "public" and "allocationId" not in inputs:
        yield CheckFailure("allocationId", "is required for a public NAT gateway")
    if kind == "private" and "allocationId" in inputs:
        yield CheckFailure("allocationId", "is not allowed for a private NAT gateway")
    if "subnetId" not in inputs:
        yield CheckFailure("subnetId", "is required")


KINDS: Final = (
    Kind(
        token="aws:ec2/internetGateway:InternetGateway",  # noqa: S106
        handles=frozenset({"tags", "vpcId"}),
        computed=frozenset({"arn", "ownerId", "vpcId"}),
        owned=owned("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
        create=_create_internet_gateway,
        observe=_observe_internet_gateway,
        update=_update_internet_gateway,
        delete=_delete_internet_gateway,
        tag=tag,
    ),
    Kind(
        token="aws:ec2/eip:Eip",  # noqa: S106
        handles=frozenset({"domain", "tags"}),
        computed=frozenset({"allocationId", "arn", "associationId", "domain", "publicDns", "publicIp"}),
        replaces=frozenset({"domain"}),
        enums={"domain": ("ec2", "DomainType")},
        owned=owned("describe_addresses", "Addresses", "AllocationId"),
        create=_create_address,
        observe=_observe_address,
        delete=lambda call, id_, _: call.find("ec2", "release_address", AllocationId=id_),
        tag=tag,
    ),
    Kind(
        token="aws:ec2/natGateway:NatGateway",  # noqa: S106
        handles=frozenset({"allocationId", "connectivityType", "privateIp", "subnetId", "tags"}),
        computed=frozenset({"associationId", "networkInterfaceId", "privateIp", "publicIp"}),
        replaces=frozenset({"allocationId", "connectivityType", "privateIp", "subnetId"}),
        defaults={"connectivityType": "public"},
        check=_check_nat_gateway,
        owned=owned("describe_nat_gateways", "NatGateways", "NatGatewayId"),
        create=_create_nat_gateway,
        observe=_observe_nat_gateway,
        delete=_delete_nat_gateway,
        tag=tag,
    ),
)
