"""The table of ids knows every type that the program declares."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
import pytest

from infra import program
from infra.stack_files import read_stack_config
from recovery import Nothing, identity_of
from tests.support.recording import record

REPOSITORY = Path(__file__).parents[3]


@cache
def recorded(stack: str) -> frozenset[str]:
    """The custom types that the whole program registers."""
    recording = record(program.run, stack_name=stack, config=read_stack_config(stack))
    return frozenset(resource.type for resource in recording.resources if resource.custom)


def declared() -> Iterator[str]:
    """The types of every `aws.…(` and `k8s.…(` in the program's text, also of branches that no stack file takes."""
    for folder in ("components", "infra"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and (token := _token(ast.unparse(node.func).split("."))):
                    yield token


def _token(words: list[str]) -> str | None:
    found: object = {"aws": aws, "k8s": k8s}.get(words[0])
    for word in words[1:]:
        found = getattr(found, word, None)
    if isinstance(found, type) and issubclass(found, pulumi.CustomResource):
        token: str | None = getattr(found, "pulumi_type", None)
        return token
    return None


@pytest.mark.parametrize("stack", ["dev", "prod", "sandbox"])
def test_every_type_that_a_stack_registers_has_its_row(stack: str) -> None:
    unknown = {type_ for type_ in recorded(stack) if identity_of(type_) is None}
    assert not unknown, f"recovery/identities.py: say how the id of {', '.join(sorted(unknown))} follows"


def test_every_type_in_the_program_s_text_has_its_row() -> None:
    types = set(declared())
    assert {"aws:ec2/launchTemplate:LaunchTemplate", "aws:eks/nodeGroup:NodeGroup"} <= types
    unknown = {type_ for type_ in types if identity_of(type_) is None}
    assert not unknown, f"recovery/identities.py: say how the id of {', '.join(sorted(unknown))} follows"


def test_a_type_that_the_program_does_not_use_is_not_known_by_chance() -> None:
    assert identity_of("aws:sqs/queue:Queue") is None
    assert identity_of("slipway:index:Another") is None
    assert identity_of("pulumi:providers:aws") == Nothing()
