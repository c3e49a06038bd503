"""Limits that AWS documents and that its service models do not carry: tables/limits.yaml, and their tests."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final

import regex
import yaml

from plugin_server.values import UNKNOWN, contains_unknown
from sandbox.aws.table import TABLES

KUBERNETES_VERSIONS: Final = ("1.31", "1.32", "1.33", "1.34", "1.35", "1.36")
"""The versions in standard or extended support in November 2026: https://endoflife.date/amazon-eks gives 1.31's end as
2026-11-26 and 1.30's as 2026-07-23; https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html names
1.36 as the newest."""

_DOCS: Final = "https://docs.aws.amazon.com/"
_BUCKET: Final = regex.compile(
    r"(?!xn--|sthree-|amzn-s3-demo-)(?!.*(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$)"
    r"(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
)
_BUCKET_WORDS: Final = (
    "3 to 63 lower-case letters, digits, dots and hyphens, beginning and ending with a letter or digit, without a "
    "reserved prefix or suffix"
)
_ARN: Final = regex.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:(\d{12}|aws|):.+")


@dataclass(frozen=True, kw_only=True)
class Limit:
    """One documented rule."""

    what: str
    operations: tuple[str, ...]
    """``service.Operation``; ``*`` at the end stands for any ending."""
    path: str
    """The parameter, where ``*`` is every index or key; empty for the whole call."""
    broken_by: Callable[[Any], str]
    """Says what is wrong with a value; empty when nothing is."""
    fix: str
    url: str
    read: date
    """The day on which the page was read."""

    def concerns(self, service: str, operation: str) -> bool:
        """True if the rule is about an operation."""
        name = f"{service}.{operation}"
        return any(
            name == one or (one.endswith("*") and name.startswith(one[:-1])) for one in self.operations
        )


def policy_size(text: str) -> int:
    """The characters that IAM counts: all but white space."""
    return sum(not letter.isspace() for letter in text)


def _at_most(most: int, unit: str, value: Any) -> str:
    size = len(value.encode()) if unit == "bytes" else len(value)
    return f"it has {size:,} {unit}, and AWS takes at most {most:,}" if size > most else ""


def _policy_length(most: int, value: str) -> str:
    size = policy_size(value)
    return (
        f"it has {size:,} characters, white space not counted; AWS takes at most {most:,}"
        if size > most
        else ""
    )


def _network(shortest: int, longest: int, value: str) -> str:
    try:
        parsed = ipaddress.IPv4Network(value)
    except ValueError as error:
        return f"it is not an IPv4 CIDR block: {error}"
    fits = shortest <= parsed.prefixlen <= longest
    return "" if fits else f"AWS takes blocks between /{shortest} and /{longest} in size here"


def _encoded(most: int, value: str) -> str:
    try:
        size = len(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        return "it must be Base64-encoded"
    return f"it has {size:,} bytes decoded, and AWS takes at most {most:,}" if size > most else ""


def _json(value: str) -> str:
    try:
        json.loads(value)
    except ValueError as error:
        return f"it is not JSON: {error}"
    return ""


def _ordered_sizes(value: Mapping[str, Any]) -> str:
    if contains_unknown(value) or not {"minSize", "desiredSize", "maxSize"} <= value.keys():
        return ""
    least, desired, most = value["minSize"], value["desiredSize"], value["maxSize"]
    holds = least <= desired <= most
    return "" if holds else f"minSize {least} <= desiredSize {desired} <= maxSize {most} does not hold"


def _reachable(value: Mapping[str, Any]) -> str:
    private = value.get("endpointPrivateAccess", False)
    closed = value.get("endpointPublicAccess", True) is False and private is not UNKNOWN and not private
    return "the endpoint must be public, private or both" if closed else ""


def _exactly_one(*names_and_call: Any) -> str:
    *names, call = names_and_call
    present = [name for name in names if name in call]
    found = " and ".join(present) or "none"
    return "" if len(present) == 1 else f"it needs exactly one of {', '.join(names)}, and has {found}"


def _policy(principal: str, resource: str, text: str) -> str:
    """Test a policy's grammar; the two words say whether a statement must have one, or must not."""
    return _json(text) or next(_policy_faults(json.loads(text), principal, resource), "")


