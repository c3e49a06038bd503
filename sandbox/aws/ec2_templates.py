"""EC2's launch templates, as far as node groups use them. Every change is a new version, as in AWS."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, Final

from plugin_server.provider import CheckFailure
from plugin_server.values import Properties
from sandbox.aws import bottlerocket, checks
from sandbox.aws.calls import URN_TAG, AwsError, Call, from_pairs, unique_suffix
from sandbox.aws.ec2 import describe
from sandbox.aws.table import Autoname, Kind

TOKEN: Final = "aws:ec2/launchTemplate:LaunchTemplate"  # noqa: S105 (a type token)

_DATA: Final = ("blockDeviceMappings", "metadataOptions", "userData")
_BOOLEANS: Final = ("deleteOnTermination", "encrypted")
"""The SDK has them as text, EC2 as booleans."""


def template_version(call: Call, reference: Mapping[str, str]) -> dict[str, Any]:
    """The data of the version that a node group names by the template's id or name.

    Raises:
        AwsError: there is no such template or version.
    """
    which = (
        {"LaunchTemplateId": reference["id"]}
        if "id" in reference
        else {"LaunchTemplateName": reference["name"]}
    )
    answer = call.aws("ec2", "describe_launch_template_versions", Versions=[reference["version"]], **which)
    found: dict[str, Any] = answer["LaunchTemplateVersions"][0]
    return found


def data_disk_gib(data: Mapping[str, Any]) -> int:
    """Of Bottlerocket's volume for images and pods; EKS's default where the template says nothing."""
    sizes = [
        mapping["Ebs"]["VolumeSize"]
        for mapping in data.get("BlockDeviceMappings", [])
        if mapping["DeviceName"] == "/dev/xvdb"
    ]
    return int(sizes[0]) if sizes else 20


def check_user_data(call: Call, reference: Mapping[str, str] | None) -> None:
    """EKS refuses a version that does not exist, and user data that it cannot merge with its own.

    Raises:
        AwsError: it is refused.
    """
    if reference is None:
        return
    template = template_version(call, reference)
    try:
        bottlerocket.parse(template["LaunchTemplateData"].get("UserData"))
    except bottlerocket.UserDataError as error:
        raise AwsError("eks", "CreateNodegroup", "InvalidRequestException", str(error)) from error


def _create(call: Call, inputs: Properties) -> str:
    answer = call.aws(
        "ec2",
        "create_launch_template",
        LaunchTemplateName=inputs.get("name") or inputs["namePrefix"] + unique_suffix(),
        LaunchTemplateData=_data(inputs),
        TagSpecifications=call.tag_specifications("launch-template"),
    )
    return str(answer["LaunchTemplate"]["LaunchTemplateId"])


def _data(inputs: Properties) -> dict[str, Any]:
    return {_upper(key): _api(inputs[key]) for key in _DATA if inputs.get(key) is not None}


def _upper(key: str) -> str:
    return key[0].upper() + key[1:]


def _api(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            _upper(key): item == "true" if key in _BOOLEANS else _api(item) for key, item in value.items()
        }
    return [_api(item) for item in value] if isinstance(value, list) else value


def _own(value: Any) -> Any:
    if isinstance(value, dict):
        lower = {key[0].lower() + key[1:]: item for key, item in value.items()}
        return {key: str(item).lower() if key in _BOOLEANS else _own(item) for key, item in lower.items()}
    return [_own(item) for item in value] if isinstance(value, list) else value


def _tags(call: Call, template: Mapping[str, Any]) -> dict[str, str]:
    record = call.records.get(TOKEN, template["LaunchTemplateId"])
    found: dict[str, str] = record["tags"] if record else from_pairs(template.get("Tags"))
    return found


def _observe(call: Call, id_: str, _: Properties) -> Properties | None:
    template = describe(call, "describe_launch_templates", "LaunchTemplates", LaunchTemplateIds=[id_])
    if template is None:
        return None
    latest = template_version(call, {"id": id_, "version": str(template["LatestVersionNumber"])})
    data = _own(latest["LaunchTemplateData"])
    return {
        "arn": call.arn("ec2", f"launch-template/{id_}"),
        "name": template["LaunchTemplateName"],
        "defaultVersion": template["DefaultVersionNumber"],
        "latestVersion": template["LatestVersionNumber"],
        **{key: data.get(key) for key in _DATA},
        "tagsAll": _tags(call, template),
    }


def _update(call: Call, id_: str, old: Properties, new: Properties) -> None:
    if _data(old) != _data(new):
        call.aws(
            "ec2",
            "create_launch_template_version",
            LaunchTemplateId=id_,
            LaunchTemplateData=_data(new),
        )


def _delete(call: Call, id_: str, _: Properties) -> None:
    if describe(call, "describe_launch_templates", "LaunchTemplates", LaunchTemplateIds=[id_]):
        call.find("ec2", "delete_launch_template", LaunchTemplateId=id_)
    call.records.remove(TOKEN, id_)


def _tag(call: Call, id_: str, tags: Mapping[str, str], remove: list[str]) -> None:
    template = describe(call, "describe_launch_templates", "LaunchTemplates", LaunchTemplateIds=[id_])
    if template is not None:
        kept = {key: value for key, value in _tags(call, template).items() if key not in remove}
        call.records.put(TOKEN, id_, {"tags": {**kept, **tags}})


def _owned(call: Call) -> list[str]:
    templates = call.aws("ec2", "describe_launch_templates")["LaunchTemplates"]
    return [found["LaunchTemplateId"] for found in templates if _tags(call, found).get(URN_TAG) == call.urn]


def _check(inputs: Properties) -> Iterator[CheckFailure]:
    data = checks.known(inputs, "userData")
    if data is None:
        return
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        yield CheckFailure("userData", "must be Base64-encoded")


KINDS: Final = (
    Kind(
        token=TOKEN,
        handles=frozenset({"name", "namePrefix", "tags", *_DATA}),
        computed=frozenset({"arn", "defaultVersion", "latestVersion", "name"}),
        replaces=frozenset({"name", "namePrefix"}),
        conflicts=(("name", "namePrefix"),),
        check=_check,
        autoname=Autoname(property="name", prefix_property="namePrefix", limit=125),
        owned=_owned,
        create=_create,
        observe=_observe,
        update=_update,
        delete=_delete,
        tag=_tag,
    ),
)
