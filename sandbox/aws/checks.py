"""Checks of input values that AWS or the real provider would refuse."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import botocore.session

from plugin_server.provider import CheckFailure
from plugin_server.values import UNKNOWN, Properties

_BUCKET_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")
_ARN: Final = re.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:(\d{12}|aws|):.+\Z")


def known(inputs: Mapping[str, Any], *path: str) -> Any:
    """The value at a path; None when it is absent or not known yet."""
    value: Any = inputs
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return None if value is UNKNOWN else value


def network(
    inputs: Properties, property_: str, shortest: int = 0, longest: int = 32
) -> Iterator[CheckFailure]:
    """An IPv4 network in CIDR form without host bits, of a length between the two."""
    value = known(inputs, property_)
    if value is None:
        return
    try:
        parsed = ipaddress.IPv4Network(value)
    except ValueError as error:
        yield CheckFailure(property_, f"{value!r} is not an IPv4 CIDR block: {error}")
        return
    if not shortest <= parsed.prefixlen <= longest:
        yield CheckFailure(
            property_, f"{value!r}: AWS takes blocks between /{shortest} and /{longest} in size here"
        )


def policy(inputs: Properties, property_: str, *, assume_role: bool = False) -> Iterator[CheckFailure]:
    """A policy document: JSON with statements that have an effect, an action and, for trust, a principal."""
    text = known(inputs, property_)
    if text is None:
        return
    try:
        document = json.loads(text)
    except ValueError as error:
        yield CheckFailure(property_, f"is not JSON: {error}")
        return
    statements = document.get("Statement") if isinstance(document, dict) else None
    if not statements:
        yield CheckFailure(property_, "MalformedPolicyDocument: a policy needs at least one Statement")
        return
    for statement in statements if isinstance(statements, list) else [statements]:
        yield from _statement(statement, property_, assume_role=assume_role)


def _statement(statement: Any, property_: str, *, assume_role: bool) -> Iterator[CheckFailure]:
    if not isinstance(statement, dict):
        yield CheckFailure(property_, "MalformedPolicyDocument: each Statement must be an object")
        return
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield CheckFailure(property_, 'MalformedPolicyDocument: Effect must be "Allow" or "Deny"')
    if "Action" not in statement and "NotAction" not in statement:
        yield CheckFailure(property_, "MalformedPolicyDocument: a Statement needs an Action")
    if assume_role and "Principal" not in statement and "NotPrincipal" not in statement:
        yield CheckFailure(property_, "MalformedPolicyDocument: a trust policy's Statement needs a Principal")
    if assume_role and "Resource" in statement:
        yield CheckFailure(
            property_, "MalformedPolicyDocument: has prohibited field Resource (a trust policy names none)"
        )


def arn(inputs: Properties, *path: str) -> Iterator[CheckFailure]:
    """An ARN."""
    value = known(inputs, *path)
    if value is not None and not _ARN.match(value):
        yield CheckFailure(".".join(path), f"{value!r} is not an ARN")


def bucket_name(inputs: Properties) -> Iterator[CheckFailure]:
    """S3's naming rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html."""
    value = known(inputs, "bucket")
    if value is not None and (not _BUCKET_NAME.match(value) or ".." in value):
        yield CheckFailure(
            "bucket",
            f"{value!r} is not a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens, "
            "beginning and ending with a letter or digit",
        )


def between(inputs: Properties, property_: str, least: int, most: int) -> Iterator[CheckFailure]:
    """A number in a closed range."""
    value = known(inputs, property_)
    if value is not None and not least <= value <= most:
        yield CheckFailure(property_, f"must be between {least} and {most}, not {value}")


def matching(
    inputs: Properties, property_: str, pattern: re.Pattern[str], rule: str
) -> Iterator[CheckFailure]:
    """A text of a given form."""
    value = known(inputs, property_)
    if value is not None and not pattern.fullmatch(value):
        yield CheckFailure(property_, f"{value!r}: {rule}")


def one_of(value: Any, at: str, service: str, shape: str) -> Iterator[CheckFailure]:
    """A value out of those that botocore's model of the service lists for a shape."""
    allowed = _allowed(service, shape)
    if value not in allowed:
        yield CheckFailure(at, f"{value!r} is not one of {', '.join(allowed)}")


@cache
def _allowed(service: str, shape: str) -> tuple[str, ...]:
    model: Any = botocore.session.get_session().get_service_model(service)
    return tuple(model.shape_for(shape).enum)


def values_at(value: Any, path: str, at: str = "") -> Iterator[tuple[str, Any]]:
    """The known values that a dotted path leads to, with their own paths; ``*`` stands for every index."""
    if value is UNKNOWN or value is None:
        return
    head, _, rest = path.partition(".")
    if not path:
        yield at, value
    elif head == "*" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from values_at(item, rest, f"{at}[{index}]")
    elif isinstance(value, Mapping) and head in value:
        yield from values_at(value[head], rest, f"{at}.{head}" if at else head)
