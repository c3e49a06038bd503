"""JSON Schema (draft 2020-12) of what people write: an entry, and a release. Editors check and complete by it.

Made from the types, then turned from what they hold into what is written: an entry's engine decides its keys, what
versions inherit may stand at three levels, and scalars are as `schema_scalars` says. A schema cannot compare values,
so `slipway validate` refuses more; what the schema refuses, Slipway refuses too.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from engines import tgi, torchserve, vllm
from model_catalog.entry import ENTRY_KINDS, Engine, Entry, TgiEntry, VllmEntry
from model_catalog.release import BUDGET_KEY, Budget, VariantRelease
from model_catalog.rules import RULES
from model_catalog.schema_scalars import SCALARS, VARIANT_PATTERN, Node
from model_catalog.schema_types import REF, SchemaGenerator, written

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
FOLDER: Final = "schema"
"""Below the catalog's folder; beside entries/ and releases/."""

_OPTIONS: Final = {Engine.TGI: tgi, Engine.TORCHSERVE: torchserve, Engine.VLLM: vllm}
_EITHER: Final = dict.fromkeys((TgiEntry, VllmEntry), (("memory", "architecture"),))
"""Keys of which one is needed, as the versions' validators demand it."""


def entry_schema() -> Node:
    """What a file below entries/ may hold."""
    definitions = _definitions()
    kinds = [definitions[kind.__name__]["properties"] for kind in ENTRY_KINDS.values()]
    first, *others = kinds
    common = {key: node for key, node in first.items() if all(kind.get(key) == node for kind in others)}
    for kind in kinds:
        # What every engine's entry has is proposed before there is an engine, and then said once.
        kind.update(dict.fromkeys(common, True))
    return _file(
        {
            "title": "Entry",
            "description": "One model of one task, in all its languages and versions.",
            "type": "object",
            "required": ["engine"],
            "properties": {
                "engine": {
                    "enum": [str(engine) for engine in Engine],
                    "description": "The inference server. It decides which other keys there are.",
                },
                **common,
            },
            "allOf": [
                {
                    "if": {"properties": {"engine": {"const": str(engine)}}, "required": ["engine"]},
                    "then": {"$ref": f"{REF}{kind.__name__}"},
                }
                for engine, kind in ENTRY_KINDS.items()
            ],
        },
        definitions,
    )


def release_schema() -> Node:
    """What a file below releases/ may hold."""
    return _file(
        {
            "title": "Release",
            "description": "The versions that one environment runs, by variant: QuestionAnswering/Reader/fr.",
            "type": "object",
            "properties": {BUDGET_KEY: {"$ref": f"{REF}{Budget.__name__}"}},
            "patternProperties": {VARIANT_PATTERN: {"$ref": f"{REF}{VariantRelease.__name__}"}},
            "additionalProperties": False,
        },
        _definitions(),
    )


SCHEMAS: Final[Mapping[str, Callable[[], Node]]] = MappingProxyType(
    {"entry": entry_schema, "release": release_schema}
)
"""Kind of file → its schema."""


def schema_text(kind: str) -> str:
    """The schema of a kind of file, as it is committed."""
    return json.dumps(SCHEMAS[kind](), indent=2, ensure_ascii=False) + "\n"


def schema_path(kind: str) -> PurePath:
    """Where it is committed, below the catalog's folder."""
    return PurePath(FOLDER, f"{kind}.schema.json")


def modeline(path: PurePath) -> str:
    """The first line of an entry or a release, by which editors find its schema.

    `path` is the file's below the catalog's folder, as in entries/search/ranker.yaml. Raises ValueError for a file
    that is neither an entry nor a release.
    """
    kinds = {"entries": "entry", "releases": "release"}
    folder = path.parts[0] if len(path.parts) > 1 else ""
    if path.is_absolute() or folder not in kinds:
        raise ValueError(
            f"{path} is neither an entry nor a release; give its path below the catalog's folder"
        )
    upwards = "../" * (len(path.parts) - 1)
    return f"# yaml-language-server: $schema={upwards}{schema_path(kinds[folder])}"


