"""What a resource type accepts, read from the installed pulumi-aws SDK rather than copied from it.

The SDK is generated from the real provider's schema: its ``…Args`` classes hold every input with its type and
whether it is required, its ``_…State`` classes every output.
"""

from __future__ import annotations

import collections.abc
import difflib
import importlib
import inspect
import sys
import threading
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from pulumi import _types as sdk_types

from plugin_server.provider import CheckFailure
from plugin_server.values import UNKNOWN, path_of

Path = tuple[str | int, ...]

_LOADING: Final = threading.Lock()


@dataclass(frozen=True)
class Scalar:
    """One value; ``any`` where the SDK takes a value of several shapes, e.g. a policy as text or object."""

    of: Literal["string", "number", "boolean", "any"]


@dataclass(frozen=True)
class ListOf:
    """A list or a set; the SDK does not say which."""

    item: Shape


@dataclass(frozen=True)
class MapOf:
    """Keys that the user chooses, e.g. tags."""

    item: Shape


@dataclass(frozen=True)
class Record:
    """Keys that the provider defines."""

    fields: Mapping[str, Shape]
    required: frozenset[str]


Shape = Scalar | ListOf | MapOf | Record


@cache
def inputs_of(token: str) -> Record:
    """The inputs of a resource type, e.g. ``aws:s3/bucket:Bucket``."""
    module, name = _module(token)
    # The SDK calls a resource's arguments InitArgs where a nested type already has the plain name.
    return _record(getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args"))


@cache
def outputs_of(token: str) -> frozenset[str]:
    """The names of all properties that a resource type has once it exists."""
    module, name = _module(token)
    names = sdk_types.input_type_py_to_pulumi_names(getattr(module, f"_{name}State"))
    return frozenset(names.values())


def _module(token: str) -> tuple[Any, str]:
    _, path, name = token.split(":")
    # The SDK's packages load on first attribute access, and that is not safe for threads (Python 3.11's LazyLoader):
    # a second thread sees a module that is half filled.
    with _LOADING:
        package = importlib.import_module(f"pulumi_aws.{path.partition('/')[0]}")
        return sys.modules[getattr(package, name).__module__], name


@cache
def _record(arguments: type) -> Record:
    names: dict[str, str] = sdk_types.input_type_py_to_pulumi_names(arguments)
    types: dict[str, Any] = sdk_types.input_type_types(arguments)
    signature = inspect.signature(arguments.__init__)  # type: ignore[misc]  # only the signature is read
    required = {
        names[parameter.name]
        for parameter in signature.parameters.values()
        if parameter.name in names and parameter.default is inspect.Parameter.empty
    }
    return Record({name: _shape(types[name]) for name in names.values()}, frozenset(required))


def _shape(annotation: Any) -> Shape:
    unwrapped: Any = sdk_types.unwrap_type(annotation)
    if sdk_types.is_input_type(unwrapped):
        return _record(unwrapped)
    origin = typing.get_origin(unwrapped)
    if origin in (collections.abc.Sequence, list):
        return ListOf(_shape(typing.get_args(unwrapped)[0]))
    if origin in (collections.abc.Mapping, dict):
        return MapOf(_shape(typing.get_args(unwrapped)[1]))
    if unwrapped is bool:
        return Scalar("boolean")
    if unwrapped in (int, float):
        return Scalar("number")
    return Scalar("string" if unwrapped is str else "any")


def problems(shape: Shape, value: Any, at: Path = ()) -> Iterator[CheckFailure]:
    """Everything in a value that its shape does not allow; unknown values are allowed everywhere."""
    if value is UNKNOWN:
        return
    match shape:
        case Record():
            if not isinstance(value, Mapping):
                yield _wrong_type(at, "an object", value)
                return
            for key in sorted(shape.required - value.keys()):
                yield CheckFailure(path_of((*at, key)), "is required")
            for key in sorted(value):
                if key in shape.fields:
                    yield from problems(shape.fields[key], value[key], (*at, key))
                elif not key.startswith("__"):
                    yield CheckFailure(path_of((*at, key)), _unknown_property(key, shape.fields))
        case ListOf():
            if not isinstance(value, list):
                yield _wrong_type(at, "a list", value)
                return
            for index, item in enumerate(value):
                yield from problems(shape.item, item, (*at, index))
        case MapOf():
            if not isinstance(value, Mapping):
                yield _wrong_type(at, "a map", value)
                return
            for key in sorted(value):
                yield from problems(shape.item, value[key], (*at, key))
        case Scalar("any"):
            return
        case Scalar("boolean") if not isinstance(value, bool):
            yield _wrong_type(at, "true or false", value)
        case Scalar("number") if isinstance(value, bool) or not isinstance(value, int | float):
            yield _wrong_type(at, "a number", value)
        case Scalar("string") if not isinstance(value, str):
            yield _wrong_type(at, "a string", value)


def tidied(shape: Shape, value: Any) -> Any:
    """The value without nulls and with numbers, booleans and their texts converted as the real provider does."""
    match shape:
        case Record() if isinstance(value, Mapping):
            return {
                key: tidied(shape.fields[key], item) if key in shape.fields else item
                for key, item in value.items()
                if item is not None
            }
        case ListOf() if isinstance(value, list):
            return [tidied(shape.item, item) for item in value if item is not None]
        case MapOf() if isinstance(value, Mapping):
            return {key: tidied(shape.item, item) for key, item in value.items() if item is not None}
        case Scalar("string") if isinstance(value, bool):
            return "true" if value else "false"
        case Scalar("string") if isinstance(value, int | float):
            return str(value)
        case Scalar("boolean") if value in ("true", "false"):
            return value == "true"
        case Scalar("number") if isinstance(value, str):
            return _number(value)
    return value


def overlaid(shape: Shape, given: Any, observed: Any) -> Any:
    """What ``given`` would have to be to describe ``observed``, without properties that ``given`` leaves out.

    Lists keep the order of ``given`` where they hold the same items, since most of them are sets.
    """
    match shape:
        case Record() if isinstance(given, Mapping) and isinstance(observed, Mapping):
            return {
                key: overlaid(shape.fields[key], given[key], observed[key])
                for key in given
                if key in shape.fields and observed.get(key) is not None
            }
        case ListOf() if isinstance(given, list) and isinstance(observed, list):
            return _overlaid_list(shape.item, given, observed)
    return observed


def _overlaid_list(shape: Shape, given: list[Any], observed: list[Any]) -> list[Any]:
    rest = list(observed)
    kept = []
    for item in given:
        for candidate in rest:
            if overlaid(shape, item, candidate) == item:
                kept.append(item)
                rest.remove(candidate)
                break
    if len(kept) < len(given) and len(given) == len(observed):
        return [overlaid(shape, item, candidate) for item, candidate in zip(given, observed, strict=True)]
    return kept + rest


def _wrong_type(at: Path, wanted: str, value: Any) -> CheckFailure:
    return CheckFailure(path_of(at), f"must be {wanted}, not {value!r}")


def _unknown_property(key: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"is not a property of this type{f'; did you mean {close[0]!r}?' if close else ''}"


def _number(text: str) -> Any:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
