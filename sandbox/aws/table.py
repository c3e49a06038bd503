"""How one resource type is emulated, as data and a few functions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from plugin_server.provider import CheckFailure
from plugin_server.values import UNKNOWN, Properties, contains_unknown
from sandbox.aws.calls import Call

_HEX_SUFFIX: Final = re.compile(r"-[0-9a-f]{7}\Z")


@dataclass(frozen=True, kw_only=True)
class Autoname:
    """The property that the provider fills when the program leaves it out, and AWS's limit for it."""

    property: str
    limit: int
    prefix_property: str | None = None
    lower: bool = False
    prepend: str = ""

    def accepts(self, logical: str, value: object) -> bool:
        """Whether a value is one that autonaming gives to that logical name."""
        stem = self.prepend + (logical.lower() if self.lower else logical)
        return (
            isinstance(value, str)
            and value.startswith(stem)
            and _HEX_SUFFIX.fullmatch(value[len(stem) :]) is not None
        )


Identify = Callable[[Call, Properties], str | None]
"""The id that an object with such inputs has, where AWS does not choose it; None when it cannot be told."""

Tagger = Callable[[Call, str, Mapping[str, str], list[str]], None]
"""Sets tags on an object and removes others: (call, id, to set, keys to remove)."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One resource type.

    ``observe`` returns the resource's outputs as AWS holds them: a property that AWS says is not set is None,
    one that AWS cannot tell (``forceDestroy``) is left out. Tags go under ``tagsAll``, URN tag included.
    """

    token: str
    handles: frozenset[str]
    """Inputs that are emulated; any other input of the real type is refused, not ignored."""
    create: Callable[[Call, Properties], str]
    observe: Callable[[Call, str, Properties], Properties | None]
    delete: Callable[[Call, str, Properties], object]
    update: Callable[[Call, str, Properties, Properties], object] | None = None
    """None where every input forces replacement or only tags change."""
    computed: frozenset[str] = frozenset()
    """Outputs known only once the resource exists."""
    replaces: frozenset[str] = frozenset()
    """Inputs, or dotted paths of nested inputs, that force a replacement."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    policies: frozenset[str] = frozenset()
    """Inputs that hold a JSON policy, given as text or object, compared by meaning."""
    ordered: frozenset[str] = frozenset()
    """List inputs whose order matters; all other lists are sets."""
    delete_before_replace: bool = False
    """Whether a replacement can exist only after the old object is gone."""
    conflicts: tuple[tuple[str, ...], ...] = ()
    """Groups of inputs of which at most one may be set."""
    requires_one: tuple[tuple[str, ...], ...] = ()
    """Groups of inputs of which exactly one must be set."""
    enums: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Dotted input path to the (service, shape) of botocore's model that lists its values; ``*`` is any index."""
    check: Callable[[Properties], Iterable[CheckFailure]] = lambda _inputs: ()
    autoname: Autoname | None = None
    identify: Identify | None = None
    """For types whose id follows from the inputs."""
    owned: Callable[[Call], Iterable[str]] | None = None
    """Ids of the objects that bear the call's URN, for types whose id AWS chooses."""
    named: Callable[[Call, Properties], Iterable[str]] | None = None
    """Names in use, for finding a lost object of an autonamed type."""
    tag: Tagger | None = None
    scope: Literal["region", "global"] = "region"

    @property
    def taggable(self) -> bool:
        """Whether objects of this type bear tags."""
        return self.tag is not None


def comparable(kind: Kind, inputs: Properties) -> Properties:
    """Inputs in a form in which equal meaning is equal value: policies parsed, sets sorted."""
    return {key: _comparable(kind, key, value) for key, value in inputs.items()}


def same_policy(one: Any, other: Any) -> bool:
    """Whether two policies, as text, mean the same."""
    return bool(canonical_policy(one) == canonical_policy(other))


def canonical_policy(policy: Any) -> Any:
    """A policy with its keys and sets sorted and one-item lists unwrapped, as text."""
    if not isinstance(policy, str):
        return policy
    try:
        return json.dumps(_canonical(json.loads(policy)), sort_keys=True)
    except ValueError:
        return policy


def policy_text(policy: Any) -> Any:
    """A policy as the text that the real provider makes of an object."""
    if isinstance(policy, str) or policy is UNKNOWN:
        return policy
    return UNKNOWN if contains_unknown(policy) else json.dumps(policy, sort_keys=True, separators=(",", ":"))


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        items = sorted(
            (_canonical(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True)
        )
        return items[0] if len(items) == 1 else items
    return value


def _comparable(kind: Kind, key: str, value: Any) -> Any:
    if key in kind.policies:
        return canonical_policy(value)
    if isinstance(value, list) and not contains_unknown(value) and key not in kind.ordered:
        return sorted((_comparable(kind, key, item) for item in value), key=_sort_key)
    if isinstance(value, dict):
        return {name: _comparable(kind, f"{key}.{name}", item) for name, item in value.items()}
    return value


def _sort_key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