def _definitions() -> dict[str, Node]:
    """Everything that the files may refer to, by name; made anew at each call."""
    kinds: tuple[type[BaseModel], ...] = (*ENTRY_KINDS.values(), VariantRelease, Budget)
    _, raw = models_json_schema([(kind, "validation") for kind in kinds], schema_generator=SchemaGenerator)
    found: dict[str, Node] = {name: written(node) for name, node in _short_names(raw["$defs"]).items()}
    for kind in ENTRY_KINDS.values():
        _hand_up(found, kind)
        _let_options_out(found[kind.__name__]["properties"]["preprocessing"]["items"]["anyOf"])
    found["Acceptance"]["properties"]["rule"]["enum"] = [rule.id for rule in RULES if rule.acceptable]
    found["Override"]["properties"]["serving"] = {
        **found["Override"]["properties"]["serving"],
        "properties": _tunable(found),
        "additionalProperties": False,
    }
    return {**found, **SCALARS}


def _short_names(definitions: Node) -> Node:
    """Of types that several engines have under one name: engines__tgi__options__ServingOptions → TgiServingOptions."""
    text = json.dumps(definitions)
    for engine in Engine:
        text = re.sub(rf"engines__{engine}__[a-z]+__", _prefix(engine), text)
        text = text.replace(f"Language_{_prefix(engine)}Version_", f"{_prefix(engine)}Language")
        text = text.replace(f"Language[{_prefix(engine)}Version]", "Language")
    short: Node = json.loads(text)
    return short


def _prefix(engine: Engine) -> str:
    return ENTRY_KINDS[engine].__name__.removesuffix("Entry")


def _hand_up(definitions: dict[str, Node], kind: type[Entry]) -> None:
    """What versions inherit may stand at their language or entry too, and what they need at any of the three."""
    version, entry = definitions[kind.VERSION.__name__], definitions[kind.__name__]
    language = definitions[kind.__name__.replace("Entry", "Language")]
    inherited = kind.VERSION.inherited()
    shared = {key: node for key, node in version["properties"].items() if key in inherited}
    needed = [(key,) for key in version["required"] if key in inherited]
    version["required"] = [key for key in version["required"] if key not in inherited]
    language["properties"] |= shared
    entry["properties"] |= shared
    entry["allOf"] = [_at_some_level(*keys) for keys in (*needed, *_EITHER.get(kind, ()))]


def _at_some_level(*keys: str) -> Node:
    """The entry gives one of the keys, or each language does, or each of its versions."""
    given = [{"required": [key], "properties": {key: {"not": {"type": "null"}}}} for key in keys]
    enough: Node = {"anyOf": given} if len(keys) > 1 else {"required": list(keys)}
    versions = {"properties": {"versions": {"additionalProperties": enough}}}
    languages = {"additionalProperties": {"if": enough, "else": versions}}
    return {"if": enough, "else": {"properties": {"languages": languages}}}


def _let_options_out(steps: list[Node]) -> None:
    """`{strip_markup: }` is read like strip_markup, where it needs no options."""
    for step in steps:
        for options in step.get("properties", {}).values():
            if "required" not in options:
                options["type"] = ["object", "null"]


def _tunable(definitions: dict[str, Node]) -> Node:
    """The options that some engine lets a release override. A release does not say which engine serves a variant."""
    found: dict[str, list[Node]] = {}
    for engine, room in _OPTIONS.items():
        options = definitions[f"{_prefix(engine)}ServingOptions"]["properties"]
        for name in room.TUNABLE:
            node = _without_null(options[name])
            if node not in found.setdefault(name, []):
                found[name].append(node)
    return {name: nodes[0] if len(nodes) == 1 else {"anyOf": nodes} for name, nodes in sorted(found.items())}


def _without_null(node: Node) -> Node:
    """Without nothing as a value, and without words that are one engine's."""
    kinds = [kind for kind in node.get("anyOf", ()) if kind != {"type": "null"}]
    if not kinds:
        return {key: part for key, part in node.items() if key not in {"default", "description"}}
    return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}


def _file(root: Node, definitions: Mapping[str, Node]) -> Node:
    """The schema of a file with the definitions that it needs, by name."""
    needed: set[str] = set()
    ahead = set(_references(root))
    while ahead:
        needed |= ahead
        ahead = {name for known in ahead for name in _references(definitions[known])} - needed
    return {"$schema": DIALECT, **root, "$defs": {name: definitions[name] for name in sorted(needed)}}


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].removeprefix(REF)
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from _references(part)
