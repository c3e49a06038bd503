"""Turns a resource and its inputs into the AWS API calls that the real provider would make. Pure: nothing is sent."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from plugin_server.values import UNKNOWN, Properties, path_of
from sandbox.aws.conversions import Context, camel_name, tags_in
from sandbox.aws.table import Compute, Id, In, Kind, Look, Out, Path, Step, Tags

_ABSENT: Final = object()


@dataclass(frozen=True, kw_only=True)
class ApiCall:
    """One AWS API call. A value that another call's answer will give is UNKNOWN."""

    service: str
    operation: str
    arguments: dict[str, Any]
    origins: Mapping[Path, str] = field(default_factory=dict)
    """Place in the arguments → the input that was put there."""
    about: frozenset[str] = frozenset()
    """The inputs that make it necessary; empty where it always is."""

    def __str__(self) -> str:
        return f"{self.service} {self.operation}"

    @property
    def properties(self) -> frozenset[str]:
        """The inputs that it carries."""
        return frozenset(path.partition(".")[0] for path in self.origins.values())

    def property_of(self, at: Path) -> str:
        """The input property behind a place in the arguments; empty when there is none."""
        for length in range(len(at), 0, -1):
            origin = self.origins.get(at[:length])
            if origin is not None:
                rest = [part if isinstance(part, int) else camel_name(part) for part in at[length:]]
                return path_of([*origin.split("."), *rest])
        return ""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A call that reads, with the part of its answer that counts."""

    name: str
    call: ApiCall
    part: str


def creating(kind: Kind, context: Context) -> list[ApiCall]:
    """The calls that make an object; the id is UNKNOWN in all but the first, which gives it."""
    return [
        _call(step, context)
        for step in kind.create
        if _applies(step, context)
        and (not step.when or any(pick(context.inputs, name) is not _ABSENT for name in step.when))
    ]


def updating(kind: Kind, context: Context) -> list[ApiCall]:
    """The calls that bring an object from the old inputs to the new ones; the last ones change tags."""
    steps = [*kind.update, *(kind.tag if _tags(context.old) != _tags(context.inputs) else ())]
    calls = [
        _call(step, context)
        for step in steps
        if _applies(step, context) and (not step.when or any(_changed(context, name) for name in step.when))
    ]
    return [call for call in calls if _says_something(call)]


def deleting(kind: Kind, context: Context) -> list[ApiCall]:
    """The calls that delete an object."""
    return [_call(step, context) for step in kind.delete if _applies(step, context)]


def reading(kind: Kind, context: Context) -> list[Reading]:
    """The calls that read an object, the decisive one first."""
    return [looking(one, context) for one in kind.read]


def looking(look: Look, context: Context) -> Reading:
    """The call of one look."""
    return Reading(name=look.name, call=_call(look, context), part=filled(look.part, context))


def identified(kind: Kind, id_: str) -> tuple[str, Properties]:
    """The object's id as far as it is known, and the inputs that an id to import names.

    Raises:
        ValueError: the id has another form than the real provider documents.
    """
    match = re.fullmatch(kind.imports, id_)
    if match is None:
        raise ValueError(f"{id_!r} is not an id of {kind.token}: write {kind.imports_as}")
    inputs = match.groupdict()
    return inputs.pop("id", None) or id_, inputs


def pick(value: Any, path: str) -> Any:
    """The value at a dotted path; UNKNOWN below something unknown, ``_ABSENT`` where there is nothing."""
    for name in path.split("."):
        if value is UNKNOWN:
            return UNKNOWN
        if not isinstance(value, Mapping) or value.get(name) is None:
            return _ABSENT
        value = value[name]
    return value


def _call(step: Step | Look, context: Context) -> ApiCall:
    origins: dict[Path, str] = {}
    arguments = _rendered(step.arguments, context, (), origins)
    about = {name.partition(".")[0] for name in step.when} if isinstance(step, Step) else set()
    return ApiCall(
        service=step.service,
        operation=step.operation,
        arguments=arguments,
        origins=origins,
        about=frozenset(about or ({"tags"} if set(origins.values()) == {"tags"} else set())),
    )


def _rendered(template: Any, context: Context, at: Path, origins: dict[Path, str]) -> Any:
    match template:
        case In():
            origins[at] = template.path
            value = pick(context.inputs, template.path)
            known = value is not _ABSENT and value is not UNKNOWN
            return template.convert(value) if known and template.convert else value
        case Compute():
            if template.path:
                origins[at] = template.path
            computed = template.function(context)
            return _ABSENT if computed is None else computed
        case Tags():
            origins[at] = "tags"
            return _tags_argument(template, context)
        case Id():
            return context.id
        case Out():
            return pick(context.state, template.name) if context.state else UNKNOWN
        case Mapping() if template:
            items = {key: _rendered(item, context, (*at, key), origins) for key, item in template.items()}
            present = {key: item for key, item in items.items() if item is not _ABSENT}
            return present if present or not at else _ABSENT
        case list():
            values = [_rendered(item, context, (*at, index), origins) for index, item in enumerate(template)]
            present_values = [value for value in values if value is not _ABSENT]
            return present_values if present_values or not template else _ABSENT
    return template


def _tags_argument(template: Tags, context: Context) -> Any:
    tags, before = _tags(context.inputs), _tags(context.old)
    if tags is UNKNOWN:
        return UNKNOWN
    if template.removed:
        gone = sorted(before.keys() - tags.keys())
        return gone or _ABSENT
    return tags_in(template.form, tags) if tags else _ABSENT


def _tags(inputs: Properties) -> Any:
    return inputs.get("tagsAll") or {} if inputs.get("tagsAll") is not UNKNOWN else UNKNOWN


def _says_something(call: ApiCall) -> bool:
    """False for a call to untag, or to tag, without any tag."""
    return call.properties != {"tags"} or any(
        _at(call.arguments, place) is not None for place, origin in call.origins.items() if origin == "tags"
    )


def _at(value: Any, path: Path) -> Any:
    for part in path:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def _applies(step: Step, context: Context) -> bool:
    return all(_is(pick(context.inputs, name), wanted) for name, wanted in step.where.items())


def _is(value: Any, wanted: Any) -> bool:
    """An input that is not set counts as false."""
    return bool((False if value is _ABSENT else value) == wanted) if value is not UNKNOWN else False


def _changed(context: Context, name: str) -> bool:
    old, new = pick(context.old, name), pick(context.inputs, name)
    return old is UNKNOWN or new is UNKNOWN or bool(old != new)


def filled(text: str, context: Context, **more: str) -> str:
    """A text with ``$id`` and ``$<input>`` replaced by their values."""
    names = {key: value for key, value in context.inputs.items() if isinstance(value, str)}
    return string.Template(text).safe_substitute({**names, "id": context.id, **more})


def values_at(value: Any, path: str, at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The known values that a dotted path leads to, with their places; ``*`` stands for every index or key."""
    if value is UNKNOWN or value is None:
        return
    head, _, rest = path.partition(".")
    if not path:
        yield at, value
    elif head == "*" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from values_at(item, rest, (*at, index))
    elif head == "*" and isinstance(value, Mapping):
        for key, item in value.items():
            yield from values_at(item, rest, (*at, key))
    elif isinstance(value, Mapping) and head in value:
        yield from values_at(value[head], rest, (*at, head))
