"""EC2's routing: tables, routes, associations and VPC endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from plugin_server.provider import CheckFailure
from plugin_server.values import Properties
from sandbox.aws import checks
from sandbox.aws.calls import AwsError, Call, from_pairs, given
from sandbox.aws.ec2 import describe, owned, refuse_dependants, tag
from sandbox.aws.table import Kind

_DESTINATIONS: Final = {
    "destinationCidrBlock": "DestinationCidrBlock",
    "destinationIpv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
}
_TARGETS: Final = {
    "gatewayId": "GatewayId",
    "natGatewayId": "NatGatewayId",
    "networkInterfaceId": "NetworkInterfaceId",
    "transitGatewayId": "TransitGatewayId",
    "vpcEndpointId": "VpcEndpointId",
    "vpcPeeringConnectionId": "VpcPeeringConnectionId",
}
_INLINE_DESTINATIONS: Final = {
    "cidrBlock": "DestinationCidrBlock",
    "ipv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
}


def _table(call: Call, id_: str) -> dict[str, Any] | None:
    return describe(call, "describe_route_tables", "RouteTables", RouteTableIds=[id_])


def _create_table(call: Call, inputs: Properties) -> str:
    answer = call.aws(
        "ec2",
        "create_route_table",
        VpcId=inputs["vpcId"],
        TagSpecifications=call.tag_specifications("route-table"),
    )
    table: str = answer["RouteTable"]["RouteTableId"]
    _update_table(call, table, {}, inputs)
    return table


def _own_routes(table: dict[str, Any]) -> list[dict[str, Any]]:
    """Routes that somebody made: not the table's local ones, nor those that endpoints put there."""
    return [
        route
        for route in table.get("Routes", [])
        if route.get("GatewayId") != "local" and not str(route.get("GatewayId", "")).startswith("vpce-")
    ]


def _inline(route: dict[str, Any]) -> dict[str, Any]:
    names = {**_INLINE_DESTINATIONS, **_TARGETS}
    return {own: route[api] for own, api in names.items() if route.get(api)}


def _observe_table(call: Call, id_: str, inputs: Properties) -> Properties | None:
    table = _table(call, id_)
    if table is None:
        return None
    return {
        "arn": call.arn("ec2", f"route-table/{id_}"),
        "ownerId": call.account,
        "vpcId": table["VpcId"],
        # Optional and computed in the real provider: a table without inline routes leaves Route resources alone.
        "routes": [_inline(route) for route in _own_routes(table)] if "routes" in inputs else [],
        "tagsAll": from_pairs(table.get("Tags")),
    }


def _update_table(call: Call, id_: str, old: Properties, new: Properties) -> None:
    if "routes" not in new and "routes" not in old:
        return
    present = [_inline(route) for route in _own_routes(_table(call, id_) or {})]
    wanted = [{key: value for key, value in route.items() if value} for route in new.get("routes", [])]
    for route in present:
        if route not in wanted:
            call.find("ec2", "delete_route", RouteTableId=id_, **given(route, _INLINE_DESTINATIONS))
    for route in wanted:
        if route not in present:
            names = {**_INLINE_DESTINATIONS, **_TARGETS}
            call.aws("ec2", "create_route", RouteTableId=id_, **given(route, names))


def _delete_table(call: Call, id_: str, _: Properties) -> None:
    table = _table(call, id_)
    if table is None:
        return
    associations = [item["RouteTableAssociationId"] for item in table["Associations"] if not item.get("Main")]
    refuse_dependants(id_, "RouteTable", associations)
    call.find("ec2", "delete_route_table", RouteTableId=id_)


def _destination(inputs: Properties) -> tuple[str, str]:
    return next((api, inputs[own]) for own, api in _DESTINATIONS.items() if inputs.get(own))


def _route(call: Call, table: str, destination: tuple[str, str]) -> dict[str, Any] | None:
    name, value = destination
    routes = (_table(call, table) or {}).get("Routes", [])
    return next((route for route in routes if route.get(name) == value), None)


def _route_id(_: Call, inputs: Properties) -> str:
    return f"r-{inputs['routeTableId']}:{_destination(inputs)[1]}"


def _create_route(call: Call, inputs: Properties) -> str:
    present = _route(call, inputs["routeTableId"], _destination(inputs))
    targets = given(inputs, _TARGETS)
    if present is None:
        call.aws(
            "ec2",
            "create_route",
            RouteTableId=inputs["routeTableId"],
            **given(inputs, _DESTINATIONS),
            **targets,
        )
    elif any(present.get(name) != value for name, value in targets.items()):
        raise AwsError(
            "ec2", "CreateRoute", "RouteAlreadyExists", f"{_route_id(call, inputs)} leads elsewhere already"
        )
    return _route_id(call, inputs)