def _policy_faults(document: Any, principal: str, resource: str) -> Iterator[str]:
    statements = document.get("Statement") if isinstance(document, dict) else None
    if not statements:
        yield "MalformedPolicyDocument: a policy needs at least one Statement"
        return
    for statement in statements if isinstance(statements, list) else [statements]:
        if not isinstance(statement, dict):
            yield "MalformedPolicyDocument: each Statement must be an object"
            return
        if statement.get("Effect") not in ("Allow", "Deny"):
            yield 'MalformedPolicyDocument: Effect must be "Allow" or "Deny"'
        for name, rule in (("Action", "must"), ("Principal", principal), ("Resource", resource)):
            if bool(statement.keys() & {name, f"Not{name}"}) != (rule == "must"):
                yield f"MalformedPolicyDocument: a Statement {rule.replace('must', 'needs a', rule == 'must')} {name}"


def _tags(value: Any) -> str:
    """Test tags in any form of the APIs."""
    pairs = value.items() if isinstance(value, Mapping) else [tuple(tag.values()) for tag in value]
    if len(value) > 50:
        return f"it has {len(value)} tags, and AWS takes at most 50"
    for key, text in pairs:
        if key.lower().startswith("aws:"):
            return f"the key {key!r} has the reserved prefix aws:"
        if len(key) > 128:
            return f"the key {key!r} has {len(key)} characters, and AWS takes at most 128"
        if text is not UNKNOWN and len(text) > 256:
            return f"the value of {key!r} has {len(text)} characters, and AWS takes at most 256"
    return ""


_TESTS: Final[Mapping[str, Callable[..., str]]] = {
    "arn": lambda value: "" if _ARN.fullmatch(value) else "it is not an ARN",
    "at_least": lambda least, unit, value: (
        f"it has {len(value)}, and AWS takes at least {least} {unit}" if len(value) < least else ""
    ),
    "at_most": _at_most,
    "between": lambda least, most, value: (
        "" if least <= value <= most else f"it is {value}, and AWS takes {least} to {most}"
    ),
    "bucket_name": lambda value: (
        "" if _BUCKET.fullmatch(value) else f"it is not a bucket name: {_BUCKET_WORDS}"
    ),
    "encoded": _encoded,
    "exactly_one": _exactly_one,
    "form": lambda pattern, words, value: "" if regex.fullmatch(pattern, value) else f"it must be {words}",
    "identity_policy": partial(_policy, "must not have a", "must"),
    "json": _json,
    "network": _network,
    "ordered_sizes": _ordered_sizes,
    "policy_length": _policy_length,
    "reachable": _reachable,
    "resource_policy": partial(_policy, "must", "must"),
    "some_of": lambda *names: (
        "" if names[-1].keys() & set(names[:-1]) else f"it needs one of {', '.join(names[:-1])}"
    ),
    "supported_version": lambda value: (
        "" if value in KUBERNETES_VERSIONS else f"EKS supports {', '.join(KUBERNETES_VERSIONS)}"
    ),
    "tags": _tags,
    "trust_policy": partial(_policy, "must", "must not have a"),
}
"""Tests of limits.yaml: they say what is wrong with a value, the last argument; empty where nothing is."""


def _limits() -> Iterator[Limit]:
    table = yaml.safe_load((TABLES / "limits.yaml").read_text(encoding="utf-8"))
    for row in table["limits"]:
        test, *arguments = row["test"]
        yield Limit(
            what=row["what"],
            operations=tuple(row["of"]),
            path=row.get("at", ""),
            broken_by=partial(_TESTS[test], *arguments),
            fix=row["fix"],
            url=_DOCS + row["url"],
            read=table["read"],
        )


LIMITS: Final = tuple(_limits())
