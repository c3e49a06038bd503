"""The inputs that a resource type accepts, read from the installed pulumi-aws SDK rather than copied from it.

The SDK is generated from the real provider's schema: its ``…Args`` classes hold every input with its type and
whether it is required, its ``_…State`` classes every output.
"""

from __future__ import annotations

import collections.abc
import difflib
import hashlib
import importlib.metadata
import inspect
import pickle
import sys
import tempfile
import threading
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from pulumi import _types as sdk_types

from plugin_server.provider import CheckFailure
from plugin_server.values import UNKNOWN, path_of
from sandbox.toolchain.find import cache_root

At = tuple[str | int, ...]

_LOADING: Final = threading.Lock()
_TYPES: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "record": ((dict,), "an object"),
    "list": ((list,), "a list"),
    "map": ((dict,), "a map"),
    "boolean": ((bool,), "true or false"),
    "number": ((int, float), "a number"),
    "string": ((str,), "a string"),
}


@dataclass(frozen=True)
class Shape:
    """The form of a value."""

    of: str
    """A key of :data:`_TYPES`; or ``any`` where the SDK takes several, e.g. a policy as text or object."""
    fields: Mapping[str, Shape] = field(default_factory=dict)
    """The keys of a record, which the provider defines; those of a map are the user's."""
    required: frozenset[str] = frozenset()
    item: Shape | None = None
    """The form of every item of a list, or a set, or a map."""

    def part(self, key: str | int) -> Shape | None:
        """The form of a part; None where a record has no such key."""
        return self.fields.get(str(key)) if self.of == "record" else self.item


@cache
def inputs_of(token: str) -> Shape:
    """The inputs of a resource type, e.g. ``aws:s3/bucket:Bucket``; kept in the user's cache.

    To import the SDK's EC2 alone takes 4 CPU seconds, and every command of the engine starts a provider (2026-11-29).
    """
    kept = _kept_in(token)
    try:
        shape: Shape = pickle.loads(kept.read_bytes())  # noqa: S301 (our own file, in the user's own cache)
    except (OSError, EOFError, pickle.UnpicklingError):
        shape = _inputs_of(token)
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as scratch:
            scratch.write(pickle.dumps(shape))
        Path(scratch.name).replace(kept)
    return shape


def _kept_in(token: str) -> Path:
    """Return the file of a type, for this version of the SDK and of this module."""
    source = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
    version = importlib.metadata.version("pulumi-aws")
    return cache_root() / "aws-inputs" / f"{version}-{source}" / token.replace("/", "-").replace(":", "-")


def _inputs_of(token: str) -> Shape:
    module, name = _module(token)
    # The SDK calls a resource's arguments InitArgs where a nested type already has the plain name.
    return _record(getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args"))


@cache
def outputs_of(token: str) -> frozenset[str]:
    """The names of all properties that a resource type has once it exists."""
    module, name = _module(token)
    return frozenset(sdk_types.input_type_py_to_pulumi_names(getattr(module, f"_{name}State")).values())


def _module(token: str) -> tuple[Any, str]:
    _, path, name = token.split(":")
    # The SDK's packages load on first attribute access, and that is not safe for threads (Python 3.11's LazyLoader):
    # a second thread sees a module that is half filled.
    with _LOADING:
        package = importlib.import_module(f"pulumi_aws.{path.partition('/')[0]}")
        return sys.modules[getattr(package, name).__module__], name


@cache
def _record(arguments: type) -> Shape:
    names: dict[str, str] = sdk_types.input_type_py_to_pulumi_names(arguments)
    types: dict[str, Any] = sdk_types.input_type_types(arguments)
    signature = inspect.signature(arguments.__init__)  # type: ignore[misc]  # only the signature is read
    required = {
        names[parameter.name]
        for parameter in signature.parameters.values()
        if parameter.name in names and parameter.default is inspect.Parameter.empty
    }
    return Shape("record", {name: _shape(types[name]) for name in names.values()}, frozenset(required))


def _shape(annotation: Any) -> Shape:
    unwrapped: Any = sdk_types.unwrap_type(annotation)
    if sdk_types.is_input_type(unwrapped):
        return _record(unwrapped)
    origin = typing.get_origin(unwrapped)
    if origin in (collections.abc.Sequence, list):
        return Shape("list", item=_shape(typing.get_args(unwrapped)[0]))
    if origin in (collections.abc.Mapping, dict):
        return Shape("map", item=_shape(typing.get_args(unwrapped)[1]))
    return Shape({bool: "boolean", int: "number", float: "number", str: "string"}.get(unwrapped, "any"))


def problems(shape: Shape, value: Any, at: At = ()) -> Iterator[CheckFailure]:
    """Everything in a value that its shape does not allow; unknown values are allowed everywhere."""
    if value is UNKNOWN or shape.of == "any":
        return
    types, words = _TYPES[shape.of]
    fits = isinstance(value, types) and isinstance(value, bool) == (shape.of == "boolean")
    if not fits:
        yield CheckFailure(path_of(at), f"must be {words}, not {value!r}")
        return
    if shape.of == "record":
        for key in sorted(shape.required - value.keys()):
            yield CheckFailure(path_of((*at, key)), "is required")
    for key, item in _items(value):
        part = shape.part(key)
        if part is not None:
            yield from problems(part, item, (*at, key))
        elif not str(key).startswith("__"):
            close = difflib.get_close_matches(str(key), shape.fields, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            yield CheckFailure(path_of((*at, key)), f"is not a property of this type{hint}")


def tidied(shape: Shape | None, value: Any) -> Any:
    """The value without nulls and with numbers, booleans and their texts converted as the real provider does."""
    if shape is None:
        return value
    if isinstance(value, dict):
        return {key: tidied(shape.part(key), item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [tidied(shape.item, item) for item in value if item is not None]
    if shape.of == "string" and isinstance(value, bool | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if shape.of == "boolean" and value in ("true", "false"):
        return value == "true"
    return _number(value) if shape.of == "number" and isinstance(value, str) else value


def overlaid(shape: Shape | None, given: Any, observed: Any) -> Any:
    """Return ``given`` changed to describe ``observed``, without properties that ``given`` leaves out.

    Lists keep the order of ``given`` where they hold the same items, since most of them are sets.
    """
    if shape is not None and shape.of == "record" and isinstance(given, dict) and isinstance(observed, dict):
        return {
            key: overlaid(shape.fields[key], given[key], observed[key])
            for key in given
            if key in shape.fields and observed.get(key) is not None
        }
    if shape is not None and isinstance(given, list) and isinstance(observed, list):
        return _overlaid_list(shape.item, given, observed)
    return observed


def _overlaid_list(shape: Shape | None, given: list[Any], observed: list[Any]) -> list[Any]:
    rest = list(observed)
    kept = []
    for item in given:
        same = next((one for one in rest if overlaid(shape, item, one) == item), None)
        if same is not None:
            kept.append(item)
            rest.remove(same)
    if len(kept) < len(given) and len(given) == len(observed):
        return [overlaid(shape, item, one) for item, one in zip(given, observed, strict=True)]
    return kept + rest


def _items(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        yield from sorted(value.items())
    elif isinstance(value, list):
        yield from enumerate(value)


def _number(text: str) -> Any:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
