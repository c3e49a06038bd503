"""What the lives of the resource types have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from artifacts.errors import ArtifactError, NoBucketError
from artifacts.provider.words import kept_sentence
from artifacts.storage import ArchivePlace, Target
from plugin_server import (
    Change,
    Check,
    Checked,
    Create,
    Created,
    Delete,
    Diff,
    Difference,
    Found,
    Properties,
    ProviderError,
    Read,
    Update,
    differences,
)

FINDINGS: Final = "damage"
"""Output: what a refresh found, a sentence each; empty while all is well."""

SHOWN: Final = 10
"""Findings that are shown one by one."""

_REPLACING: Final = frozenset({"bucket", "digest"})


class Log(Protocol):
    """Where messages for the user go."""

    def status(self, urn: str, message: str) -> None: ...

    def info(self, urn: str, message: str) -> None: ...

    def warning(self, urn: str, message: str) -> None: ...


class Life(Protocol):
    """One resource type. Calls come from many threads."""

    def check(self, request: Check) -> Checked: ...

    def diff(self, request: Diff) -> Difference: ...

    def create(self, request: Create) -> Created: ...

    def read(self, request: Read) -> Found | None: ...

    def update(self, request: Update) -> Properties: ...

    def delete(self, request: Delete) -> None: ...


def difference(request: Diff) -> Difference:
    """By text alone: another digest or bucket replaces, and what a refresh found is a change to make."""
    changes = [
        Change(path=path, kind=kind_of(kind), replaces=path[0] in _REPLACING)
        for path, kind in differences(request.old_inputs, request.new_inputs)
    ]
    if request.old_state.get(FINDINGS):
        changes.append(Change(path=(FINDINGS,), kind="delete"))
    return Difference(changes=tuple(changes))


def foreseen_mending(log: Log, request: Update) -> Properties:
    """What a preview of an update says: what a refresh found is mended, and nothing else of the files changes."""
    if damage := request.old_state.get(FINDINGS):
        log.info(request.urn, f"would mend: {'; '.join(damage[:SHOWN])}")
    return {**request.old_state, **request.new_inputs, FINDINGS: []}


def kept_or_removed(
    log: Log, request: Delete, place: ArchivePlace | Target, remove: Callable[[], None]
) -> None:
    """The files outlive the resource unless it was told otherwise: a rollback needs them."""
    if request.inputs.get("retain", True):
        log.info(request.urn, kept_sentence(place))
        return
    try:
        remove()
    except NoBucketError:
        return
    except ArtifactError as error:
        raise ProviderError(str(error)) from error


def kind_of(kind: str) -> Any:
    """`differences` says a plain text."""
    return kind
