"""Server-side apply: the one way in which objects are made and changed.

Each resource has a field manager of its own, ``pulumi-kubernetes-<hash of its URN>``. The real provider draws
the hash at random and keeps it in state; deriving it from the URN makes the server's record of managers say
which resource an object belongs to, so that a create whose answer was lost is found again.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from plugin_server import Properties, ProviderError
from sandbox.kubernetes.client import ApiClient, ApiError, Json
from sandbox.kubernetes.discovery import Kind
from sandbox.kubernetes.objects import (
    PATCH_FIELD_MANAGER,
    PATCH_FORCE,
    SERVER_METADATA,
    annotation,
    field,
    is_annotated,
    name_of,
    namespace_of,
    to_api,
)

_TAKEN_OVER: Final = ("before-first-apply", "kubectl", "pulumi-kubernetes", "pulumi-resource-kubernetes")
"""Managers whose fields an update takes without being forced (pulumi-kubernetes 4.32, await.go): a change
made with kubectl is drift to be corrected, not a conflict."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One object to be: where it lives and what it should say."""

    kind: Kind
    namespace: str
    """Empty for a cluster-scoped kind."""
    name: str
    body: Json
    manager: str
    force: bool

    @property
    def path(self) -> str:
        return self.kind.path(self.namespace, self.name)

    def __str__(self) -> str:
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind.name} {where}"


def target_of(
    urn: str,
    kind: Kind,
    inputs: Properties,
    *,
    default_namespace: str,
    manager: str = "",
    force: bool = False,
) -> Target:
    """The object that inputs describe.

    Args:
        urn: the resource, which its field manager is named after.
        kind: what the server knows of the kind.
        inputs: checked inputs without unknowns.
        default_namespace: for a namespaced kind whose inputs name none.
        manager: the field manager of earlier applies; empty for a new resource.
        force: take fields from any other manager.
    """
    namespace = (namespace_of(inputs) or default_namespace) if kind.namespaced else ""
    return Target(
        kind=kind,
        namespace=namespace,
        name=name_of(inputs),
        body=_body(inputs, namespace),
        manager=annotation(inputs, PATCH_FIELD_MANAGER) or manager or manager_of(urn),
        force=force or is_annotated(inputs, PATCH_FORCE),
    )


def manager_of(urn: str) -> str:
    """The field manager of a resource."""
    return "pulumi-kubernetes-" + hashlib.blake2b(urn.encode(), digest_size=6).hexdigest()


def is_managed_by(live: Mapping[str, Any], manager: str) -> bool:
    """Whether a live object was applied by this manager."""
    entries = field(live, "metadata", "managedFields") or ()
    return any(e.get("manager") == manager and e.get("operation") == "Apply" for e in entries)


def apply(client: ApiClient, target: Target, *, dry_run: bool) -> Json:
    """Makes the object say what it should; the object as it is, or would be, afterwards.

    Raises:
        ApiError: the server refuses; among others 409 when another manager owns a field.
    """
    try:
        return _apply(client, target, dry_run=dry_run, force=target.force)
    except ApiError as error:
        if error.status == 409 and _only_conflicts_with(error, _TAKEN_OVER):
            return _apply(client, target, dry_run=dry_run, force=True)
        raise


def _apply(client: ApiClient, target: Target, *, dry_run: bool, force: bool) -> Json:
    query = {"fieldManager": target.manager, "force": str(force).lower(), "fieldValidation": "Strict"}
    if dry_run:
        query["dryRun"] = "All"
    return client.apply(target.path, query, target.body)


def explain(target: Target, error: ApiError) -> ProviderError:
    """The server's refusal in words for the user: what, why and the fix."""
    if error.status == 409 and error.causes:
        return _explain_conflict(target, error)
    message = f"the API server refuses {target}: {error.message}"
    if "field is immutable" in error.message or "are forbidden" in error.message:
        fields = sorted({cause.field for cause in error.causes if cause.field})
        listed = ", ".join(f'"{field}"' for field in fields) or '"spec"'
        message += (
            f". The cluster does not change this in place: add replace_on_changes=[{listed}] to the "
            "resource's options to replace it"
        )
    return ProviderError(message)


def _explain_conflict(target: Target, error: ApiError) -> ProviderError:
    fields = "; ".join(f"{cause.field} ({cause.message})" for cause in error.causes)
    return ProviderError(
        f"server-side apply conflict on {target}: {fields}. Another manager owns these fields. Leave them "
        f'out of the program where it should keep them, or set the annotation "{PATCH_FORCE}": "true" to '
        "take them"
    )


def _only_conflicts_with(error: ApiError, managers: tuple[str, ...]) -> bool:
    conflicts = [cause.message for cause in error.causes if cause.reason == "FieldManagerConflict"]
    return bool(conflicts) and all(
        any(message.startswith(f'conflict with "{manager}') for manager in managers) for message in conflicts
    )


def _body(inputs: Properties, namespace: str) -> Json:
    body: dict[str, Any] = to_api(inputs)
    metadata = {k: v for k, v in (body.get("metadata") or {}).items() if k not in SERVER_METADATA}
    metadata.pop("namespace", None)
    if namespace:
        metadata["namespace"] = namespace
    body["metadata"] = metadata
    if body.get("kind") == "Secret" and "stringData" in body:
        # The server merges stringData into data on write; sent as data, a key that is dropped is removed.
        strings = {k: base64.b64encode(str(v).encode()).decode() for k, v in body.pop("stringData").items()}
        body["data"] = {**(body.get("data") or {}), **strings}
    return body
