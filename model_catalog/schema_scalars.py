"""How each scalar of the catalog is written, as JSON Schema.

Slipway reads every scalar as text. An editor's YAML makes numbers, booleans and nothings of some of them: `2` may be
a version, `8` and "8" are the same count. So a definition takes whatever an editor may see of a text that is right.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from model_catalog import ids
from model_catalog.selector import LANGUAGE_PATTERN, MODEL_PATTERN, TASK_PATTERN
from quantities import Bytes, Count, Duration, Flag, ParameterCount, Percent

Node = dict[str, Any]
"""A JSON Schema, or part of one."""

_ANNOTATIONS: Final = frozenset({"default", "description", "examples", "title"})
"""What a type says of itself besides what it takes."""

NUMBER_PATTERN: Final = r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?$"
_LIMIT: Final = 10**18
"""quantities reads at most 18 digits."""
_NUMBERS: Final = ("7", "42", "1.5", "-1.5", "2026", "1" * 40)
_BOOLEANS: Final = ("true", "false", "True", "False", "TRUE", "FALSE")


def text(pattern: str, hint: str, *examples: str) -> Node:
    """A text by its pattern: also as number or boolean, where one is written like a text that it takes."""
    node: Node = {"type": "string", "pattern": pattern, "patternErrorMessage": hint}
    if any(re.search(pattern, number) for number in _NUMBERS):
        node["type"] = ["string", "number"]
        if not re.search(pattern, "-1.5"):
            node["minimum"] = 0
    if any(re.search(pattern, boolean) for boolean in _BOOLEANS):
        # Not among the types: editors would propose true and false wherever a name belongs.
        node = {"if": {"type": "boolean"}, "else": node}
    return node | ({"examples": list(examples)} if examples else {})


ANY_TEXT: Final[Node] = {"if": {"type": "boolean"}, "else": {"type": ["string", "number"]}}
"""Whatever stands there."""


def number(limits: Mapping[str, float]) -> Node:
    """A number within its limits, in quotes or not. A pattern cannot compare: in quotes it may exceed them."""
    above = {} if {"minimum", "exclusiveMinimum"} & limits.keys() else {"exclusiveMinimum": -_LIMIT}
    below = {} if {"maximum", "exclusiveMaximum"} & limits.keys() else {"exclusiveMaximum": _LIMIT}
    return {
        "type": ["number", "string"],
        **above,
        **below,
        **{name: limits[name] for name in sorted(limits)},
        "pattern": NUMBER_PATTERN,
        "patternErrorMessage": "Write a number as in 0.9",
    }


def choice_of_numbers(choices: list[int]) -> Node:
    """One of some whole numbers, in quotes or not."""
    return {"anyOf": [{"enum": choices}, {"type": "string", "pattern": f"^({'|'.join(map(str, choices))})$"}]}


def _named(kind: Any, *examples: str) -> Node:
    pattern = TypeAdapter(kind).json_schema()["pattern"]
    return text(pattern, ids.PATTERN_HINTS[pattern], *examples)


_WRITTEN: Final[Mapping[str, tuple[Any, Node]]] = {
    "ArchiveName": (ids.ArchiveName, _named(ids.ArchiveName, "fr_reader.mar")),
    "BucketName": (ids.BucketName, _named(ids.BucketName, "research-models")),
    "Bytes": (
        Bytes,
        {
            **TypeAdapter(Bytes).json_schema(),
            "patternErrorMessage": "Write a number and a unit, as in 440MiB or 16GB",
        },
    ),
    "CommitId": (ids.CommitId, _named(ids.CommitId)),
    "Count": (
        Count,
        {
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": _LIMIT - 1,
            "pattern": "^[1-9][0-9]{0,17}$",
            "patternErrorMessage": "Write digits alone, as in 8",
        },
    ),
    "Day": (
        ids.Day,
        {
            **TypeAdapter(ids.Day).json_schema(),
            "format": "date",
            "patternErrorMessage": "Write year-month-day, as in 2026-12-31",
        },
    ),
    "Digest": (ids.Digest, _named(ids.Digest, "unresolved")),
    "Duration": (
        Duration,
        {
            **TypeAdapter(Duration).json_schema(),
            "patternErrorMessage": "Write a number and ms, s, m or h, as in 100ms",
        },
    ),
    "Flag": (
        Flag,
        {
            "type": ["boolean", "string"],
            "pattern": "^(true|false)$",
            "patternErrorMessage": "Write true or false",
        },
    ),
    "HandlerName": (ids.HandlerName, _named(ids.HandlerName, "reader")),
    "LicenseId": (
        ids.LicenseId,
        _named(
            ids.LicenseId,
            *(
                "apache-2.0",
                "bsd-3-clause",
                "cc-by-4.0",
                "gemma",
                "llama3.1",
                "mit",
                "openrail",
                "LicenseRef-internal",
            ),
        ),
    ),
    "MetricName": (ids.MetricName, _named(ids.MetricName, "accuracy", "exact_match", "f1")),
    "ModelId": (ids.ModelId, _named(ids.ModelId, "Reader")),
    "ObjectPath": (ids.ObjectPath, _named(ids.ObjectPath, "RemoteModels/fr/QuestionAnswering/Reader")),
    "ParameterCount": (
        ParameterCount,
        {
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": 10**15 - 1,
            "pattern": r"^[0-9]{1,15}(\.[0-9]{1,9})?[KMBT]?$",
            "patternErrorMessage": "Write a number of parameters, as in 110M, 7.24B or 7241732096",
            "examples": ["110M", "7.24B"],
        },
    ),
    "Percent": (
        Percent,
        {
            **TypeAdapter(Percent).json_schema(),
            "patternErrorMessage": "Write a number up to 100 and %, as in 99.5%",
        },
    ),
    "ContentType": (ids.ContentType, _named(ids.ContentType, "application/json", "text/plain")),
    "RequestBody": (
        ids.RequestBody,
        text(r"^[\s\S]{1,10000}$", "Write a text of at most 10000 characters, in quotes"),
    ),
    "Repository": (ids.Repository, _named(ids.Repository, "Qwen/Qwen2.5-1.5B-Instruct")),
    "Revision": (ids.Revision, _named(ids.Revision, "unresolved")),
    "RuleId": (ids.RuleId, _named(ids.RuleId)),
    "ScriptId": (ids.ScriptId, _named(ids.ScriptId, "Arab", "Cyrl", "Hans", "Jpan", "Latn", "Zyyy")),
    "ServedName": (ids.ServedName, _named(ids.ServedName, "mnist")),
    "Tag": (ids.Tag, _named(ids.Tag, "legal")),
    "TaskId": (ids.TaskId, _named(ids.TaskId, "QuestionAnswering", "TextGeneration")),
    "TeamName": (ids.TeamName, _named(ids.TeamName, "nlp-platform")),
    "VersionId": (ids.VersionId, _named(ids.VersionId, "1.0")),
    # Blanks around it do not count.
    "StopSequence": (
        ids.StopSequence,
        text(r"^[\s\S]{1,200}$", "Write a text of at most 200 characters, in quotes"),
    ),
    "Words": (
        ids.Words,
        text(r"^\s*\S([\s\S]{0,1998}\S)?\s*$", "Write a text of at most 2000 characters"),
    ),
}

SCALARS: Final[Mapping[str, Node]] = {name: node for name, (_, node) in _WRITTEN.items()}
"""Name → how it is written. The names are those of the types."""

VARIANT_PATTERN: Final = f"^{TASK_PATTERN}/{MODEL_PATTERN}/{LANGUAGE_PATTERN}$"


def _shape(node: Node) -> str:
    """What it takes, whatever it says of itself."""
    return json.dumps(_bare(node), sort_keys=True)


def _bare(node: Any) -> Any:
    if isinstance(node, list):
        return [_bare(part) for part in node]
    if isinstance(node, dict):
        return {key: _bare(part) for key, part in node.items() if key not in _ANNOTATIONS}
    return node


_BY_SHAPE: Final = {_shape(TypeAdapter(kind).json_schema()): name for name, (kind, _) in _WRITTEN.items()}


def scalar_of(node: Node) -> str | None:
    """The name of the scalar that a type's own schema describes."""
    return _BY_SHAPE.get(_shape(node))
