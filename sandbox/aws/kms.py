"""KMS keys and aliases. A deleted key is pending deletion, which counts as gone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from plugin_server.provider import CheckFailure
from plugin_server.values import Properties
from sandbox.aws import checks
from sandbox.aws.calls import AwsError, Call, from_pairs, given, unique_suffix
from sandbox.aws.table import Autoname, Kind

_ALIAS: Final = re.compile(r"alias/(?!aws/)[A-Za-z0-9/_-]{1,250}")


def _key_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": tags[key]} for key in sorted(tags)]


def _create_key(call: Call, inputs: Properties) -> str:
    arguments: dict[str, Any] = {
        **given(
            inputs,
            {
                "description": "Description",
                "keyUsage": "KeyUsage",
                "customerMasterKeySpec": "KeySpec",
                "multiRegion": "MultiRegion",
                "policy": "Policy",
            },
        ),
        "Tags": _key_tags(call.tags),
    }
    key: str = call.aws("kms", "create_key", **arguments)["KeyMetadata"]["KeyId"]
    _apply_rotation(call, key, inputs)
    if not inputs.get("isEnabled", True):
        call.aws("kms", "disable_key", KeyId=key)
    return key


def _apply_rotation(call: Call, key: str, inputs: Properties) -> None:
    if inputs.get("enableKeyRotation"):
        period = given(inputs, {"rotationPeriodInDays": "RotationPeriodInDays"})
        call.aws("kms", "enable_key_rotation", KeyId=key, **period)
    elif call.aws("kms", "get_key_rotation_status", KeyId=key)["KeyRotationEnabled"]:
        call.aws("kms", "disable_key_rotation", KeyId=key)


def _observe_key(call: Call, key: str, _: Properties) -> Properties | None:
    answer = call.find("kms", "describe_key", KeyId=key)
    if answer is None or answer["KeyMetadata"]["KeyState"] == "PendingDeletion":
        return None
    about = answer["KeyMetadata"]
    rotation = call.aws("kms", "get_key_rotation_status", KeyId=key)
    tags = call.aws("kms", "list_resource_tags", KeyId=key)["Tags"]
    return {
        "arn": about["Arn"],
        "keyId": about["KeyId"],
        "description": about.get("Description") or None,
        "isEnabled": about["Enabled"],
        "keyUsage": about["KeyUsage"],
        "customerMasterKeySpec": about.get("KeySpec"),
        "multiRegion": about.get("MultiRegion", False),
        "enableKeyRotation": rotation["KeyRotationEnabled"],
        "rotationPeriodInDays": rotation.get("RotationPeriodInDays") or None,
        "policy": call.aws("kms", "get_key_policy", KeyId=key, PolicyName="default")["Policy"],
        "tagsAll": from_pairs(tags),
    }


def _update_key(call: Call, key: str, _old: Properties, new: Properties) -> None:
    if new.get("isEnabled", True):
        call.aws("kms", "enable_key", KeyId=key)
    call.aws("kms", "update_key_description", KeyId=key, Description=new.get("description", ""))
    if "policy" in new:
        call.aws("kms", "put_key_policy", KeyId=key, PolicyName="default", Policy=new["policy"])
    _apply_rotation(call, key, new)
    if not new.get("isEnabled", True):
        call.aws("kms", "disable_key", KeyId=key)


def _delete_key(call: Call, key: str, inputs: Properties) -> None:
    if _observe_key(call, key, inputs) is not None:
        days = inputs.get("deletionWindowInDays", 30)
        call.aws("kms", "schedule_key_deletion", KeyId=key, PendingWindowInDays=days)


def _tag_key(call: Call, key: str, tags: Mapping[str, str], remove: list[str]) -> None:
    if remove:
        call.aws("kms", "untag_resource", KeyId=key, TagKeys=remove)
    call.aws("kms", "tag_resource", KeyId=key, Tags=_key_tags(tags))


def _owned_keys(call: Call) -> Iterator[str]:
    for listed in call.pages("kms", "list_keys", "Keys"):
        key = listed["KeyId"]
        answer = call.find("kms", "describe_key", KeyId=key)
        # AWS's own keys have no tags to list.
        if answer and answer["KeyMetadata"]["KeyManager"] == "CUSTOMER" and _has_urn(call, key):
            yield key


def _has_urn(call: Call, key: str) -> bool:
    tags = from_pairs(call.aws("kms", "list_resource_tags", KeyId=key)["Tags"])
    return call.is_owner(tags)


def _check_key(inputs: Properties) -> Iterator[CheckFailure]:
    yield from checks.between(inputs, "deletionWindowInDays", 7, 30)
    yield from checks.between(inputs, "rotationPeriodInDays", 90, 2560)
    yield from checks.policy(inputs, "policy")
    if "rotationPeriodInDays" in inputs and not inputs.get("enableKeyRotation"):
        yield CheckFailure("rotationPeriodInDays", "needs enableKeyRotation to be true")


def _create_alias(call: Call, inputs: Properties) -> str:
    name: str = inputs.get("name") or f"{inputs['namePrefix']}{unique_suffix()}"
    present = _observe_alias(call, name, inputs)
    target = call.aws("kms", "describe_key", KeyId=inputs["targetKeyId"])["KeyMetadata"]
    if present is None:
        call.aws("kms", "create_alias", AliasName=name, TargetKeyId=inputs["targetKeyId"])
    elif present["targetKeyArn"] != target["Arn"]:
        raise AwsError("kms", "CreateAlias", "AlreadyExistsException", f"{name} points to another key")
    return name


def _aliases_of_key(call: Call, inputs: Properties) -> Iterator[str]:
    answer = call.find("kms", "describe_key", KeyId=inputs["targetKeyId"])
    if answer:
        key = answer["KeyMetadata"]["KeyId"]
        aliases = call.pages("kms", "list_aliases", "Aliases", KeyId=key)
        yield from (alias["AliasName"] for alias in aliases if alias.get("TargetKeyId") == key)


def _observe_alias(call: Call, name: str, inputs: Properties) -> Properties | None:
    for alias in call.pages("kms", "list_aliases", "Aliases"):
        if alias["AliasName"] == name and "TargetKeyId" in alias:
            key = call.aws("kms", "describe_key", KeyId=alias["TargetKeyId"])["KeyMetadata"]
            # The program may name the key by its id or by its ARN; keep its way as long as it is the same key.
            by_arn = str(inputs.get("targetKeyId", "")).startswith("arn:")
            return {
                "name": name,
                "arn": call.arn("kms", name),
                "targetKeyId": key["Arn"] if by_arn else key["KeyId"],
                "targetKeyArn": key["Arn"],
            }
    return None


KINDS: Final = (
    Kind(
        token="aws:kms/key:Key",  # noqa: S106 (a type token)
        handles=frozenset(
            {
                "customerMasterKeySpec",
                "deletionWindowInDays",
                "description",
                "enableKeyRotation",
                "isEnabled",
                "keyUsage",
                "multiRegion",
                "policy",
                "rotationPeriodInDays",
                "tags",
            }
        ),
        computed=frozenset({"arn", "keyId", "multiRegion", "policy", "rotationPeriodInDays"}),
        replaces=frozenset({"customerMasterKeySpec", "keyUsage", "multiRegion"}),
        defaults={
            "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "description": "Managed by Pulumi",
            "enableKeyRotation": False,
            "isEnabled": True,
            "keyUsage": "ENCRYPT_DECRYPT",
        },
        policies=frozenset({"policy"}),
        enums={"customerMasterKeySpec": ("kms", "KeySpec"), "keyUsage": ("kms", "KeyUsageType")},
        check=_check_key,
        owned=_owned_keys,
        create=_create_key,
        observe=_observe_key,
        update=_update_key,
        delete=_delete_key,
        tag=_tag_key,
    ),
    Kind(
        token="aws:kms/alias:Alias",  # noqa: S106
        handles=frozenset({"name", "namePrefix", "targetKeyId"}),
        computed=frozenset({"arn", "name", "targetKeyArn"}),
        replaces=frozenset({"name", "namePrefix"}),
        conflicts=(("name", "namePrefix"),),
        check=lambda inputs: checks.matching(
            inputs, "name", _ALIAS, "must begin with 'alias/' (not 'alias/aws/')"
        ),
        autoname=Autoname(property="name", prefix_property="namePrefix", limit=256, prepend="alias/"),
        identify=lambda _, inputs: inputs.get("name"),
        named=_aliases_of_key,
        create=_create_alias,
        observe=_observe_alias,
        update=lambda call, name, _, new: call.aws(
            "kms", "update_alias", AliasName=name, TargetKeyId=new["targetKeyId"]
        ),
        delete=lambda call, name, _: call.find("kms", "delete_alias", AliasName=name),
    ),
)
