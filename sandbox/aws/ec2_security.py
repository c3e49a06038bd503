"""EC2's security groups and their rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

from plugin_server.provider import CheckFailure
from plugin_server.values import Properties
from sandbox.aws import checks
from sandbox.aws.calls import Call, from_pairs, given, unique_suffix
from sandbox.aws.ec2 import describe, owned, refuse_dependants, tag
from sandbox.aws.table import Autoname, Kind

_SOURCES: Final = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")


def _permission(rule: Properties) -> dict[str, Any]:
    """One inline rule as the API takes it."""
    about = given(rule, {"description": "Description"})
    permission: dict[str, Any] = {"IpProtocol": _protocol(rule["protocol"])}
    if permission["IpProtocol"] != "-1":
        permission |= {"FromPort": rule["fromPort"], "ToPort": rule["toPort"]}
    permission["IpRanges"] = [{"CidrIp": block, **about} for block in rule.get("cidrBlocks", [])]
    permission["Ipv6Ranges"] = [{"CidrIpv6": block, **about} for block in rule.get("ipv6CidrBlocks", [])]
    groups = list(rule.get("securityGroups", []))
    permission["UserIdGroupPairs"] = [{"GroupId": group, **about} for group in groups]
    return permission


def _protocol(name: str) -> str:
    return "-1" if name in ("-1", "all") else name.lower()


def _inline(permission: dict[str, Any]) -> dict[str, Any]:
    """One rule of the API as the provider shows it."""
    ranges = [*permission.get("IpRanges", []), *permission.get("Ipv6Ranges", [])]
    pairs = permission.get("UserIdGroupPairs", [])
    about = next((item["Description"] for item in [*ranges, *pairs] if item.get("Description")), None)
    return {
        "protocol": permission["IpProtocol"],
        "fromPort": permission.get("FromPort", 0),
        "toPort": permission.get("ToPort", 0),
        "cidrBlocks": [item["CidrIp"] for item in permission.get("IpRanges", [])],
        "ipv6CidrBlocks": [item["CidrIpv6"] for item in permission.get("Ipv6Ranges", [])],
        "securityGroups": [item["GroupId"] for item in pairs],
        "description": about,
    }


def _create_group(call: Call, inputs: Properties) -> str:
    arguments: dict[str, Any] = {
        "GroupName": inputs.get("name") or inputs["namePrefix"] + unique_suffix(),
        "Description": inputs["description"],
        "TagSpecifications": call.tag_specifications("security-group"),
        **given(inputs, {"vpcId": "VpcId"}),
    }
    group: str = call.aws("ec2", "create_security_group", **arguments)["GroupId"]
    # AWS gives a new group an allow-all egress rule; the real provider removes it.
    present = describe(call, "describe_security_groups", "SecurityGroups", GroupIds=[group]) or {}
    if present.get("IpPermissionsEgress"):
        call.aws(
            "ec2", "revoke_security_group_egress", GroupId=group, IpPermissions=present["IpPermissionsEgress"]
        )
    _update_group(call, group, {}, inputs)
    return group


def _observe_group(call: Call, id_: str, inputs: Properties) -> Properties | None:
    group = describe(call, "describe_security_groups", "SecurityGroups", GroupIds=[id_])
    if group is None:
        return None
    # Optional and computed in the real provider: without inline rules those of rule resources are left alone.
    return {
        "arn": call.arn("ec2", f"security-group/{id_}"),
        "name": group["GroupName"],
        "description": group["Description"],
        "vpcId": group.get("VpcId"),
        "ownerId": call.account,
        "ingress": [_inline(item) for item in group["IpPermissions"]] if "ingress" in inputs else [],
        "egress": [_inline(item) for item in group["IpPermissionsEgress"]] if "egress" in inputs else [],
        "tagsAll": from_pairs(group.get("Tags")),
    }


def _update_group(call: Call, id_: str, old: Properties, new: Properties) -> None:
    for name, key, verb in (
        ("ingress", "IpPermissions", "ingress"),
        ("egress", "IpPermissionsEgress", "egress"),
    ):
        if name not in new and name not in old:
            continue
        group = describe(call, "describe_security_groups", "SecurityGroups", GroupIds=[id_]) or {}
        if group.get(key):
            call.aws("ec2", f"revoke_security_group_{verb}", GroupId=id_, IpPermissions=group[key])
        if new.get(name):
            permissions = [_permission(rule) for rule in new[name]]
            call.aws("ec2", f"authorize_security_group_{verb}", GroupId=id_, IpPermissions=permissions)


def _delete_group(call: Call, id_: str, _: Properties) -> None:
    users = []
    for group in call.pages("ec2", "describe_security_groups", "SecurityGroups"):
        for permission in [*group["IpPermissions"], *group["IpPermissionsEgress"]]:
            refers = any(pair.get("GroupId") == id_ for pair in permission.get("UserIdGroupPairs", []))
            if refers and group["GroupId"] != id_:
                users.append(group["GroupId"])
    refuse_dependants(id_, "SecurityGroup", users)
    call.find("ec2", "delete_security_group", GroupId=id_)


_Direction = Literal["ingress", "egress"]


def _rule_permission(inputs: Properties) -> dict[str, Any]:
    about = given(inputs, {"description": "Description"})
    permission: dict[str, Any] = {"IpProtocol": inputs["ipProtocol"]}
    permission |= given(inputs, {"fromPort": "FromPort", "toPort": "ToPort"})
    forms = {
        "cidrIpv4": ("IpRanges", "CidrIp"),
        "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
        "prefixListId": ("PrefixListIds", "PrefixListId"),
        "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    }
    for own, (list_, key) in forms.items():
        if inputs.get(own):
            permission[list_] = [{key: inputs[own], **about}]
    return permission


def _create_rule(direction: _Direction) -> Any:
    def create(call: Call, inputs: Properties) -> str:
        answer = call.aws(
            "ec2",
            f"authorize_security_group_{direction}",
            GroupId=inputs["securityGroupId"],
            IpPermissions=[_rule_permission(inputs)],
            TagSpecifications=call.tag_specifications("security-group-rule"),
        )
        return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    return create


def _observe_rule(call: Call, id_: str, _: Properties) -> Properties | None:
    rule = describe(call, "describe_security_group_rules", "SecurityGroupRules", SecurityGroupRuleIds=[id_])
    if rule is None:
        return None
    every = rule["IpProtocol"] == "-1"
    return {
        "arn": call.arn("ec2", f"security-group-rule/{id_}"),
        "securityGroupRuleId": id_,
        "securityGroupId": rule["GroupId"],
        "ipProtocol": rule["IpProtocol"],
        "fromPort": None if every else rule.get("FromPort"),
        "toPort": None if every else rule.get("ToPort"),
        "cidrIpv4": rule.get("CidrIpv4"),
        "cidrIpv6": rule.get("CidrIpv6"),
        "prefixListId": rule.get("PrefixListId"),
        "referencedSecurityGroupId": (rule.get("ReferencedGroupInfo") or {}).get("GroupId"),
        "description": rule.get("Description") or None,
        "tagsAll": from_pairs(rule.get("Tags")),
    }


def _delete_rule(direction: _Direction) -> Any:
    def delete(call: Call, id_: str, inputs: Properties) -> None:
        rule = _observe_rule(call, id_, inputs)
        if rule is not None:
            call.find(
                "ec2",
                f"revoke_security_group_{direction}",
                GroupId=rule["securityGroupId"],
                SecurityGroupRuleIds=[id_],
            )

    return delete


def _check_rule(inputs: Properties) -> Iterator[CheckFailure]:
    yield from checks.network(inputs, "cidrIpv4")
    protocol = checks.known(inputs, "ipProtocol")
    for port in ("fromPort", "toPort"):
        if protocol == "-1" and port in inputs:
            yield CheckFailure(port, 'must be left out when ipProtocol is "-1" (all traffic)')
        if protocol in ("tcp", "udp") and port not in inputs:
            yield CheckFailure(port, f"is required when ipProtocol is {protocol!r}")
        yield from checks.between(inputs, port, -1, 65535)


def _rule_kind(direction: _Direction) -> Kind:
    name = f"SecurityGroup{direction.capitalize()}Rule"
    settings = frozenset({"fromPort", "ipProtocol", "toPort", "description", *_SOURCES})
    return Kind(
        token=f"aws:vpc/s{name[1:]}:{name}",
        handles=settings | {"securityGroupId", "tags"},
        computed=frozenset({"arn", "securityGroupRuleId"}),
        # The real provider modifies a rule in place (ModifySecurityGroupRules); only its group is fixed.
        replaces=frozenset({"securityGroupId"}),
        requires_one=(_SOURCES,),
        check=_check_rule,
        owned=owned("describe_security_group_rules", "SecurityGroupRules", "SecurityGroupRuleId"),
        create=_create_rule(direction),
        observe=_observe_rule,
        update=_update_rule,
        delete=_delete_rule(direction),
        tag=tag,
    )


def _update_rule(call: Call, id_: str, _old: Properties, new: Properties) -> None:
    names = {
        "ipProtocol": "IpProtocol",
        "fromPort": "FromPort",
        "toPort": "ToPort",
        "cidrIpv4": "CidrIpv4",
        "cidrIpv6": "CidrIpv6",
        "prefixListId": "PrefixListId",
        "referencedSecurityGroupId": "ReferencedGroupId",
        "description": "Description",
    }
    call.aws(
        "ec2",
        "modify_security_group_rules",
        GroupId=new["securityGroupId"],
        SecurityGroupRules=[{"SecurityGroupRuleId": id_, "SecurityGroupRule": given(new, names)}],
    )


KINDS: Final = (
    Kind(
        token="aws:ec2/securityGroup:SecurityGroup",  # noqa: S106 (a type token)
        handles=frozenset(
            {
                "description",
                "egress",
                "ingress",
                "name",
                "namePrefix",
                "revokeRulesOnDelete",
                "tags",
                "vpcId",
            }
        ),
        computed=frozenset({"arn", "egress", "ingress", "name", "ownerId", "vpcId"}),
        replaces=frozenset({"description", "name", "namePrefix", "vpcId"}),
        defaults={"description": "Managed by Pulumi", "revokeRulesOnDelete": False},
        conflicts=(("name", "namePrefix"),),
        autoname=Autoname(property="name", prefix_property="namePrefix", limit=255),
        owned=owned("describe_security_groups", "SecurityGroups", "GroupId"),
        create=_create_group,
        observe=_observe_group,
        update=_update_group,
        delete=_delete_group,
        tag=tag,
    ),
    _rule_kind("ingress"),
    _rule_kind("egress"),
)
