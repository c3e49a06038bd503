"""ECR repositories."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from plugin_server.provider import CheckFailure
from plugin_server.values import Properties
from sandbox.aws import checks
from sandbox.aws.calls import Call, from_pairs, pairs
from sandbox.aws.table import Autoname, Kind

_NAME: Final = re.compile(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*")


def _create(call: Call, inputs: Properties) -> str:
    name: str = inputs["name"]
    call.aws(
        "ecr",
        "create_repository",
        repositoryName=name,
        imageTagMutability=inputs["imageTagMutability"],
        imageScanningConfiguration=_scanning(inputs),
        tags=call.tag_pairs(),
    )
    return name


def _scanning(inputs: Properties) -> dict[str, Any]:
    return {"scanOnPush": bool(inputs.get("imageScanningConfiguration", {}).get("scanOnPush"))}


def _observe(call: Call, name: str, _: Properties) -> Properties | None:
    answer = call.find("ecr", "describe_repositories", repositoryNames=[name])
    if answer is None:
        return None
    found = answer["repositories"][0]
    tags = call.aws("ecr", "list_tags_for_resource", resourceArn=found["repositoryArn"])["tags"]
    return {
        "arn": found["repositoryArn"],
        "imageScanningConfiguration": {"scanOnPush": found["imageScanningConfiguration"]["scanOnPush"]},
        "imageTagMutability": found["imageTagMutability"],
        "name": name,
        "registryId": found["registryId"],
        "repositoryUrl": found["repositoryUri"],
        "tagsAll": from_pairs(tags),
    }


def _update(call: Call, name: str, _old: Properties, new: Properties) -> None:
    mutability = new["imageTagMutability"]
    call.aws("ecr", "put_image_tag_mutability", repositoryName=name, imageTagMutability=mutability)
    call.aws(
        "ecr",
        "put_image_scanning_configuration",
        repositoryName=name,
        imageScanningConfiguration=_scanning(new),
    )


def _delete(call: Call, name: str, inputs: Properties) -> None:
    call.find("ecr", "delete_repository", repositoryName=name, force=bool(inputs.get("forceDelete")))


def _tag(call: Call, name: str, tags: Mapping[str, str], remove: list[str]) -> None:
    arn = call.arn("ecr", f"repository/{name}")
    if remove:
        call.aws("ecr", "untag_resource", resourceArn=arn, tagKeys=remove)
    call.aws("ecr", "tag_resource", resourceArn=arn, tags=pairs(tags))


def _names(call: Call, _: Properties) -> Iterable[str]:
    return (item["repositoryName"] for item in call.pages("ecr", "describe_repositories", "repositories"))


def _check(inputs: Properties) -> Iterable[CheckFailure]:
    return checks.matching(inputs, "name", _NAME, "lower-case letters, digits and . _ - / only")


KINDS: Final = (
    Kind(
        token="aws:ecr/repository:Repository",  # noqa: S106 (a type token)
        handles=frozenset(
            {"forceDelete", "imageScanningConfiguration", "imageTagMutability", "name", "tags"}
        ),
        computed=frozenset({"arn", "registryId", "repositoryUrl"}),
        replaces=frozenset({"name"}),
        defaults={"imageTagMutability": "MUTABLE"},
        enums={"imageTagMutability": ("ecr", "ImageTagMutability")},
        check=_check,
        autoname=Autoname(property="name", limit=256, lower=True),
        identify=lambda _, inputs: inputs.get("name"),
        named=_names,
        create=_create,
        observe=_observe,
        update=_update,
        delete=_delete,
        tag=_tag,
    ),
)
