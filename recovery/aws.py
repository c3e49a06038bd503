"""Asks AWS for objects whose id it chose. The one module of this package that needs boto3."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from recovery.errors import LookupFailedError
from recovery.operations import Deployment, resources
from recovery.orphans import Holding
from recovery.questions import Candidate, Question

Clients = Callable[[str, str | None], Any]
"""Service and region → a boto3 client; None is the region of the environment."""

_ACCOUNT: Final = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12}):")


class AwsLookups:
    """Answers questions in one account."""

    def __init__(self, clients: Clients, account: str | None) -> None:
        """`account` is that of the stack, and None where its state does not say; another one is refused."""
        self._clients = clients
        self._account = account
        self._checked = False

    def __call__(self, question: Question) -> tuple[Candidate, ...]:
        """Return the objects that answer.

        Raises:
            LookupFailedError: AWS refused or did not answer, or the credentials are of another account.
        """
        try:
            self._check_account(question.region)
            return tuple(sorted(self._found(question)))
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if "NotFound" in code:
                # What it would be in is gone.
                return ()
            raise LookupFailedError(f"AWS refused {question.service} {question.operation}: {code}") from error
        except BotoCoreError as error:
            raise LookupFailedError(f"AWS cannot be asked: {error}") from error

    def holdings(self, tags: Mapping[str, str], region: str | None) -> list[Holding]:
        """Return the objects that have all of these tags.

        The tagging API does not list IAM's, so that roles are asked one by one. moto 5.2.5 lacks more in it: addresses,
        VPC endpoints, launch templates, and all of EKS.

        Raises:
            LookupFailedError: AWS refused or did not answer, or the credentials are of another account.
        """
        try:
            self._check_account(region)
            return [*self._tagged(tags, region), *self._roles(tags, region)]
        except (ClientError, BotoCoreError) as error:
            raise LookupFailedError(f"AWS cannot be asked what it holds: {error}") from error

    def _tagged(self, tags: Mapping[str, str], region: str | None) -> Iterator[Holding]:
        client = self._clients("resourcegroupstaggingapi", region)
        filters = [{"Key": key, "Values": [value]} for key, value in sorted(tags.items())]
        for page in client.get_paginator("get_resources").paginate(TagFilters=filters):
            for item in page["ResourceTagMappingList"]:
                yield Holding(arn=item["ResourceARN"], name=_pairs(item["Tags"]).get("Name", ""))

    def _roles(self, tags: Mapping[str, str], region: str | None) -> Iterator[Holding]:
        client = self._clients("iam", region)
        for page in client.get_paginator("list_roles").paginate():
            for role in page["Roles"]:
                if _has(client.list_role_tags(RoleName=role["RoleName"])["Tags"], tags):
                    yield Holding(arn=role["Arn"])

    def _check_account(self, region: str | None) -> None:
        if self._checked or self._account is None:
            return
        found = self._clients("sts", region).get_caller_identity()["Account"]
        if found != self._account:
            raise LookupFailedError(
                f"these credentials are of account {found}, and the stack's resources are in {self._account}: "
                "give those that `pulumi up` has"
            )
        self._checked = True

    def _found(self, question: Question) -> Iterator[Candidate]:
        client = self._clients(question.service, question.region)
        for item in _items(client, question):
            if (whole := _whole(client, question, item)) and _has(whole.get("Tags"), question.tags):
                id_ = whole[question.id]
                yield Candidate(id=id_, import_id=question.import_id.format(id=id_))


def account_of(deployment: Deployment) -> str | None:
    """Return the account that the state's AWS resources are in, as their ARNs say."""
    for item in resources(deployment):
        arn = (item.get("outputs") or {}).get("arn") if item["type"].startswith("aws:") else None
        if isinstance(arn, str) and (match := _ACCOUNT.match(arn)):
            return match[1]
    return None


def _items(client: Any, question: Question) -> Iterator[Mapping[str, Any]]:
    for item in _listed(client, question):
        if question.part:
            yield from item.get(question.part) or ()
        else:
            yield item


def _listed(client: Any, question: Question) -> Iterator[Mapping[str, Any]]:
    if client.can_paginate(question.operation):
        for page in client.get_paginator(question.operation).paginate(**question.parameters):
            yield from page[question.items]
    else:
        yield from getattr(client, question.operation)(**question.parameters)[question.items]


def _whole(client: Any, question: Question, item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return an item with its details, or None where one of its values is another than asked for."""
    whole = dict(item)
    for detail in (None, *question.details):
        if detail is not None:
            answer = getattr(client, detail.operation)(**{detail.parameter: item[question.id]})[detail.answer]
            whole |= answer if isinstance(answer, Mapping) else {detail.answer: answer}
        if any(name in whole and whole[name] not in values for name, values in question.values.items()):
            return None
    return whole


def _has(tags: Any, wanted: Mapping[str, str]) -> bool:
    return wanted.items() <= _pairs(tags).items()


def _pairs(tags: Any) -> dict[str, str]:
    """Return tags as a mapping; KMS calls their parts otherwise."""
    return {tag.get("Key", tag.get("TagKey")): tag.get("Value", tag.get("TagValue")) for tag in tags or ()}
