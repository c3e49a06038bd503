"""The tables name what exists, and the documentation lists what they hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sandbox.aws.call_check import input_shape
from sandbox.aws.conversions import search
from sandbox.aws.limits import LIMITS
from sandbox.aws.recorded import PARTS, RECORDED_ONLY, WHOLE
from sandbox.aws.schema import inputs_of, outputs_of
from sandbox.aws.server_rules import AFTER, BEFORE, OBSERVED
from sandbox.aws.table import KINDS, Kind

DOCS = (Path(__file__).parents[4] / "docs" / "sandbox-aws.md").read_text()

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.token.rpartition(":")[2])


def _section(title: str) -> str:
    return DOCS.split(f"## {title}\n")[1].split("\n## ")[0]


@every_kind
def test_a_kind_speaks_of_properties_that_the_sdk_has(kind: Kind) -> None:
    inputs = inputs_of(kind.token).fields
    assert kind.inputs <= inputs.keys()
    assert {path.partition(".")[0] for path in kind.replaces} <= kind.inputs
    assert kind.defaults.keys() | kind.policies | kind.ordered | kind.local <= kind.inputs
    assert kind.outputs.keys() <= outputs_of(kind.token)
    assert bool(kind.tag) == ("tags" in inputs)


def _check_names(shape: Any, template: Any, at: str) -> None:
    if isinstance(template, dict) and shape.type_name == "structure":
        for name, part in template.items():
            assert name in shape.members, f"{at}.{name}"
            _check_names(shape.members[name], part, f"{at}.{name}")
    if isinstance(template, list) and shape.type_name == "list":
        for part in template:
            _check_names(shape.member, part, f"{at}[]")


@every_kind
def test_a_kind_calls_operations_and_parameters_that_the_services_have(kind: Kind) -> None:
    looks = (*kind.read, *(refusal.look for refusal in kind.refuse))
    for step in (*kind.create, *kind.update, *kind.delete, *kind.tag, *looks):
        _check_names(
            input_shape(step.service, step.operation), step.arguments, f"{step.service}.{step.operation}"
        )


@every_kind
def test_a_kind_reads_by_paths_that_are_jmespath(kind: Kind) -> None:
    known = {"record": {}, "id": "i", "region": "r", "account": "a", "location": "l"}
    paths = [output.path for output in kind.outputs.values()]
    for path in (*paths, *(look.part for look in kind.read), kind.tags, kind.read_id):
        search(path, known)


@every_kind
def test_a_kind_reads_every_input_that_it_sends(kind: Kind) -> None:
    unread = kind.inputs - kind.outputs.keys() - kind.local - {"tags"}
    assert unread <= {"resolveConflictsOnCreate", "resolveConflictsOnUpdate"}, (
        "a refresh would not see a change"
    )


def test_rules_and_records_are_about_kinds_that_exist() -> None:
    assert {token for token, _ in (*BEFORE, *AFTER)} | OBSERVED.keys() | WHOLE.keys() <= KINDS.keys()
    for what in PARTS:
        token, _, name = what.partition(" ")
        assert name in KINDS[token].inputs


def test_the_documentation_lists_exactly_what_is_emulated() -> None:
    listed = re.findall(r"^\| `(aws:\w+/\w+:\w+)` \| (.*) \|$", _section("Resource types"), re.MULTILINE)
    assert dict(listed) == {token: ", ".join(sorted(kind.inputs)) for token, kind in KINDS.items()}


def test_the_documentation_lists_exactly_what_is_only_recorded() -> None:
    listed = re.findall(r"^\| `([^`]+)` \| (.+) \|$", _section("Recorded only"), re.MULTILINE)
    assert dict(listed) == RECORDED_ONLY


def test_the_documentation_lists_every_limit_with_its_page() -> None:
    listed = re.findall(r"^\| \[(.+)\]\((.+)\) \|$", _section("Documented limits"), re.MULTILINE)
    assert listed == sorted({(limit.what, limit.url) for limit in LIMITS})
