"""Previews on the server: a dry run where one is possible, and the reason where it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from plugin_server import UNKNOWN, Properties
from sandbox.kubernetes.apply import Target, apply, explain, is_managed_by
from sandbox.kubernetes.client import ApiClient, ApiError, Json, UnreachableError
from sandbox.kubernetes.credentials import ClusterGoneError

_MADE_AT_WRITE: Final = ("creationTimestamp", "generation", "resourceVersion", "uid")

_ADDRESSES: Final = ("clusterIP", "clusterIPs", "healthCheckNodePort")


class NotValidatedError(Exception):
    """No dry run is possible yet; the text says why."""


def preview_create(client: ApiClient, target: Target) -> Json:
    """The object as the server would make it, with what only the real write decides unknown.

    Raises:
        NotValidatedError: something that it needs does not exist yet.
        ProviderError: the server would refuse it.
    """
    try:
        live = client.find(target.path)
    except (ApiError, UnreachableError, ClusterGoneError) as error:
        raise NotValidatedError(str(error)) from error
    if live is not None and not is_managed_by(live, target.manager):
        raise NotValidatedError(
            f"{target} exists already and is not this resource's: up will fail unless it is gone by then"
        )
    if live is not None and target.kind.name == "CustomResourceDefinition":
        raise NotValidatedError(f"{target} exists until its replacement deletes it")
    # An object that is about to be deleted and made anew is tried under another name.
    tried = target if live is None else _renamed(target, f"{target.name[:240]}-preview")
    made = _dry_run(client, tried)
    made["metadata"]["name"] = target.name
    return _with_unknowns(made, target.body)


def preview_update(client: ApiClient, target: Target) -> Json:
    """The object as the server would change it.

    Raises:
        NotValidatedError: something that it needs does not exist yet.
        ProviderError: the server would refuse it.
    """
    changed = _dry_run(client, target)
    changed["metadata"].pop("managedFields", None)
    for key in ("generation", "resourceVersion"):
        changed["metadata"][key] = UNKNOWN
    return changed


def _dry_run(client: ApiClient, target: Target) -> Json:
    try:
        return apply(client, replace(target, force=True), dry_run=True)
    except (UnreachableError, ClusterGoneError) as error:
        raise NotValidatedError(str(error)) from error
    except ApiError as error:
        if reason := _not_yet(error, target):
            raise NotValidatedError(reason) from error
        raise explain(target, error) from error


def _not_yet(error: ApiError, target: Target) -> str:
    """Why a refusal may be gone by the time of the update; empty when it will not be."""
    if error.status == 404:
        if error.details.get("kind") == "namespaces":
            return f"namespace {target.namespace} does not exist yet"
        return error.message
    if error.status != 403:
        return ""
    if any(cause.reason == "NamespaceTerminating" for cause in error.causes):
        return f"namespace {target.namespace} is being deleted"
    if "not found" in error.message or " cannot " in error.message:
        return error.message  # refers to an object of the same update, or the user may not dry-run
    return ""


def _renamed(target: Target, name: str) -> Target:
    body = {**target.body, "metadata": {**target.body["metadata"], "name": name}}
    return replace(target, name=name, body=body)


def _with_unknowns(made: Json, body: Mapping[str, Any]) -> Properties:
    uid = str(made["metadata"].get("uid", ""))
    result: dict[str, Any] = _hide(made, uid) if uid else made
    metadata = result["metadata"]
    metadata.pop("managedFields", None)
    metadata.update(dict.fromkeys(_MADE_AT_WRITE, UNKNOWN))
    result.pop("status", None)
    result["status"] = UNKNOWN
    if result.get("kind") == "Service":
        spec, asked = result.get("spec") or {}, body.get("spec") or {}
        for key in _ADDRESSES:
            if key in spec and key not in asked and asked.get("clusterIP") != "None":
                spec[key] = UNKNOWN
        for index, port in enumerate(spec.get("ports") or ()):
            wanted = (asked.get("ports") or [{}])[index : index + 1] or [{}]
            if "nodePort" in port and "nodePort" not in wanted[0]:
                port["nodePort"] = UNKNOWN
    return result


def _hide(value: Any, uid: str) -> Any:
    """The value with every text that holds the dry run's uid (a Job's labels do) unknown."""
    if isinstance(value, dict):
        return {key: _hide(item, uid) for key, item in value.items()}
    if isinstance(value, list):
        return [_hide(item, uid) for item in value]
    return UNKNOWN if isinstance(value, str) and uid in value else value
