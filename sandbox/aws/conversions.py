"""The named functions of the tables: for what data cannot say about a parameter, an output or an id."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote

from plugin_server.values import UNKNOWN, Properties, contains_unknown

_RENAMED: Final = {"id": "ID", "kmsMasterKeyId": "KMSMasterKeyID", "sseAlgorithm": "SSEAlgorithm"}
"""Input names whose API name is not the same word with a capital letter."""

_RENAMED_BACK: Final = {api: own for own, api in _RENAMED.items()}
_BOOLEANS: Final = ("DeleteOnTermination", "Encrypted")
"""Parts of a block device that the SDK has as text, EC2 as booleans."""

_LOG_TYPES: Final = ("api", "audit", "authenticator", "controllerManager", "scheduler")
_OPEN: Final = {
    "endpointPublicAccess": True,
    "endpointPrivateAccess": False,
    "publicAccessCidrs": ["0.0.0.0/0"],
}
"""What EKS takes for a property of the endpoint that is left out."""

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
    """One API name as an input's."""
    return _RENAMED_BACK.get(name, name[:1].lower() + name[1:])


def _booleans(value: Any, convert: Callable[[Any], Any]) -> Any:
    if isinstance(value, Mapping):
        return {
            key: convert(item) if key in _BOOLEANS else _booleans(item, convert)
            for key, item in value.items()
        }
    return [_booleans(item, convert) for item in value] if isinstance(value, list) else value


def _mappings_sent(mappings: Any) -> Any:
    return _booleans(
        pascal(mappings),
        lambda text: {"true": True, "false": False}[text] if text in ("true", "false") else text,
    )


def _mappings_read(mappings: Any) -> Any:
    return camel(_booleans(mappings, lambda value: str(value).lower()))


def _document(answer: Any) -> str:
    """A policy as text; IAM quotes it as in an URL, and botocore decodes it in some answers only."""
    return unquote(answer) if isinstance(answer, str) else json.dumps(answer)


def _timestamp(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def _network(value: Any) -> Any:
    """The network of a cluster as EKS holds it."""
    return {**_OPEN, **value}


def _new_network(value: Any) -> Any:
    return {key: item for key, item in _network(value).items() if key not in _ANSWERED}


def _endpoint(value: Any) -> Any:
    """The part of the network that changes without the subnets."""
    return {key: value.get(key, default) for key, default in _OPEN.items()}


def _log_types(answer: Any) -> list[str]:
    """The types that are on."""
    return sorted(type_ for logging in answer if logging["enabled"] for type_ in logging["types"])


def _own_disk(observed: Any) -> int | None:
    """The disk of a node group in GiB; a launch template has its own."""
    return None if observed["record"].get("launchTemplate") else int(observed["group"]["diskSize"])


CONVERSIONS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "camel": camel,
    "document": _document,
    "endpoint": _endpoint,
    "log_types": _log_types,
    "mappings_read": _mappings_read,
    "mappings_sent": _mappings_sent,
    "network": _network,
    "new_network": _new_network,
    "own_disk": _own_disk,
    "pascal": pascal,
    "timestamp": _timestamp,
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


def _location(context: Context) -> Any:
    """The region, which S3 refuses to hear where it is its first one."""
    return None if context.region == "us-east-1" else {"LocationConstraint": context.region}


def _added_items(context: Context) -> Any:
    tables = context.both("routeTableIds", [])
    return UNKNOWN if tables is None else sorted(set(tables[1]) - set(tables[0])) or None


def _removed_items(context: Context) -> Any:
    tables = context.both("routeTableIds", [])
    return UNKNOWN if tables is None else sorted(set(tables[0]) - set(tables[1])) or None


def _logging(context: Context) -> Any:
    """Each type either on or off."""
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
    "added_items": _added_items,
    "label_changes": _label_changes,
    "location": _location,
    "logging": _logging,
    "removed_items": _removed_items,
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
