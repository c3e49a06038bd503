"""From pydantic's types to JSON Schema in the written form, still without what versions inherit."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from engines import vllm
from hardware import INSTANCE_TYPES
from model_catalog.entry import Device, Language, TgiEntry, VllmEntry
from model_catalog.ids import ScriptId
from model_catalog.release import Pin
from model_catalog.schema_scalars import ANY_TEXT, Node, choice_of_numbers, number, scalar_of, text
from model_catalog.version import LlmVersion
from quantities import Bytes, format_duration

_LIMITS: Final = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
}
"""pydantic's names for limits → JSON Schema's."""

REF: Final = "#/$defs/"

_PROMPT: Final = text(
    r"^(?=[\s\S]{8,20000}$)(?![\s\S]*\{prompt\}[\s\S]*\{prompt\})[\s\S]*\{prompt\}",
    "Write {prompt} once, where the text goes; at most 20000 characters",
    "Answer in one sentence.\n{prompt}",
)

_BY_VALIDATORS: Final[dict[tuple[type[BaseModel], str], Node]] = {
    (Language, "scripts"): {
        "type": "array",
        "items": TypeAdapter(ScriptId).json_schema(),
        "minItems": 1,
    },
    (LlmVersion, "prompt_template"): {"anyOf": [_PROMPT, {"type": "null"}]},
    (Pin, "instance_type"): {"type": "string", "enum": sorted(INSTANCE_TYPES)},
    (TgiEntry, "device"): {"const": Device.GPU.value},
    (VllmEntry, "device"): {"const": Device.GPU.value},
    (vllm.ServingOptions, "gpu_memory_utilization"): {
        "anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": 1}, {"type": "null"}]
    },
}
"""What a field's validator in Python demands, or a rule."""


class SchemaGenerator(GenerateJsonSchema):
    """pydantic's generator, with limits and defaults as the catalog writes them."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """A title would repeat the key."""
        del schema
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Node:
        """Leaves the default out: it is written by :meth:`model_schema`."""
        return self.generate_inner(schema["schema"])

    def model_schema(self, schema: core_schema.ModelSchema) -> Node:
        """Adds what the fields say, and pydantic's own schema leaves out."""
        found = super().model_schema(schema)
        kind: type[BaseModel] = schema["cls"]
        for name, field in kind.model_fields.items():
            if name in found.get("properties", {}):
                found["properties"][name] = _property(kind, name, field, found["properties"][name])
        return found

    def sort(self, value: Node, parent_key: str | None = None) -> Node:
        """Keeps the order in which fields are declared."""
        del parent_key
        return value


def _property(kind: type[BaseModel], name: str, field: FieldInfo, node: Node) -> Node:
    limits = dict((*_limits(field.metadata), *_limits_within(field.annotation)))
    for part in (node, *node.get("anyOf", ())):
        if part.get("type") == "number":
            part.update(limits)
    for owner in kind.__mro__:
        demanded = _BY_VALIDATORS.get((_origin(owner), name))
        if demanded is not None:
            node = {**demanded, **({"description": field.description} if field.description else {})}
    default = _written_default(field.default)
    return node if default is None else {**node, "default": default}


def _origin(kind: type) -> Any:
    """Language[V] is a class of its own for each V."""
    generic = getattr(kind, "__pydantic_generic_metadata__", None)
    return (generic or {}).get("origin") or kind


def _limits(metadata: Any) -> Iterator[tuple[str, float]]:
    for part in metadata:
        if isinstance(part, FieldInfo):
            yield from _limits(part.metadata)
        for ours, theirs in _LIMITS.items():
            limit = getattr(part, ours, None)
            if limit is not None:
                yield theirs, limit


def _limits_within(annotation: Any) -> Iterator[tuple[str, float]]:
    if get_origin(annotation) is Annotated:
        yield from _limits(annotation.__metadata__)
    for argument in get_args(annotation):
        yield from _limits_within(argument)


def _written_default(value: Any) -> Any:
    """The default as it would be written; None where there is none that a person would write."""
    match value:
        case timedelta():
            return format_duration(value)
        case Bytes() | Decimal():
            return str(value)
        case str():
            return str(value)
        case bool() | int() | float():
            return value
    return None


def written(node: Any) -> Any:
    """A schema of what a type takes → of what is written for it."""
    if isinstance(node, list):
        return [written(part) for part in node]
    if not isinstance(node, dict):
        return node
    said = {key: node[key] for key in ("description", "default") if key in node}
    if "description" in said:
        said["description"] = " ".join(said["description"].split())
    name = scalar_of(node)
    if name is not None:
        return {"$ref": f"{REF}{name}", **said}
    takes = {key: value for key, value in node.items() if key not in said and key != "discriminator"}
    match takes:
        case {"type": "number"}:
            return {**number({key: takes[key] for key in takes.keys() & set(_LIMITS.values())}), **said}
        case {"type": "string", "pattern": pattern} if "patternErrorMessage" not in takes:
            return {**takes, **text(pattern, f"Match {pattern}"), **said}
        case {"type": "string", **nothing} if not nothing:
            return {**ANY_TEXT, **said}
        case {"enum": [int(), *_] as choices}:
            return {**choice_of_numbers(choices), **said}
        case {"oneOf": kinds}:
            return {**said, "anyOf": written(kinds)}
    if "patternProperties" in takes:
        takes.setdefault("additionalProperties", False)
    return {**{key: _part(key, part) for key, part in takes.items()}, **said}


def _part(key: str, part: Any) -> Any:
    if key in {"properties", "patternProperties", "$defs"}:
        return {name: written(inner) for name, inner in part.items()}
    return written(part) if key in {"anyOf", "items", "additionalProperties"} else part