def _observe_route(call: Call, id_: str, _inputs: Properties) -> Properties | None:
    table, _, value = id_.removeprefix("r-").partition(":")
    for own, api in _DESTINATIONS.items():
        route = _route(call, table, (api, value))
        if route is not None:
            return {
                "routeTableId": table,
                own: value,
                **{target: route.get(name) or None for target, name in _TARGETS.items()},
                "origin": route.get("Origin", "CreateRoute"),
                "state": route.get("State", "active"),
            }
    return None


def _update_route(call: Call, _id: str, _old: Properties, new: Properties) -> None:
    call.aws(
        "ec2",
        "replace_route",
        RouteTableId=new["routeTableId"],
        **given(new, _DESTINATIONS),
        **given(new, _TARGETS),
    )


def _delete_route(call: Call, id_: str, _inputs: Properties) -> None:
    table, _, value = id_.removeprefix("r-").partition(":")
    for api in _DESTINATIONS.values():
        if _route(call, table, (api, value)) is not None:
            call.find("ec2", "delete_route", RouteTableId=table, **{api: value})


def _check_route(inputs: Properties) -> Iterator[CheckFailure]:
    yield from checks.network(inputs, "destinationCidrBlock")


def _association(call: Call, id_: str) -> dict[str, Any] | None:
    filters = [{"Name": "association.route-table-association-id", "Values": [id_]}]
    table = describe(call, "describe_route_tables", "RouteTables", Filters=filters) or {}
    found = table.get("Associations", [])
    return next((item for item in found if item["RouteTableAssociationId"] == id_), None)


def _associate(call: Call, inputs: Properties) -> str:
    end = given(inputs, {"subnetId": "SubnetId", "gatewayId": "GatewayId"})
    present = _association_of(call, inputs)
    if present is not None:
        if present["RouteTableId"] != inputs["routeTableId"]:
            raise AwsError(
                "ec2",
                "AssociateRouteTable",
                "Resource.AlreadyAssociated",
                f"{next(iter(end.values()))} is associated with {present['RouteTableId']} already",
            )
        return str(present["RouteTableAssociationId"])
    answer = call.aws("ec2", "associate_route_table", RouteTableId=inputs["routeTableId"], **end)
    return str(answer["AssociationId"])


def _association_of(call: Call, inputs: Properties) -> dict[str, Any] | None:
    if "subnetId" not in inputs:
        return None
    filters = [{"Name": "association.subnet-id", "Values": [inputs["subnetId"]]}]
    table = describe(call, "describe_route_tables", "RouteTables", Filters=filters) or {}
    found = table.get("Associations", [])
    return next((item for item in found if item.get("SubnetId") == inputs["subnetId"]), None)


def _observe_association(call: Call, id_: str, _: Properties) -> Properties | None:
    found = _association(call, id_)
    if found is None:
        return None
    return {
        "routeTableId": found["RouteTableId"],
        "subnetId": found.get("SubnetId") or None,
        "gatewayId": found.get("GatewayId") or None,
    }


KINDS: Final = (
    Kind(
        token="aws:ec2/routeTable:RouteTable",  # noqa: S106 (a type token)
        handles=frozenset({"routes", "tags", "vpcId"}),
        computed=frozenset({"arn", "ownerId", "routes"}),
        replaces=frozenset({"vpcId"}),
        owned=owned("describe_route_tables", "RouteTables", "RouteTableId"),
        create=_create_table,
        observe=_observe_table,
        update=_update_table,
        delete=_delete_table,
        tag=tag,
    ),
    Kind(
        token="aws:ec2/route:Route",  # noqa: S106
        handles=frozenset({"routeTableId", *_DESTINATIONS, *_TARGETS}),
        computed=frozenset({"origin", "state"}),
        replaces=frozenset({"routeTableId", *_DESTINATIONS}),
        requires_one=(tuple(_DESTINATIONS), tuple(_TARGETS)),
        check=_check_route,
        create=_create_route,
        observe=_observe_route,
        update=_update_route,
        delete=_delete_route,
    ),
    Kind(
        token="aws:ec2/routeTableAssociation:RouteTableAssociation",  # noqa: S106
        handles=frozenset({"gatewayId", "routeTableId", "subnetId"}),
        replaces=frozenset({"gatewayId", "routeTableId", "subnetId"}),
        # The real provider moves an association in place, which gives it another id; ours makes a new one.
        delete_before_replace=True,
        requires_one=(("gatewayId", "subnetId"),),
        create=_associate,
        observe=_observe_association,
        delete=lambda call, id_, _: call.find("ec2", "disassociate_route_table", AssociationId=id_),
    ),
)
