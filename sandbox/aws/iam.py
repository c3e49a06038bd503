"""IAM roles and policies; IAM has no region."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any, Final

from plugin_server.provider import CheckFailure
from plugin_server.values import Properties
from sandbox.aws import checks
from sandbox.aws.calls import Call, from_pairs, given, pairs, unique_suffix
from sandbox.aws.table import Autoname, Kind

_NAME: Final = re.compile(r"[\w+=,.@-]+")
_NAME_RULE: Final = "IAM names hold letters, digits and +=,.@_- only"


def _document(policy: Any) -> Any:
    """A policy as text; boto3 decodes it in some answers and leaves it URL-quoted in others."""
    if isinstance(policy, str):
        return urllib.parse.unquote(policy)
    return json.dumps(policy)


def _create_role(call: Call, inputs: Properties) -> str:
    name: str = inputs.get("name") or inputs["namePrefix"] + unique_suffix()
    call.aws(
        "iam",
        "create_role",
        RoleName=name,
        AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
        Tags=call.tag_pairs(),
        **given(
            inputs,
            {
                "path": "Path",
                "description": "Description",
                "maxSessionDuration": "MaxSessionDuration",
                "permissionsBoundary": "PermissionsBoundary",
            },
        ),
    )
    return name


def _observe_role(call: Call, name: str, _: Properties) -> Properties | None:
    answer = call.find("iam", "get_role", RoleName=name)
    if answer is None:
        return None
    role = answer["Role"]
    return {
        "name": name,
        "arn": role["Arn"],
        "path": role["Path"],
        "uniqueId": role["RoleId"],
        "createDate": role["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "description": role.get("Description") or None,
        "maxSessionDuration": role.get("MaxSessionDuration", 3600),
        "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "assumeRolePolicy": _document(role["AssumeRolePolicyDocument"]),
        "tagsAll": from_pairs(role.get("Tags")),
    }


def _update_role(call: Call, name: str, old: Properties, new: Properties) -> None:
    call.aws("iam", "update_assume_role_policy", RoleName=name, PolicyDocument=new["assumeRolePolicy"])
    call.aws(
        "iam",
        "update_role",
        RoleName=name,
        Description=new.get("description", ""),
        MaxSessionDuration=new.get("maxSessionDuration", 3600),
    )
    if boundary := new.get("permissionsBoundary"):
        call.aws("iam", "put_role_permissions_boundary", RoleName=name, PermissionsBoundary=boundary)
    elif old.get("permissionsBoundary"):
        call.find("iam", "delete_role_permissions_boundary", RoleName=name)


def _delete_role(call: Call, name: str, inputs: Properties) -> None:
    if call.find("iam", "get_role", RoleName=name) is None:
        return
    if inputs.get("forceDetachPolicies"):
        for attached in call.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name):
            call.find("iam", "detach_role_policy", RoleName=name, PolicyArn=attached["PolicyArn"])
        for policy in call.pages("iam", "list_role_policies", "PolicyNames", RoleName=name):
            call.find("iam", "delete_role_policy", RoleName=name, PolicyName=policy)
    call.find("iam", "delete_role", RoleName=name)


def _tag_role(call: Call, name: str, tags: Mapping[str, str], remove: list[str]) -> None:
    if remove:
        call.aws("iam", "untag_role", RoleName=name, TagKeys=remove)
    call.aws("iam", "tag_role", RoleName=name, Tags=pairs(tags))


def _check_role(inputs: Properties) -> Iterator[CheckFailure]:
    yield from checks.matching(inputs, "name", _NAME, _NAME_RULE)
    yield from checks.policy(inputs, "assumeRolePolicy", assume_role=True)
    yield from checks.between(inputs, "maxSessionDuration", 3600, 43200)
    yield from checks.arn(inputs, "permissionsBoundary")


def _put_role_policy(call: Call, inputs: Properties) -> str:
    name = inputs.get("name") or inputs["namePrefix"] + unique_suffix()
    role = inputs["role"]
    call.aws("iam", "put_role_policy", RoleName=role, PolicyName=name, PolicyDocument=inputs["policy"])
    return f"{role}:{name}"


def _policies_of_role(call: Call, inputs: Properties) -> Iterator[str]:
    if call.find("iam", "get_role", RoleName=inputs["role"]) is not None:
        yield from call.pages("iam", "list_role_policies", "PolicyNames", RoleName=inputs["role"])


def _observe_role_policy(call: Call, id_: str, _: Properties) -> Properties | None:
    role, _sep, name = id_.partition(":")
    answer = call.find("iam", "get_role_policy", RoleName=role, PolicyName=name)
    if answer is None:
        return None
    return {"role": role, "name": name, "policy": _document(answer["PolicyDocument"])}


def _delete_role_policy(call: Call, id_: str, _: Properties) -> None:
    role, _sep, name = id_.partition(":")
    call.find("iam", "delete_role_policy", RoleName=role, PolicyName=name)


def _attach(call: Call, inputs: Properties) -> str:
    role, policy = inputs["role"], inputs["policyArn"]
    call.aws("iam", "attach_role_policy", RoleName=role, PolicyArn=policy)
    return f"{role}/{policy}"


def _observe_attachment(call: Call, id_: str, _: Properties) -> Properties | None:
    role, _sep, policy = id_.partition("/")
    if call.find("iam", "get_role", RoleName=role) is None:
        return None
    attached = call.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=role)
    if not any(item["PolicyArn"] == policy for item in attached):
        return None
    return {"role": role, "policyArn": policy}


def _detach(call: Call, id_: str, _: Properties) -> None:
    role, _sep, policy = id_.partition("/")
    call.find("iam", "detach_role_policy", RoleName=role, PolicyArn=policy)


def _policy_arn(call: Call, inputs: Properties) -> str | None:
    if "name" not in inputs:
        return None
    return f"arn:aws:iam::{call.account}:policy{inputs.get('path', '/')}{inputs['name']}"


def _create_policy(call: Call, inputs: Properties) -> str:
    answer = call.aws(
        "iam",
        "create_policy",
        PolicyName=inputs.get("name") or inputs["namePrefix"] + unique_suffix(),
        PolicyDocument=inputs["policy"],
        Tags=call.tag_pairs(),
        **given(inputs, {"path": "Path", "description": "Description"}),
    )
    return str(answer["Policy"]["Arn"])


def _observe_policy(call: Call, arn: str, _: Properties) -> Properties | None:
    answer = call.find("iam", "get_policy", PolicyArn=arn)
    if answer is None:
        return None
    policy = answer["Policy"]
    version = call.aws("iam", "get_policy_version", PolicyArn=arn, VersionId=policy["DefaultVersionId"])
    return {
        "arn": arn,
        "name": policy["PolicyName"],
        "path": policy["Path"],
        "policyId": policy["PolicyId"],
        "attachmentCount": policy["AttachmentCount"],
        "description": policy.get("Description") or None,
        "policy": _document(version["PolicyVersion"]["Document"]),
        "tagsAll": from_pairs(policy.get("Tags")),
    }


def _update_policy(call: Call, arn: str, _old: Properties, new: Properties) -> None:
    versions = call.aws("iam", "list_policy_versions", PolicyArn=arn)["Versions"]
    # IAM keeps five versions; like the real provider, make room by dropping the oldest that is not in use.
    spare = sorted((v for v in versions if not v["IsDefaultVersion"]), key=lambda v: int(v["VersionId"][1:]))
    if len(versions) >= 5:
        call.aws("iam", "delete_policy_version", PolicyArn=arn, VersionId=spare[0]["VersionId"])
    call.aws("iam", "create_policy_version", PolicyArn=arn, PolicyDocument=new["policy"], SetAsDefault=True)


def _delete_policy(call: Call, arn: str, _: Properties) -> None:
    if call.find("iam", "get_policy", PolicyArn=arn) is None:
        return
    for version in call.aws("iam", "list_policy_versions", PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            call.find("iam", "delete_policy_version", PolicyArn=arn, VersionId=version["VersionId"])
    call.find("iam", "delete_policy", PolicyArn=arn)


def _tag_policy(call: Call, arn: str, tags: Mapping[str, str], remove: list[str]) -> None:
    if remove:
        call.aws("iam", "untag_policy", PolicyArn=arn, TagKeys=remove)
    call.aws("iam", "tag_policy", PolicyArn=arn, Tags=pairs(tags))


def _check_named_policy(inputs: Properties) -> Iterator[CheckFailure]:
    yield from checks.matching(inputs, "name", _NAME, _NAME_RULE)
    yield from checks.policy(inputs, "policy")


KINDS: Final = (
    Kind(
        token="aws:iam/role:Role",  # noqa: S106 (a type token)
        scope="global",
        handles=frozenset(
            {
                "assumeRolePolicy",
                "description",
                "forceDetachPolicies",
                "maxSessionDuration",
                "name",
                "namePrefix",
                "path",
                "permissionsBoundary",
                "tags",
            }
        ),
        computed=frozenset({"arn", "createDate", "name", "uniqueId"}),
        replaces=frozenset({"name", "namePrefix", "path"}),
        defaults={"forceDetachPolicies": False, "maxSessionDuration": 3600, "path": "/"},
        policies=frozenset({"assumeRolePolicy"}),
        conflicts=(("name", "namePrefix"),),
        check=_check_role,
        autoname=Autoname(property="name", prefix_property="namePrefix", limit=64),
        identify=lambda _, inputs: inputs.get("name"),
        named=lambda call, _: (role["RoleName"] for role in call.pages("iam", "list_roles", "Roles")),
        create=_create_role,
        observe=_observe_role,
        update=_update_role,
        delete=_delete_role,
        tag=_tag_role,
    ),
    Kind(
        token="aws:iam/rolePolicy:RolePolicy",  # noqa: S106
        scope="global",
        handles=frozenset({"name", "namePrefix", "policy", "role"}),
        computed=frozenset({"name"}),
        replaces=frozenset({"name", "namePrefix", "role"}),
        policies=frozenset({"policy"}),
        conflicts=(("name", "namePrefix"),),
        check=_check_named_policy,
        autoname=Autoname(property="name", prefix_property="namePrefix", limit=128),
        identify=lambda _, inputs: f"{inputs['role']}:{inputs['name']}" if "name" in inputs else None,
        named=_policies_of_role,
        create=_put_role_policy,
        observe=_observe_role_policy,
        update=lambda call, id_, _, new: call.aws(
            "iam",
            "put_role_policy",
            RoleName=new["role"],
            PolicyName=id_.partition(":")[2],
            PolicyDocument=new["policy"],
        ),
        delete=_delete_role_policy,
    ),
    Kind(
        token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",  # noqa: S106
        scope="global",
        handles=frozenset({"policyArn", "role"}),
        replaces=frozenset({"policyArn", "role"}),
        check=lambda inputs: checks.arn(inputs, "policyArn"),
        create=_attach,
        observe=_observe_attachment,
        delete=_detach,
    ),
    Kind(
        token="aws:iam/policy:Policy",  # noqa: S106
        scope="global",
        handles=frozenset({"description", "name", "namePrefix", "path", "policy", "tags"}),
        computed=frozenset({"arn", "attachmentCount", "name", "policyId"}),
        replaces=frozenset({"description", "name", "namePrefix", "path"}),
        defaults={"path": "/"},
        policies=frozenset({"policy"}),
        conflicts=(("name", "namePrefix"),),
        check=_check_named_policy,
        autoname=Autoname(property="name", prefix_property="namePrefix", limit=128),
        identify=_policy_arn,
        named=lambda call, _: (
            policy["PolicyName"] for policy in call.pages("iam", "list_policies", "Policies", Scope="Local")
        ),
        create=_create_policy,
        observe=_observe_policy,
        update=_update_policy,
        delete=_delete_policy,
        tag=_tag_policy,
    ),
)
