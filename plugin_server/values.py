"""Property values between the engine's wire form and plain Python.

A provider sees neither secrets nor resources: secrets are unwrapped here, and :mod:`plugin_server.secret_values` marks
what is made of them in the answer.
What is left is JSON with one addition: a value that is not known yet, which becomes :data:`UNKNOWN`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from google.protobuf import struct_pb2

Properties = dict[str, Any]


class _Unknown:
    """The type of :data:`UNKNOWN`; it has one value."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __deepcopy__(self, memo: object) -> _Unknown:
        return self  # it is compared by identity

    def __bool__(self) -> bool:
        raise TypeError("an unknown value has no truth value; test with `is UNKNOWN`")


UNKNOWN: Final = _Unknown()
"""A value that exists only once another resource has been created."""

UNKNOWN_ON_THE_WIRE: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (a type's signature)
"""The protocol's fixed marks (sdk/go/common/resource/sig and plugin/rpc.go of pulumi 3.259)."""

_EXACT_INTEGER_LIMIT: Final = 2**53
"""Numbers travel as IEEE doubles; above this an integer is not exact."""

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")


def from_struct(struct: struct_pb2.Struct) -> Properties:
    """Plain Python of a wire struct; integral numbers become ``int``, secrets are unwrapped."""
    return {key: _from_value(value) for key, value in struct.fields.items()}


def to_struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """Wire struct of plain Python values.

    Raises:
        TypeError: a value is not JSON-like.
    """
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        struct.fields[key].CopyFrom(_to_value(value))
    return struct


def contains_unknown(value: Any) -> bool:
    """True if any part of the value is not known yet."""
    if value is UNKNOWN:
        return True
    if isinstance(value, Mapping):
        return any(contains_unknown(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(contains_unknown(item) for item in value)
    return False


def path_of(parts: Sequence[str | int]) -> str:
    """A property path as the engine writes it: ``spec.containers[0].labels["app.kubernetes.io/name"]``."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif _PLAIN_KEY.match(part):
            path += f".{part}" if path else part
        else:
            path += f'["{part}"]'
    return path


def differences(
    old: Any, new: Any, at: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every leaf that differs, as (path parts, ``add`` | ``delete`` | ``update``); an unknown always differs."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            if key not in old:
                yield (*at, key), "add"
            elif key not in new:
                yield (*at, key), "delete"
            else:
                yield from differences(old[key], new[key], (*at, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            if index >= len(old):
                yield (*at, index), "add"
            elif index >= len(new):
                yield (*at, index), "delete"
            else:
                yield from differences(old[index], new[index], (*at, index))
    elif new is UNKNOWN or old is UNKNOWN or type(old) is not type(new) or old != new:
        yield at, "update"


def _from_value(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE in fields:
            signature = fields[SIGNATURE].string_value
            if signature == SECRET:
                return _from_value(fields["value"])
            raise TypeError(
                f"a property holds an asset, archive or resource reference ({signature}), unsupported here"
            )
        return from_struct(value.struct_value)
    if kind == "list_value":
        return [_from_value(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) <= _EXACT_INTEGER_LIMIT else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "string_value":
        return UNKNOWN if value.string_value == UNKNOWN_ON_THE_WIRE else value.string_value
    return None


def _to_value(value: Any) -> struct_pb2.Value:
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if value is UNKNOWN:
        return struct_pb2.Value(string_value=UNKNOWN_ON_THE_WIRE)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=to_struct(value))
    if isinstance(value, list | tuple):
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[_to_value(item) for item in value]))
    raise TypeError(f"a {type(value).__name__} cannot be a property value: {value!r}")
