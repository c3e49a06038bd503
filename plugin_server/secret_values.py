"""Values that the engine marks as secret: they stand in no message, and what is made of them stays marked.

A provider sees plain values, as :mod:`plugin_server.values` unwraps them. The marks count only where the plugin says
to the engine that it accepts secrets; otherwise the engine takes them away first, and nobody here knows of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from google.protobuf import struct_pb2

from plugin_server.values import SECRET, SIGNATURE

HIDDEN: Final = "[secret]"


def secret_texts(*structs: struct_pb2.Struct) -> frozenset[str]:
    """Return each text and number below a mark, as a message would have it."""
    return frozenset(
        text for struct in structs for value in struct.fields.values() for text in _texts(value, secret=False)
    )


def secret_names(*structs: struct_pb2.Struct) -> frozenset[str]:
    """Return the properties, at the top, that hold a mark."""
    return frozenset(
        name
        for struct in structs
        for name, value in struct.fields.items()
        if any(True for _ in _marks(value))
    )


def without_secrets(message: str, secrets: frozenset[str]) -> str:
    """Return the message with each of them replaced, the longest first."""
    for text in sorted(secrets, key=len, reverse=True):
        message = message.replace(text, HIDDEN)
    return message


def marked_as(answer: struct_pb2.Struct, *given: struct_pb2.Struct) -> struct_pb2.Struct:
    """Return the answer, in which each property is secret that holds a secret in what was given."""
    secret = {
        name for struct in given for name, value in struct.fields.items() if any(True for _ in _marks(value))
    }
    for name in secret & set(answer.fields):
        plain = struct_pb2.Value()
        plain.CopyFrom(answer.fields[name])
        mark = struct_pb2.Struct(fields={SIGNATURE: struct_pb2.Value(string_value=SECRET), "value": plain})
        answer.fields[name].CopyFrom(struct_pb2.Value(struct_value=mark))
    return answer


def _marks(value: struct_pb2.Value) -> Iterator[struct_pb2.Value]:
    """Yield what is below the marks of a value."""
    fields = value.struct_value.fields
    if fields.get(SIGNATURE, struct_pb2.Value()).string_value == SECRET:
        yield fields["value"]
        return
    for each in [*fields.values(), *value.list_value.values]:
        yield from _marks(each)


def _texts(value: struct_pb2.Value, *, secret: bool) -> Iterator[str]:
    if not secret:
        for below in _marks(value):
            yield from _texts(below, secret=True)
        return
    if value.WhichOneof("kind") == "string_value" and value.string_value:
        yield value.string_value
        yield repr(value.string_value)[1:-1]
    elif value.WhichOneof("kind") == "number_value":
        number = value.number_value
        yield f"{int(number)}" if number.is_integer() else repr(number)
    for each in [*value.struct_value.fields.values(), *value.list_value.values]:
        yield from _texts(each, secret=True)
