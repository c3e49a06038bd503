"""Checks a call against botocore's model of the service, and against the limits that the model lacks.

botocore's own ParamValidator looks at names, types and lower bounds only; here enums, patterns and upper bounds too.
Unknown values are passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

import botocore.session
import regex

from plugin_server.provider import CheckFailure, ProviderError
from plugin_server.values import UNKNOWN, path_of
from sandbox.aws.limits import LIMITS
from sandbox.aws.planner import ApiCall, values_at
from sandbox.aws.table import Path

_SHOWN: Final = 80
"""Characters of a wrong value that a message shows."""

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (float, int),
    "double": (float, int),
    "boolean": (bool,),
    "timestamp": (str, datetime),
    "blob": (bytes, str),
}


@dataclass(frozen=True)
class Violation:
    """One thing about a call that AWS would refuse."""

    call: ApiCall
    at: Path
    value: Any
    rule: str
    fix: str

    @property
    def where(self) -> str:
        """The input property; empty when the fault is in no single one."""
        return self.call.property_of(self.at)

    def __str__(self) -> str:
        shown = repr(self.value)
        shown = f"{shown[:_SHOWN]}…" if len(shown) > _SHOWN else shown
        what = "is missing" if self.value is UNKNOWN else shown
        return f"{self.call} {path_of(self.at)}: {what}: {self.rule}. {self.fix}"

    @property
    def failure(self) -> CheckFailure:
        """The violation as a check failure of the resource."""
        return CheckFailure(self.where, str(self))


class WrongCallError(ProviderError):
    """A call that was not sent because AWS would refuse it."""

    def __init__(self, violations: Iterable[Violation]) -> None:
        super().__init__(
            "not sent: " + "; ".join(f"{found.where or 'call'}: {found}" for found in violations)
        )


def violations(call: ApiCall) -> Iterator[Violation]:
    """Everything that AWS would refuse about the known part of a call."""
    for at, value, rule, fix in _of_shape(input_shape(call.service, call.operation), call.arguments, ()):
        yield Violation(call, at, value, rule, fix)
    for limit in LIMITS:
        if limit.concerns(call.service, call.operation):
            for at, value in values_at(call.arguments, limit.path):
                reason = limit.broken_by(value)
                if reason:
                    yield Violation(call, at, value, f"{reason} ({limit.url})", limit.fix)


def require_valid(call: ApiCall) -> None:
    """Raise WrongCallError unless the call is valid."""
    found = list(violations(call))
    if found:
        raise WrongCallError(found)


@cache
def input_shape(service: str, operation: str) -> Any:
    """Botocore's shape of an operation's parameters."""
    model: Any = botocore.session.get_session().get_service_model(service)
    return model.operation_model(operation).input_shape


_Found = tuple[Path, Any, str, str]


def _of_shape(shape: Any, value: Any, at: Path) -> Iterator[_Found]:
    if value is UNKNOWN:
        return
    match shape.type_name:
        case "structure":
            yield from _of_structure(shape, value, at)
        case "list":
            if not isinstance(value, list):
                yield at, value, "must be a list", "Write a list"
                return
            yield from _of_size(shape, len(value), value, at, "items")
            for index, item in enumerate(value):
                yield from _of_shape(shape.member, item, (*at, index))
        case "map":
            if not isinstance(value, Mapping):
                yield at, value, "must be a map", "Write a map"
                return
            yield from _of_size(shape, len(value), value, at, "items")
            for key, item in value.items():
                yield from _of_shape(shape.key, key, (*at, key))
                yield from _of_shape(shape.value, item, (*at, key))
        case _:
            yield from _of_scalar(shape, value, at)


def _of_structure(shape: Any, value: Any, at: Path) -> Iterator[_Found]:
    if shape.is_document_type:
        return
    if not isinstance(value, Mapping):
        yield at, value, "must be an object", "Write an object"
        return
    for name in shape.required_members:
        if value.get(name) is None:
            yield (*at, name), UNKNOWN, "it is required", "Set it"
    for name, item in value.items():
        if name not in shape.members:
            yield (
                (*at, name),
                item,
                f"{shape.name} has no such parameter",
                f"It has {', '.join(shape.members)}",
            )
        else:
            yield from _of_shape(shape.members[name], item, (*at, name))


def _of_scalar(shape: Any, value: Any, at: Path) -> Iterator[_Found]:
    types = _TYPES[shape.type_name]
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        yield at, value, f"must be of type {shape.type_name}", "Write one"
        return
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield at, value, "it is none of the allowed values", f"Write one of {', '.join(allowed)}"
    pattern = shape.metadata.get("pattern")
    if pattern and not _pattern(pattern).fullmatch(str(value)):
        yield at, value, f"it must match {pattern}", "Write one that does"
    if isinstance(value, str):
        yield from _of_size(shape, len(value), value, at, "characters")
    elif not isinstance(value, bool) and isinstance(value, int | float):
        yield from _of_size(shape, value, value, at, "")


def _of_size(shape: Any, size: float, value: Any, at: Path, unit: str) -> Iterator[_Found]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    has = f"it has {size} {unit}" if unit else f"it is {size}"
    if most is not None and size > most:
        yield at, value, f"{has}, and AWS takes at most {most}", f"Make it smaller by {size - most}"
    if least is not None and size < least:
        yield at, value, f"{has}, and AWS takes at least {least}", f"Make it larger by {least - size}"


@cache
def _pattern(pattern: str) -> Any:
    return regex.compile(pattern)
