"""Values that the engine marks as secret: they stand in no message, and what is made of them stays marked.

A provider sees plain values, as :mod:`plugin_server.values` unwraps them. Every plugin accepts secrets, so the engine
leaves the marks to it: a property of an answer that loses its mark is in the state as plain text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final

from google.protobuf import struct_pb2

from plugin_server.values import SECRET, SIGNATURE, UNKNOWN_ON_THE_WIRE

HIDDEN: Final = "[secret]"
CUT: Final = "…"
"""The end of a value in a message that shows its beginning alone."""


def secret_texts(*structs: struct_pb2.Struct) -> frozenset[str]:
    """Return each text and number below a mark, as a message would have it."""
    return frozenset(form for leaf in _secret_leaves(structs) for form in (*_forms(leaf), *_digits(leaf)))


def secret_names(*structs: struct_pb2.Struct) -> frozenset[str]:
    """Return the properties, at the top, that hold a mark."""
    return frozenset(
        name
        for struct in structs
        for name, value in struct.fields.items()
        if any(True for _ in _marks(value))
    )


def without_secrets(message: str, secrets: frozenset[str]) -> str:
    """Return the message with each of them replaced, the longest first; so is the beginning of one that is cut off."""
    for text in sorted(secrets, key=len, reverse=True):
        message = message.replace(text, HIDDEN)
    *cut, last = message.split(CUT)
    return CUT.join([*(_without_beginning(piece, secrets) for piece in cut), last])


def _without_beginning(piece: str, secrets: frozenset[str]) -> str:
    """Return a text that is cut off at its end, without the longest beginning of a secret that stands there."""
    shown = max(
        (size for text in secrets for size in range(1, len(text)) if piece.endswith(text[:size])), default=0
    )
    return piece[:-shown] + HIDDEN if shown else piece


def marked_as(answer: struct_pb2.Struct, *given: struct_pb2.Struct) -> struct_pb2.Struct:
    """Return the answer, in which each property is secret that was so, or in whose text a secret text of what was given
    stands: `tagsAll` repeats `tags`, and an ARN repeats a name. Numbers and truth values are looked for by name alone.
    """
    names = secret_names(*given)
    texts = frozenset(form for leaf in _secret_leaves(given) for form in _forms(leaf))
    for name in [key for key, value in answer.fields.items() if key in names or _has(value, texts)]:
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


def _secret_leaves(structs: Iterable[struct_pb2.Struct]) -> Iterator[struct_pb2.Value]:
    for struct in structs:
        for value in struct.fields.values():
            for below in _marks(value):
                yield from _leaves(below)


def _leaves(value: struct_pb2.Value) -> Iterator[struct_pb2.Value]:
    yield value
    for each in [*value.struct_value.fields.values(), *value.list_value.values]:
        yield from _leaves(each)


def _has(value: struct_pb2.Value, texts: frozenset[str]) -> bool:
    return any(text in leaf.string_value for leaf in _leaves(value) for text in texts)


def _forms(leaf: struct_pb2.Value) -> tuple[str, ...]:
    """Return a text as it is, as Python quotes it and as JSON does."""
    text = leaf.string_value
    if text in ("", UNKNOWN_ON_THE_WIRE):
        return ()
    return text, repr(text)[1:-1], json.dumps(text)[1:-1]


def _digits(leaf: struct_pb2.Value) -> tuple[str, ...]:
    if leaf.WhichOneof("kind") != "number_value":
        return ()
    number = leaf.number_value
    return (f"{int(number)}" if number.is_integer() else repr(number),)
