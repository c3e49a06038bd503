"""Reading Kubernetes objects that are plain mappings: names, annotations, ids and what the server owns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from plugin_server import UNKNOWN, Properties

AUTONAMED: Final = "pulumi.com/autonamed"
SKIP_AWAIT: Final = "pulumi.com/skipAwait"
TIMEOUT_SECONDS: Final = "pulumi.com/timeoutSeconds"
PATCH_FORCE: Final = "pulumi.com/patchForce"
PATCH_FIELD_MANAGER: Final = "pulumi.com/patchFieldManager"
DELETION_PROPAGATION: Final = "pulumi.com/deletionPropagationPolicy"

WITHOUT_EFFECT: Final = ("pulumi.com/replaceUnready", "pulumi.com/waitFor")
"""The real provider's annotations that are not emulated; an object that has one is warned of."""

SERVER_METADATA: Final = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
"""Fields of metadata that only the server writes; in inputs they are dropped, as the real provider does."""

_DASHED: Final = {
    name: name.replace("_", "-")
    for name in (
        "x_kubernetes_embedded_resource",
        "x_kubernetes_int_or_string",
        "x_kubernetes_list_map_keys",
        "x_kubernetes_list_type",
        "x_kubernetes_map_type",
        "x_kubernetes_preserve_unknown_fields",
        "x_kubernetes_validations",
    )
}
"""Property names of the SDK and their names in the API (pulumi-kubernetes 4.32, provider.go)."""

_UNDERSCORED: Final = {dashed: name for name, dashed in _DASHED.items()}


def field(obj: Mapping[str, Any], *path: str) -> Any:
    """The value at a path of keys, or None where the path ends early."""
    value: Any = obj
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return value


def text(obj: Mapping[str, Any], *path: str) -> str:
    """The text at a path; empty when it is missing or unknown."""
    value = field(obj, *path)
    return value if isinstance(value, str) else ""


def number(obj: Mapping[str, Any], *path: str) -> int:
    """The number at a path; 0 when it is missing."""
    value = field(obj, *path)
    return value if isinstance(value, int) else 0


def annotation(obj: Mapping[str, Any], name: str) -> str:
    """An annotation's value; empty when it is missing."""
    return text(obj, "metadata", "annotations", name)


def is_annotated(obj: Mapping[str, Any], name: str) -> bool:
    """Whether an annotation says ``true``."""
    return annotation(obj, name) == "true"


def name_of(obj: Mapping[str, Any]) -> str:
    """The object's name; empty when it is missing or unknown."""
    return text(obj, "metadata", "name")


def namespace_of(obj: Mapping[str, Any]) -> str:
    """The object's namespace; empty when it has none."""
    return text(obj, "metadata", "namespace")


def id_of(obj: Mapping[str, Any]) -> str:
    """``namespace/name``, or ``name`` for a cluster-scoped object: the real provider's ids."""
    namespace = namespace_of(obj)
    return f"{namespace}/{name_of(obj)}" if namespace else name_of(obj)


def parse_id(identifier: str) -> tuple[str, str]:
    """Namespace (may be empty) and name of an id."""
    namespace, _, name = identifier.rpartition("/")
    return namespace, name


def condition(obj: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """One of ``status.conditions`` by its type; empty when it is not there."""
    for entry in field(obj, "status", "conditions") or ():
        if entry.get("type") == kind:
            return dict(entry)
    return {}


def to_api(value: Any) -> Any:
    """Properties as the API spells them: ``x_kubernetes_…`` becomes ``x-kubernetes-…``, nulls are left out."""
    if isinstance(value, Mapping):
        return {_DASHED.get(k, k): to_api(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [to_api(item) for item in value]
    return value


def from_api(value: Any) -> Any:
    """The converse of :func:`to_api`, for state that the SDK reads."""
    if isinstance(value, Mapping):
        return {_UNDERSCORED.get(k, k): from_api(v) for k, v in value.items()}
    if isinstance(value, list):
        return [from_api(item) for item in value]
    return value


def api_name(key: str) -> str:
    """One property name as the API spells it."""
    return _DASHED.get(key, key)


def without_server_fields(inputs: Properties) -> Properties:
    """Inputs without what only the server writes, which a pasted manifest may hold."""
    kept = dict(inputs)
    metadata = inputs.get("metadata")
    if isinstance(metadata, Mapping):
        kept["metadata"] = {k: v for k, v in metadata.items() if k not in SERVER_METADATA}
    if inputs.get("kind") == "CustomResourceDefinition":
        kept.pop("status", None)
    return kept


def metadata_is_unknown(inputs: Properties) -> bool:
    """Whether metadata, or the name in it, is not known yet."""
    metadata = inputs.get("metadata")
    return metadata is UNKNOWN or (isinstance(metadata, Mapping) and metadata.get("name") is UNKNOWN)
