"""From a YAML source to a typed model, or to problems that say where and how to mend them."""

import difflib
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, RootModel, ValidationError
from pydantic_core import ErrorDetails

from model_catalog.entry import PATTERN_HINTS as _HINTS
from model_catalog.problem import Problem
from model_catalog.yaml_source import Location, Source

M = TypeVar("M", bound=BaseModel)


def validate(source: Source, model: type[M]) -> tuple[M | None, tuple[Problem, ...]]:
    """The typed value, or None and every reason why not."""
    try:
        return model.model_validate(source.value), ()
    except ValidationError as error:
        return None, tuple(_problem(source, model, detail) for detail in error.errors())


def _problem(source: Source, model: type[BaseModel], detail: ErrorDetails) -> Problem:
    location: Location = tuple(detail["loc"])
    variants = _variants(model)
    if variants and location:
        # Of a union pydantic names the variant first; the file has no such level.
        model, location = variants[str(location[0])], location[1:]
    at_key = bool(location) and location[-1] == "[key]"
    if at_key:
        location = location[:-1]
    name = _name(location)
    match detail["type"]:
        case "extra_forbidden":
            return source.problem(
                location,
                rule="unknown-key",
                message=f"{name!r} is not a key here",
                fix=_nearest(name, known_keys(model, location[:-1])),
                key=True,
            )
        case "missing":
            return source.problem(
                location,
                rule="missing-key",
                message=f"{name!r} is missing",
                fix=f"Add {name}:",
                key=True,
            )
        case "string_pattern_mismatch":
            pattern = detail["ctx"]["pattern"]
            what = "a key here" if at_key else name
            message, fix = f"{detail['input']!r} cannot be {what}", _HINTS.get(pattern, f"Match {pattern}")
        case "value_error" | "assertion_error":
            message, fix = _split(str(detail["ctx"]["error"]))
        case "union_tag_not_found":
            key = str(model.model_fields["root"].discriminator)
            return source.problem(
                location,
                rule="missing-key",
                message=f"{key!r} is missing",
                fix=f"Add {key}: and one of {', '.join(sorted(variants))}",
                key=True,
            )
        case "union_tag_invalid":
            key, tag = str(model.model_fields["root"].discriminator), str(detail["ctx"]["tag"])
            return source.problem(
                (key,),
                rule="invalid-value",
                message=f"{tag!r} cannot be {key}",
                fix=_nearest(tag, tuple(sorted(variants)), "Choose one of"),
            )
        case kind if "-" in kind:
            message, fix = _split(detail["msg"])
            return source.problem(location, rule=kind, message=f"{name} {message}", fix=fix, key=True)
        case _:
            message, fix = f"{name} is {_shown(detail['input'])}", detail["msg"]
    if not message.startswith(("'", name)):
        message = f"{name} {message}"
    return source.problem(location, rule="invalid-value", message=message, fix=fix, key=at_key)


def known_keys(model: type[BaseModel], location: Location) -> tuple[str, ...]:
    """The keys that the schema knows at a location; none where it takes any key."""
    kind: Any = model
    for step in location:
        kind = _step(kind, step)
    kind = _model_within(kind)
    return tuple(sorted(kind.model_fields)) if kind is not None else ()


def _step(kind: Any, step: str | int) -> Any:
    model = _model_within(kind)
    if model is not None and issubclass(model, RootModel):
        kind = model.model_fields["root"].annotation
    elif model is not None:
        found = model.model_fields.get(str(step))
        return found.annotation if found else None
    arguments = get_args(kind)
    return arguments[1] if get_origin(kind) is dict else (arguments[0] if arguments else None)


def _variants(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Discriminator value → variant, of a root model over a discriminated union; none of any other model."""
    root = model.model_fields.get("root")
    if root is None or not isinstance(root.discriminator, str):
        return {}
    members: tuple[type[BaseModel], ...] = get_args(root.annotation)
    return {str(get_args(m.model_fields[root.discriminator].annotation)[0]): m for m in members}


def _model_within(kind: Any) -> type[BaseModel] | None:
    """The model of `Model` or `Model | None`."""
    candidates = (kind, *get_args(kind)) if get_origin(kind) is not dict else (kind,)
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _name(location: Location) -> str:
    """The last key, with the index where the place is an item of it."""
    if not location:
        return "the file"
    last = location[-1]
    return f"{location[-2]}[{last}]" if isinstance(last, int) and len(location) > 1 else str(last)


def _nearest(name: str, known: tuple[str, ...], otherwise: str = "Known keys") -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"{otherwise}: {', '.join(known)}"


def _split(text: str) -> tuple[str, str]:
    """Errors of our own say "what is wrong; what to do"."""
    message, _, fix = text.partition("; ")
    return message, fix[:1].upper() + fix[1:] if fix else "Correct it"


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) else f"a {type(value).__name__}"
