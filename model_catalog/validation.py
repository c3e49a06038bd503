"""From a YAML source to a typed model, or to problems that say where and how to mend them."""

import difflib
import re
from collections.abc import Iterable
from typing import Any, Final, Protocol, TypeVar, get_args, get_origin

from pydantic import BaseModel, RootModel, ValidationError
from pydantic_core import ErrorDetails

from model_catalog.artifact import TAG_MARK
from model_catalog.entry import ENTRY_KINDS, EntryBase, Language
from model_catalog.ids import PATTERN_HINTS
from model_catalog.languages import language_suggestions, script_suggestions
from model_catalog.problem import Problem
from model_catalog.selector import LANGUAGE_PATTERN, SCRIPT_PATTERN
from model_catalog.yaml_source import Location

M = TypeVar("M", bound=BaseModel)

_SHAPES: Final = {
    "dict_type": "Write keys and values below it",
    "list_type": "Write a list, as in [a, b]",
    "model_attributes_type": "Write keys and values, as in task: QuestionAnswering",
    "model_type": "Write keys and values below it",
    "string_type": "Write text",
    "tuple_type": "Write a list, as in [a, b]",
}
"""pydantic's name for a wrong shape → what to write."""


class Placed(Protocol):
    """A value that knows where its parts were written."""

    @property
    def value(self) -> Any:
        """Plain text, lists and mappings."""

    def problem(self, location: Location, *, rule: str, message: str, fix: str, key: bool = False) -> Problem:
        """A finding at a location of the value."""


def validate(source: Placed, model: type[M]) -> tuple[M | None, tuple[Problem, ...]]:
    """The typed value, or None and every reason why not."""
    try:
        return model.model_validate(source.value), ()
    except ValidationError as error:
        found = (_problem(source, model, detail) for detail in error.errors(include_url=False))
        # What an entry says once for all its versions is wrong once.
        return None, tuple(sorted(set(found)))


def _problem(source: Placed, model: type[BaseModel], detail: ErrorDetails) -> Problem:
    location: Location = tuple(part for part in detail["loc"] if not str(part).startswith(TAG_MARK))
    variants = _variants(model)
    if variants and location:
        # Of a union pydantic names the variant first; the file has no such level.
        model, location = variants[str(location[0])], location[1:]
    at_key = bool(location) and location[-1] == "[key]"
    if at_key:
        location = location[:-1]
    name = _name(location)
    rule, message, fix, key = "invalid-value", "", "", at_key
    match detail["type"]:
        case "extra_forbidden":
            rule, message, key = "unknown-key", f"{name!r} is not a key here", True
            fix = _nearest(name, known_keys(model, location[:-1]))
        case "missing":
            rule, message, fix, key = "missing-key", f"{name!r} is missing", f"Add {name}:", True
        case "string_pattern_mismatch":
            pattern = detail["ctx"]["pattern"]
            what = "a key here" if at_key else name
            message = f"{detail['input']!r} cannot be {what}"
            fix = _meant(pattern, str(detail["input"])) or PATTERN_HINTS.get(pattern, f"Match {pattern}")
        case "value_error" | "assertion_error":
            message, fix = _split(str(detail["ctx"]["error"]))
        case "enum" | "literal_error":
            known = tuple(re.findall(r"'([^']*)'", str(detail["ctx"]["expected"])))
            message = f"{_shown(detail['input'])} cannot be {name}"
            fix = _nearest(str(detail["input"]), known, "Choose one of")
        case "union_tag_not_found":
            tag = str(model.model_fields["root"].discriminator)
            rule, message, key = "missing-key", f"{tag!r} is missing", True
            fix = f"Add {tag}: and one of {', '.join(sorted(variants))}"
        case "union_tag_invalid":
            tag, given = str(model.model_fields["root"].discriminator), str(detail["ctx"]["tag"])
            location, message = (tag,), f"{given!r} cannot be {tag}"
            fix = _nearest(given, tuple(sorted(variants)), "Choose one of")
        case "too_short":
            message, fix = f"{name} is empty", "Add at least one"
        case kind if kind in _SHAPES:
            message, fix = f"{name} is {_shown(detail['input'])}", _SHAPES[kind]
        case kind if "-" in kind:
            rule, key = kind, True
            message, fix = _split(detail["msg"])
            message = f"{name} {message}"
        case _:
            message, fix = f"{name} is {_shown(detail['input'])}", _plain(detail["msg"])
    if not message.startswith(("'", name)):
        message = f"{name} {message}"
    return source.problem(location, rule=rule, message=message, fix=fix, key=key)


def known_keys(model: type[BaseModel], location: Location) -> tuple[str, ...]:
    """The keys that may stand at a location; none where it takes any key."""
    kind: Any = model
    for step in location:
        kind = _step(kind, step)
    models = _models_within(kind)
    keys = {name for found in models for name in found.model_fields}
    if issubclass(model, EntryBase) and any(issubclass(found, EntryBase | Language) for found in models):
        keys |= model.VERSION.inherited()
    return tuple(sorted(keys))


def _step(kind: Any, step: str | int) -> Any:
    for model in _models_within(kind):
        if issubclass(model, RootModel):
            kind = model.model_fields["root"].annotation
            break
        found = model.model_fields.get(str(step))
        if found is not None:
            return found.annotation
    else:
        if _models_within(kind):
            return None
    arguments = get_args(kind)
    return arguments[1] if get_origin(kind) is dict else (arguments[0] if arguments else None)


def _variants(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Discriminator value → variant, of a root model over a discriminated union; none of any other model."""
    root = model.model_fields.get("root")
    if root is None or not isinstance(root.discriminator, str):
        return {}
    return {str(engine): kind for engine, kind in ENTRY_KINDS.items()}


def _models_within(kind: Any) -> tuple[type[BaseModel], ...]:
    """The models of `Model`, `Model | None`, `Annotated[Model, …]` or a union of models."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return (kind,)
    if get_origin(kind) in {dict, tuple, list}:
        return ()
    return tuple(found for argument in get_args(kind) for found in _models_within(argument))


def _name(location: Location) -> str:
    """The last key, with the index where the place is an item of it."""
    if not location:
        return "the file"
    last = location[-1]
    return f"{location[-2]}[{last}]" if isinstance(last, int) and len(location) > 1 else str(last)


def _nearest(name: str, known: Iterable[str], otherwise: str = "Known keys") -> str:
    names = tuple(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"{otherwise}: {', '.join(names)}" if names else "Remove it"


def _meant(pattern: str, written: str) -> str:
    """What a language or a script was probably to be: fr-FR for fr_FR, Latn for Latin."""
    ask = {LANGUAGE_PATTERN: language_suggestions, SCRIPT_PATTERN: script_suggestions}.get(
        pattern.strip("^$")
    )
    near = ask(written) if ask else ()
    return f"Did you mean {' or '.join(map(repr, near))}?" if near else ""


def _split(text: str) -> tuple[str, str]:
    """Errors of our own say "what is wrong; what to do"."""
    message, _, fix = text.partition("; ")
    return message, fix[:1].upper() + fix[1:] if fix else "Correct it"


def _plain(message: str) -> str:
    return message.replace("Input should", "It should", 1)


def _shown(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case str():
            return repr(value if len(value) <= 60 else f"{value[:57]}...")
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
    return repr(value)
