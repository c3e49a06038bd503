"""The named functions of the tables: for what data cannot say about a parameter, an output or an id."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

import jmespath  # type: ignore[import-untyped]  # botocore brings it, and no stubs

from plugin_server.values import UNKNOWN, Properties, contains_unknown

_RENAMED: Final = {"id": "ID", "kmsMasterKeyId": "KMSMasterKeyID", "sseAlgorithm": "SSEAlgorithm"}
"""Input names whose API name is not the same word with a capital letter."""

_RENAMED_BACK: Final = {api: own for own, api in _RENAMED.items()}
_BOOLEANS: Final = ("DeleteOnTermination", "Encrypted")
"""Parts of a block device that the SDK has as text, EC2 as booleans."""

_TEXTS: Final = {"true": True, "false": False}
_LOG_TYPES: Final = ("api", "audit", "authenticator", "controllerManager", "scheduler")
_OPEN: Final = {
    "endpointPublicAccess": True,
    "endpointPrivateAccess": False,
    "publicAccessCidrs": ["0.0.0.0/0"],
}
"""EKS's defaults for the endpoint's properties."""

_ANSWERED: Final = ("clusterSecurityGroupId", "vpcId")
"""Parts of a cluster's network that EKS decides; an import has them among its inputs."""


@dataclass(frozen=True)
class Context:
    """All that the arguments of a call may depend on."""

    inputs: Properties
    id: Any = UNKNOWN
    old: Properties = field(default_factory=dict)
    """Inputs before an update; empty otherwise."""
    state: Properties = field(default_factory=dict)
    region: str = "us-east-1"

    def both(self, name: str, empty: Any) -> tuple[Any, Any] | None:
        """An input before and after the update; None while one is unknown."""
        old, new = self.old.get(name) or empty, self.inputs.get(name) or empty
        return None if contains_unknown([old, new]) else (old, new)


def search(path: str, answer: Any) -> Any:
    """The value at a JMESPath; None where there is none."""
    return jmespath.search(path, answer)


def pascal(value: Any) -> Any:
    """An input with the API's names: ``noncurrentDays`` becomes ``NoncurrentDays``."""
    if isinstance(value, Mapping):
        return {_RENAMED.get(key, key[:1].upper() + key[1:]): pascal(item) for key, item in value.items()}
    return [pascal(item) for item in value] if isinstance(value, list) else value


def camel(value: Any) -> Any:
    """An answer with the names of inputs; the inverse of :func:`pascal`."""
    if isinstance(value, Mapping):
        return {camel_name(key): camel(item) for key, item in value.items()}
    return [camel(item) for item in value] if isinstance(value, list) else value


def camel_name(name: str) -> str:
    """Return an API name as the name of an input."""
    return _RENAMED_BACK.get(name, name[:1].lower() + name[1:])


def _booleans(value: Any, convert: Callable[[Any], Any]) -> Any:
    if isinstance(value, Mapping):
        return {
            key: convert(item) if key in _BOOLEANS else _booleans(item, convert)
            for key, item in value.items()
        }
    return [_booleans(item, convert) for item in value] if isinstance(value, list) else value


def _policy(answer: Any) -> str:
    """A policy as text; IAM quotes it as in an URL, and botocore decodes it in some answers only."""
    return unquote(answer) if isinstance(answer, str) else json.dumps(answer)


CONVERSIONS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "camel": camel,
    "document": _policy,
    # The part of a cluster's network that changes without its subnets.
    "endpoint": lambda network: {key: network.get(key, default) for key, default in _OPEN.items()},
    "log_types": lambda answer: sorted(type_ for one in answer if one["enabled"] for type_ in one["types"]),
    "mappings_read": lambda answer: camel(_booleans(answer, lambda value: str(value).lower())),
    "mappings_sent": lambda given: _booleans(pascal(given), lambda text: _TEXTS.get(text, text)),
    "network": lambda answer: {**_OPEN, **answer},
    "new_network": lambda given: {
        key: one for key, one in {**_OPEN, **given}.items() if key not in _ANSWERED
    },
    "pascal": pascal,
    "timestamp": lambda value: value.strftime("%Y-%m-%dT%H:%M:%SZ"),
}
"""Functions of one known value."""


def _removed_pairs(context: Context) -> Any:
    tags = context.both("tagsAll", {})
    return (
        UNKNOWN if tags is None else [{"Key": key} for key in sorted(tags[0].keys() - tags[1].keys())] or None
    )


def _tag_set(context: Context) -> Any:
    """All tags at once, and an empty list where the last one goes."""
    tags = context.inputs.get("tagsAll", {})
    return UNKNOWN if tags is UNKNOWN else tags_in("pairs", tags)


def _beyond(one: int, other: int) -> Callable[[Context], Any]:
    """The route tables that the update adds (1, 0), or removes (0, 1)."""

    def items(context: Context) -> Any:
        tables = context.both("routeTableIds", [])
        return UNKNOWN if tables is None else sorted(set(tables[one]) - set(tables[other])) or None

    return items


def _logging(context: Context) -> Any:
    """Turn each log type either on or off."""
    on = context.inputs.get("enabledClusterLogTypes", [])
    if contains_unknown(on):
        return UNKNOWN
    listed = ((on, True), ([type_ for type_ in _LOG_TYPES if type_ not in on], False))
    return {"clusterLogging": [{"types": types, "enabled": enabled} for types, enabled in listed if types]}


def _label_changes(context: Context) -> Any:
    labels = context.both("labels", {})
    if labels is None:
        return UNKNOWN
    return {"addOrUpdateLabels": labels[1], "removeLabels": sorted(labels[0].keys() - labels[1].keys())}


def _taint_changes(context: Context) -> Any:
    taints = context.both("taints", [])
    if taints is None:
        return UNKNOWN
    kept = {(taint["key"], taint["effect"]) for taint in taints[1]}
    gone = [taint for taint in taints[0] if (taint["key"], taint["effect"]) not in kept]
    return {"addOrUpdateTaints": taints[1], "removeTaints": gone}


COMPUTATIONS: Final[Mapping[str, Callable[[Context], Any]]] = {
    "added_items": _beyond(1, 0),
    "label_changes": _label_changes,
    # S3 refuses to hear of its first region.
    "location": lambda at: None if at.region == "us-east-1" else {"LocationConstraint": at.region},
    "logging": _logging,
    "removed_items": _beyond(0, 1),
    "removed_pairs": _removed_pairs,
    "tag_set": _tag_set,
    "taint_changes": _taint_changes,
}
"""Functions of the whole context; None leaves the parameter out."""


def route_id(inputs: Properties) -> str:
    """The id that the real provider gives to a route: its table, and a hash of its destination."""
    return f"r-{inputs['routeTableId']}{zlib.crc32(inputs['destinationCidrBlock'].encode())}"


def tags_in(form: str, tags: Mapping[str, str]) -> Any:
    """Tags in the form that a service takes (pairs, kms or map), in a fixed order."""
    if form == "map":
        return dict(sorted(tags.items()))
    key, value = ("TagKey", "TagValue") if form == "kms" else ("Key", "Value")
    return [{key: name, value: tags[name]} for name in sorted(tags)]


def tags_from(answer: Any) -> dict[str, str]:
    """Tags of an answer in any form, without AWS's own."""
    if not isinstance(answer, Mapping):
        pairs = answer or []
        answer = {tag.get("Key") or tag["TagKey"]: tag.get("Value", tag.get("TagValue", "")) for tag in pairs}
    return {key: answer[key] for key in sorted(answer) if not key.startswith("aws:")}
