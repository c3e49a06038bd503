"""Reads a live object back as the inputs that would produce it.

Only fields that the program sets are looked at: what the server defaults and what others add is no drift.
Where the live value means the same as the program's (``1000m`` and ``1``), the program's spelling is kept,
so that a refresh straight after an update changes nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

from plugin_server import Properties
from sandbox.kubernetes import quantities
from sandbox.kubernetes.objects import SERVER_METADATA, api_name, from_api

_MERGE_KEYS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "containers": (("name",),),
    "env": (("name",),),
    "ephemeralContainers": (("name",),),
    "hostAliases": (("ip",),),
    "imagePullSecrets": (("name",),),
    "initContainers": (("name",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "versions": (("name",),),
    "volumeMounts": (("mountPath",),),
    "volumes": (("name",),),
}
"""Lists that are maps by a key (``x-kubernetes-list-map-keys``), by their field's name."""

_KEY_DEFAULTS: Final = {"protocol": "TCP"}

_INT_OR_STRING: Final = frozenset(
    {"maxSurge", "maxUnavailable", "minAvailable", "nodePort", "port", "targetPort"}
)

_ABSENT: Final = object()


def project(inputs: Properties, live: Mapping[str, Any]) -> Properties:
    """The inputs, with the live object's value wherever that means something else."""
    projected = _mapping(inputs, live, ())
    if inputs.get("kind") == "Secret" and isinstance(inputs.get("stringData"), Mapping):
        projected["stringData"] = _secret_strings(inputs["stringData"], live.get("data") or {})
    if inputs.get("kind") == "Secret" and isinstance(inputs.get("data"), Mapping):
        projected["data"] = _secret_data(inputs, live.get("data") or {})
    return projected


def imported(live: Mapping[str, Any]) -> Properties:
    """Inputs for an object that no program has described yet: all but what the server owns."""
    inputs: Properties = {key: value for key, value in from_api(live).items() if key != "status"}
    metadata = {k: v for k, v in (live.get("metadata") or {}).items() if k not in SERVER_METADATA}
    annotations = {
        k: v
        for k, v in (metadata.get("annotations") or {}).items()
        if k not in ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration")
    }
    metadata.pop("annotations", None)
    if annotations:
        metadata["annotations"] = annotations
    return {**inputs, "metadata": metadata}


def _value(wanted: Any, live: Any, path: tuple[str | int, ...]) -> Any:
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        return _mapping(wanted, live, path)
    if isinstance(wanted, list) and isinstance(live, list):
        return _sequence(wanted, live, path)
    return wanted if _same(wanted, live, path) else from_api(live)


def _mapping(wanted: Mapping[str, Any], live: Mapping[str, Any], path: tuple[str | int, ...]) -> Properties:
    projected: Properties = {}
    for key, value in wanted.items():
        here = (*path, key)
        found = live.get(api_name(key), _ABSENT)
        if here in (("status",), ("stringData",)):
            projected[key] = value  # write-only, or not the program's to set
        elif found is not _ABSENT:
            projected[key] = _value(value, found, here)
        elif _is_empty(value):
            projected[key] = value  # the server leaves empty values out
    return projected


def _sequence(wanted: Sequence[Any], live: Sequence[Any], path: tuple[str | int, ...]) -> list[Any]:
    keys = _merge_keys(wanted, live, path)
    if keys:
        by_key = {_key(item, keys): item for item in live}
        pairs = [(item, by_key.get(_key(item, keys), _ABSENT)) for item in wanted]
        return [
            _value(item, found, (*path, index))
            for index, (item, found) in enumerate(pairs)
            if found is not _ABSENT
        ]
    common = min(len(wanted), len(live))
    projected = [_value(wanted[index], live[index], (*path, index)) for index in range(common)]
    return projected + [from_api(item) for item in live[common:]]


def _merge_keys(
    wanted: Sequence[Any], live: Sequence[Any], path: tuple[str | int, ...]
) -> tuple[str, ...] | None:
    items = [*wanted, *live]
    if not all(isinstance(item, Mapping) for item in items):
        return None
    for keys in _MERGE_KEYS.get(str(path[-1]) if path else "", ()):
        if all(key in item or key in _KEY_DEFAULTS for item in items for key in keys):
            found = [_key(item, keys) for item in wanted]
            return keys if len(set(found)) == len(found) else None
    return None


def _key(item: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(item.get(key, _KEY_DEFAULTS.get(key))) for key in keys)


def _same(wanted: Any, live: Any, path: tuple[str | int, ...]) -> bool:
    if type(wanted) is type(live) and wanted == live:
        return True
    if quantities.is_quantity_at(path):
        return quantities.same(wanted, live)
    if path and path[-1] in _INT_OR_STRING:
        return str(wanted) == str(live)
    if isinstance(wanted, int | float) and isinstance(live, int | float):
        return not isinstance(wanted, bool) and not isinstance(live, bool) and wanted == live
    return False


def _is_empty(value: Any) -> bool:
    """Whether the server may leave this value out because it means the same as nothing."""
    if isinstance(value, Mapping):
        return all(_is_empty(item) for item in value.values())
    return value is None or value is False or value in ("", 0, [])


def _secret_strings(wanted: Mapping[str, Any], data: Mapping[str, Any]) -> Properties:
    strings: Properties = {}
    for key, value in wanted.items():
        raw = _decoded(data[key]) if key in data else None
        if raw is None:
            continue
        strings[key] = value if raw == str(value).encode() else raw.decode(errors="replace")
    return strings


def _secret_data(inputs: Mapping[str, Any], data: Mapping[str, Any]) -> Properties:
    """The live data under the program's keys; stringData overwrites data on the server."""
    overwritten = inputs.get("stringData") or {}
    projected: Properties = {}
    for key, wanted in inputs["data"].items():
        if key in overwritten:
            projected[key] = wanted
        elif key in data:
            same = _decoded(wanted) is not None and _decoded(wanted) == _decoded(data[key])
            projected[key] = wanted if same else data[key]
    return projected


def _decoded(encoded: Any) -> bytes | None:
    """The bytes of base64 text, line breaks allowed as the server does."""
    try:
        return base64.b64decode("".join(str(encoded).split()), validate=True)
    except (binascii.Error, ValueError):
        return None
