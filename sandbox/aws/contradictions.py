"""Checks that follow from a :class:`Kind`'s tables."""

from __future__ import annotations

from collections.abc import Iterator

from plugin_server.provider import CheckFailure
from plugin_server.values import Properties
from sandbox.aws import checks, schema
from sandbox.aws.table import Kind


def contradictions(kind: Kind, inputs: Properties) -> list[CheckFailure]:
    """Inputs that are not emulated, exclude each other, or lack a partner."""
    found = [
        CheckFailure(
            key,
            f"is an input of the real {kind.token} that the sandbox does not emulate; "
            "docs/sandbox-aws.md lists those it does",
        )
        for key in sorted(inputs.keys() & schema.inputs_of(kind.token).fields.keys())
        if key not in kind.handles and key != "region"
    ]
    for group in kind.conflicts:
        present = [key for key in group if key in inputs]
        if len(present) > 1:
            found.append(CheckFailure(present[1], f"conflicts with {present[0]}"))
    for group in kind.requires_one:
        present = [key for key in group if key in inputs]
        if len(present) != 1:
            what = f", not both {' and '.join(present)}" if present else ""
            choice = f"exactly one of {', '.join(group)} must be set" if len(group) > 1 else "is required"
            found.append(CheckFailure(present[1] if present else group[0], choice + what))
    return found


def wrong_choices(kind: Kind, inputs: Properties) -> Iterator[CheckFailure]:
    """Values outside of the closed sets that AWS has for them."""
    for path, (service, enum) in kind.enums.items():
        for at, value in checks.values_at(inputs, path):
            yield from checks.one_of(value, at, service, enum)
