"""Turns what AWS holds into what the engine is given: outputs, and inputs that would produce them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from plugin_server.values import UNKNOWN, Properties, contains_unknown
from sandbox.aws import schema
from sandbox.aws.conversions import search, tags_from
from sandbox.aws.table import Kind


def outputs_of(kind: Kind, found: Properties) -> Properties:
    """The outputs by a kind's table; a property that AWS says is not set is None."""
    outputs: Properties = {}
    for name, where in kind.outputs.items():
        value = search(where.path, found)
        outputs[name] = where.convert(value) if where.convert and value is not None else value
        if outputs[name] == "":  # moto's way to say that there is none
            outputs[name] = None
    if kind.tag:
        outputs["tagsAll"] = tags_from(search(kind.tags, found))
    return outputs


def state_of(kind: Kind, region: str, inputs: Properties, observed: Properties) -> Properties:
    """Outputs: what AWS says, in the program's own words where it means the same."""
    state: Properties = {**({"region": region} if kind.scope == "region" else {}), **inputs}
    for key, value in observed.items():
        state[key] = value
        if key in inputs and value is not None:
            reworded = _reworded(kind, key, inputs[key], value)
            nested = isinstance(value, dict) and isinstance(reworded, dict)
            state[key] = {**value, **reworded} if nested else reworded
    if kind.tag:
        state["tags"] = inputs.get("tags")
    return {key: value for key, value in state.items() if value is not None}


def inputs_of(
    kind: Kind, inputs: Properties, observed: Properties, default_tags: Mapping[str, str]
) -> Properties:
    """Inputs that describe what was observed, for the properties that the program sets.

    Without inputs, which is an import, for all that can be set.
    """
    if not inputs:
        inputs = {
            key: value
            for key, value in observed.items()
            if key in kind.inputs and value not in (None, [], {})
        }
        inputs |= {key: value for key, value in kind.defaults.items() if key in kind.local}
    found: Properties = {}
    for key, value in inputs.items():
        if key in ("tags", "tagsAll"):
            continue
        if key not in observed or key == "region":
            found[key] = value
        elif observed[key] is not None:
            found[key] = _reworded(kind, key, value, observed[key])
    if kind.tag:
        tags = observed.get("tagsAll", {})
        own = inputs.get("tags") or {}
        mine = {key: value for key, value in tags.items() if key in own or default_tags.get(key) != value}
        # An empty map that the program wrote is kept: it means the same as none.
        found |= {key: value for key, value in (("tags", mine), ("tagsAll", tags)) if value or key in inputs}
    return found


def merge_default_tags(inputs: Properties, defaults: Mapping[str, str]) -> None:
    """Set ``tagsAll`` as the real provider does: the program's tags over the provider's."""
    tags = inputs.get("tags", {})
    merged = UNKNOWN if tags is UNKNOWN else {**defaults, **tags}
    if merged is UNKNOWN or merged:
        inputs["tagsAll"] = merged


def comparable(kind: Kind, inputs: Properties) -> Properties:
    """Inputs in a form in which equal meaning is equal value: policies parsed, sets sorted."""
    return {key: _comparable(kind, key, value) for key, value in inputs.items()}


def policy_text(policy: Any) -> Any:
    """A policy as the text that the real provider makes of an object."""
    if isinstance(policy, str) or policy is UNKNOWN:
        return policy
    return UNKNOWN if contains_unknown(policy) else json.dumps(policy, sort_keys=True, separators=(",", ":"))


def _reworded(kind: Kind, key: str, given: Any, observed: Any) -> Any:
    if key in kind.policies and _canonical_policy(given) == _canonical_policy(observed):
        return given
    shape = schema.inputs_of(kind.token).fields.get(key)
    return observed if shape is None else schema.overlaid(shape, given, observed)


def _canonical_policy(policy: Any) -> Any:
    """A policy with its keys and sets sorted and one-item lists unwrapped, as text."""
    if not isinstance(policy, str):
        return policy
    try:
        return json.dumps(_canonical(json.loads(policy)), sort_keys=True)
    except ValueError:
        return policy


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        items = sorted((_canonical(item) for item in value), key=_sort_key)
        return items[0] if len(items) == 1 else items
    return value


def _comparable(kind: Kind, key: str, value: Any) -> Any:
    if key in kind.policies:
        return _canonical_policy(value)
    if isinstance(value, list) and not contains_unknown(value) and key not in kind.ordered:
        return sorted((_comparable(kind, key, item) for item in value), key=_sort_key)
    if isinstance(value, dict):
        return {name: _comparable(kind, f"{key}.{name}", item) for name, item in value.items()}
    return value


def _sort_key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
