"""Names of objects: generated where the program gives none, and checked before the cluster sees them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from plugin_server import Check, CheckFailure, Properties
from sandbox.kubernetes.discovery import group_of
from sandbox.kubernetes.objects import AUTONAMED, field, is_annotated, metadata_is_unknown, name_of, text

_SUFFIX_LENGTH: Final = 8
"""Hexadecimal digits after the logical name, as pulumi-kubernetes adds."""

_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")

_RULES: Final = {
    "label": (_LABEL, 63, "lowercase letters, digits and '-', at most 63 (RFC 1123 label)"),
    "subdomain": (
        _SUBDOMAIN,
        253,
        "lowercase letters, digits, '-' and '.', at most 253 (RFC 1123 subdomain)",
    ),
    "segment": (re.compile(r"(?!\.{1,2}\Z)[^/%]+"), 253, "anything but '/' and '%' (a path segment)"),
}

_RULE_OF_KIND: Final = {"Namespace": "label", "Service": "label"}
_RULE_OF_GROUP: Final = {"rbac.authorization.k8s.io": "segment"}


def _lacks_name(inputs: Properties) -> bool:
    """Whether a name is to be generated."""
    return not (metadata_is_unknown(inputs) or name_of(inputs))


def with_name(request: Check, inputs: Properties, lost_name: Callable[[], str]) -> Properties:
    """The inputs with a name: the program's, else the one generated before, else a new one.

    The engine sends no old inputs when it replaces a resource, so that a replacement gets a new name.

    Args:
        request: the engine's call.
        inputs: without a name, where the program gives none.
        lost_name: the name of an object that an update made for the resource before it was cut off, if any.
    """
    if not _lacks_name(inputs):
        return inputs
    if request.old_inputs and is_annotated(request.old_inputs, AUTONAMED):
        return _named(inputs, name_of(request.old_inputs))
    return _named(inputs, lost_name() or request.autoname(_SUFFIX_LENGTH))


def name_failures(inputs: Properties, logical_name: str) -> Iterator[CheckFailure]:
    """What is wrong with an object's metadata."""
    metadata = inputs.get("metadata")
    if not isinstance(metadata, dict):
        return
    if "generateName" in metadata:
        yield CheckFailure(
            "metadata.generateName",
            "not supported with server-side apply; leave out the name to have one generated, or set "
            "metadata.name",
        )
    name = name_of(inputs)
    if not name:
        return
    if reason := _fault(name, _rule(inputs)):
        origin = f"; it is generated from the resource's name {logical_name!r}" if _generated(inputs) else ""
        yield CheckFailure("metadata.name", f"{name!r} is not a valid name: {reason}{origin}")
    namespace = text(inputs, "metadata", "namespace")
    if namespace and (reason := _fault(namespace, "label")):
        yield CheckFailure("metadata.namespace", f"{namespace!r} is not a valid namespace: {reason}")


def _generated(inputs: Properties) -> bool:
    return is_annotated(inputs, AUTONAMED)


def _rule(inputs: Properties) -> str:
    kind = text(inputs, "kind")
    group = group_of(text(inputs, "apiVersion"))
    if group in _RULE_OF_GROUP:
        return _RULE_OF_GROUP[group]
    return _RULE_OF_KIND.get(kind, "subdomain") if group == "" else "subdomain"


def _fault(name: str, rule: str) -> str:
    pattern, limit, explanation = _RULES[rule]
    return "" if pattern.fullmatch(name) and len(name) <= limit else explanation


def _named(inputs: Properties, name: str) -> Properties:
    metadata: dict[str, Any] = dict(inputs.get("metadata") or {})
    annotations = field(metadata, "annotations")
    if isinstance(annotations, dict) or annotations is None:
        metadata["annotations"] = {**(annotations or {}), AUTONAMED: "true"}
    return {**inputs, "metadata": {**metadata, "name": name}}
