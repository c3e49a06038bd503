"""EC2's VPC endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from plugin_server.provider import CheckFailure
from plugin_server.values import Properties
from sandbox.aws import checks
from sandbox.aws.calls import Call, from_pairs, given
from sandbox.aws.ec2 import describe, owned, tag
from sandbox.aws.table import Kind

_ENDPOINT: Final = {
    "policy": "PolicyDocument",
    "privateDnsEnabled": "PrivateDnsEnabled",
    "routeTableIds": "RouteTableIds",
    "securityGroupIds": "SecurityGroupIds",
    "serviceName": "ServiceName",
    "subnetIds": "SubnetIds",
    "vpcEndpointType": "VpcEndpointType",
    "vpcId": "VpcId",
}


def _create_endpoint(call: Call, inputs: Properties) -> str:
    answer = call.aws(
        "ec2",
        "create_vpc_endpoint",
        TagSpecifications=call.tag_specifications("vpc-endpoint"),
        **given(inputs, _ENDPOINT),
    )
    return str(answer["VpcEndpoint"]["VpcEndpointId"])


def _observe_endpoint(call: Call, id_: str, _: Properties) -> Properties | None:
    endpoint = describe(call, "describe_vpc_endpoints", "VpcEndpoints", VpcEndpointIds=[id_])
    if endpoint is None:
        return None
    return {
        "arn": call.arn("ec2", f"vpc-endpoint/{id_}"),
        "ownerId": call.account,
        "state": endpoint.get("State", "available"),
        "networkInterfaceIds": endpoint.get("NetworkInterfaceIds") or [],
        "policy": endpoint.get("PolicyDocument"),
        "privateDnsEnabled": bool(endpoint.get("PrivateDnsEnabled")),
        "routeTableIds": endpoint.get("RouteTableIds") or [],
        "securityGroupIds": [group["GroupId"] for group in endpoint.get("Groups") or []],
        "serviceName": endpoint["ServiceName"],
        "subnetIds": endpoint.get("SubnetIds") or [],
        "vpcEndpointType": endpoint["VpcEndpointType"],
        "vpcId": endpoint["VpcId"],
        "tagsAll": from_pairs(endpoint.get("Tags")),
    }


def _update_endpoint(call: Call, id_: str, _old: Properties, new: Properties) -> None:
    present = _observe_endpoint(call, id_, {}) or {}
    arguments: dict[str, Any] = {}
    for own, api in (("routeTableIds", "RouteTableIds"), ("subnetIds", "SubnetIds")):
        arguments[f"Add{api}"] = sorted(set(new.get(own, [])) - set(present[own]))
        arguments[f"Remove{api}"] = sorted(set(present[own]) - set(new.get(own, [])))
    if new.get("policy") is not None:
        arguments["PolicyDocument"] = new["policy"]
    changed = {name: value for name, value in arguments.items() if value}
    call.aws("ec2", "modify_vpc_endpoint", VpcEndpointId=id_, **changed)


def _check_endpoint(inputs: Properties) -> Iterator[CheckFailure]:
    if "serviceName" not in inputs:
        yield CheckFailure("serviceName", "is required")
    kind = inputs.get("vpcEndpointType", "Gateway")
    only = {
        "Gateway": ("routeTableIds",),
        "Interface": ("subnetIds", "securityGroupIds", "privateDnsEnabled"),
    }
    for other, names in only.items():
        for name in names:
            if kind in only and kind != other and inputs.get(name):
                yield CheckFailure(name, f"is for {other} endpoints only, and this one is of type {kind}")
    yield from checks.policy(inputs, "policy")


KINDS: Final = (
    Kind(
        token="aws:ec2/vpcEndpoint:VpcEndpoint",  # noqa: S106
        handles=frozenset({"tags", *_ENDPOINT}),
        computed=frozenset(
            {
                "arn",
                "networkInterfaceIds",
                "ownerId",
                "policy",
                "privateDnsEnabled",
                "routeTableIds",
                "securityGroupIds",
                "state",
                "subnetIds",
            }
        ),
        replaces=frozenset({"serviceName", "vpcEndpointType", "vpcId"}),
        defaults={"vpcEndpointType": "Gateway"},
        policies=frozenset({"policy"}),
        enums={"vpcEndpointType": ("ec2", "VpcEndpointType")},
        check=_check_endpoint,
        owned=owned("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
        create=_create_endpoint,
        observe=_observe_endpoint,
        update=_update_endpoint,
        delete=lambda call, id_, _: call.find("ec2", "delete_vpc_endpoints", VpcEndpointIds=[id_]),
        tag=tag,
    ),
)
