"""From what AWS holds to what the engine is told: outputs, and inputs that would produce them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugin_server.values import UNKNOWN, Properties
from sandbox.aws import schema
from sandbox.aws.calls import visible
from sandbox.aws.table import Kind, same_policy


def presented(observed: Properties) -> Properties:
    """What was observed, with the tags that the program may know of."""
    return {**observed, "tagsAll": visible(observed["tagsAll"])} if "tagsAll" in observed else observed


def state_of(kind: Kind, region: str, inputs: Properties, observed: Properties) -> Properties:
    """Outputs: what AWS says, in the program's own words where it means the same."""
    state: Properties = {**({"region": region} if kind.scope == "region" else {}), **inputs}
    for key, value in observed.items():
        state[key] = value
        if key in inputs and value is not None:
            reworded = _reworded(kind, key, inputs[key], value)
            nested = isinstance(value, dict) and isinstance(reworded, dict)
            state[key] = {**value, **reworded} if nested else reworded
    if kind.taggable:
        state["tags"] = inputs.get("tags")
    return {key: value for key, value in state.items() if value is not None}


def inputs_of(
    kind: Kind, inputs: Properties, observed: Properties, default_tags: Mapping[str, str]
) -> Properties:
    """Inputs that describe what was observed, for the properties that the program sets.

    Without inputs, which is an import, for all that can be set.
    """
    if not inputs:
        settable = schema.inputs_of(kind.token).fields.keys() & kind.handles
        inputs = {key: value for key, value in observed.items() if key in settable and value is not None}
    found: Properties = {}
    for key, value in inputs.items():
        if key in ("tags", "tagsAll"):
            continue
        if key not in observed or key == "region":
            found[key] = value
        elif observed[key] is not None:
            found[key] = _reworded(kind, key, value, observed[key])
    if kind.taggable:
        tags = observed.get("tagsAll", {})
        own = inputs.get("tags") or {}
        mine = {key: value for key, value in tags.items() if key in own or default_tags.get(key) != value}
        # An empty map that the program wrote is kept: it means the same as none.
        found |= {key: value for key, value in (("tags", mine), ("tagsAll", tags)) if value or key in inputs}
    return found


def merge_default_tags(inputs: Properties, defaults: Mapping[str, str]) -> None:
    """Sets ``tagsAll`` as the real provider does: the program's tags over the provider's."""
    tags = inputs.get("tags", {})
    merged = UNKNOWN if tags is UNKNOWN else {**defaults, **tags}
    if merged is UNKNOWN or merged:
        inputs["tagsAll"] = merged


def _reworded(kind: Kind, key: str, given: Any, observed: Any) -> Any:
    if key in kind.policies and same_policy(given, observed):
        return given
    shape = schema.inputs_of(kind.token).fields.get(key)
    return observed if shape is None else schema.overlaid(shape, given, observed)
