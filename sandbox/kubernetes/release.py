"""Helm releases, recorded only: no chart can be downloaded here, so nothing of one runs but its definitions.

The record is a ConfigMap in the release's namespace. It is not a Secret of type ``helm.sh/release.v1``, which
`helm list` would take for a release that works.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from plugin_server import (
    UNKNOWN,
    Change,
    Check,
    Checked,
    CheckFailure,
    Create,
    Created,
    Delete,
    Diff,
    Difference,
    Found,
    Properties,
    Read,
    Update,
    contains_unknown,
    differences,
)
from sandbox.kubernetes import chart_definitions
from sandbox.kubernetes.apply import Target, apply, explain
from sandbox.kubernetes.client import ApiError
from sandbox.kubernetes.cluster import Cluster
from sandbox.kubernetes.discovery import Kind
from sandbox.kubernetes.objects import field, text

LABEL: Final = "slipway.dev/recorded-release"
RECORDED: Final = "recorded only: no chart can be downloaded in the sandbox, so nothing of it runs"

_CONFIG_MAP: Final = Kind(api_version="v1", name="ConfigMap", plural="configmaps", namespaced=True)
_NAMESPACE: Final = Kind(api_version="v1", name="Namespace", plural="namespaces", namespaced=False)
_IDENTITY: Final = frozenset({"name", "namespace"})


def note(inputs: Properties) -> str:
    """What becomes of a release here, for the user."""
    definitions = chart_definitions.described(inputs)
    return f"{RECORDED}; {definitions}" if definitions else RECORDED


def check(request: Check, namespace: str) -> Checked:
    """Fills in the release's name and namespace; a chart is required."""
    inputs = {key: value for key, value in request.new_inputs.items() if value is not None}
    if inputs.get("chart", "") == "":
        return Checked(inputs=inputs, failures=(CheckFailure("chart", "a release needs a chart"),))
    inputs.setdefault("name", request.old_inputs.get("name", request.autoname()))
    inputs.setdefault("namespace", namespace)
    return Checked(inputs=inputs)


def diff(request: Diff) -> Difference:
    """A changed name or namespace replaces the release."""
    changed = differences(request.old_inputs, request.new_inputs)
    changes = tuple(
        Change(path=path, kind=kind, replaces=path[0] in _IDENTITY)  # type: ignore[arg-type] # differences' words
        for path, kind in changed
    )
    return Difference(changes=changes)


def create(cluster: Cluster, request: Create) -> Created:
    """Records a release."""
    if request.preview:
        return Created(id="", state={**request.inputs, "status": UNKNOWN})
    if request.inputs.get("createNamespace") is True:
        _make_namespace(cluster, request.urn, str(request.inputs["namespace"]))
    chart_definitions.install(cluster, request.inputs)
    _record(cluster, request.urn, request.inputs)
    identifier = f"{request.inputs['namespace']}/{request.inputs['name']}"
    return Created(id=identifier, state=_state(request.inputs))


def update(cluster: Cluster, request: Update) -> Properties:
    """Records a changed release."""
    if request.preview or contains_unknown(request.new_inputs):
        return {**request.new_inputs, "status": UNKNOWN}
    chart_definitions.install(cluster, request.new_inputs)
    _record(cluster, request.urn, request.new_inputs)
    return _state(request.new_inputs)


def read(cluster: Cluster, request: Read) -> Found | None:
    """The record; a release that this provider did not record cannot be read."""
    if cluster.client.find(_path(request.id)) is None:
        return None
    return Found(id=request.id, inputs=request.inputs, state=_state(request.inputs))


def delete(cluster: Cluster, request: Delete) -> None:
    """Removes the definitions that helm would remove, then the record."""
    chart_definitions.remove(cluster, request.inputs)
    try:
        cluster.client.delete(_path(request.id), {"propagationPolicy": "Background"})
    except ApiError as error:
        if error.status != 404:
            raise


def _state(inputs: Properties) -> Properties:
    chart = str(inputs.get("chart", ""))
    status: dict[str, Any] = {
        "name": inputs["name"],
        "namespace": inputs["namespace"],
        "chart": chart.rpartition("/")[2],
        "version": inputs.get("version", ""),
        "revision": 1,
        "status": "recorded",
    }
    return {**inputs, "resourceNames": {}, "status": status}


def _record(cluster: Cluster, urn: str, inputs: Properties) -> None:
    values = json.dumps(inputs.get("values") or {}, sort_keys=True)
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": _record_name(str(inputs["name"])),
            "namespace": inputs["namespace"],
            "labels": {LABEL: "true"},
        },
        "data": {
            "chart": str(inputs.get("chart", "")),
            "version": str(inputs.get("version", "")),
            "repository": text(inputs, "repositoryOpts", "repo") or str(field(inputs, "repository") or ""),
            # Values may hold secrets; the digest shows that they changed.
            "valuesDigest": "sha256:" + hashlib.sha256(values.encode()).hexdigest(),
            "note": note(inputs),
        },
    }
    _make(cluster, cluster.target(urn, _CONFIG_MAP, body))


def _make_namespace(cluster: Cluster, urn: str, name: str) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    target = cluster.target(urn, _NAMESPACE, body)
    if cluster.client.find(target.path) is None:
        _make(cluster, target)


def _make(cluster: Cluster, target: Target) -> None:
    try:
        cluster.in_order(lambda: apply(cluster.client, target, dry_run=False), lambda _: None)
    except ApiError as error:
        raise explain(target, error) from error


def _path(identifier: str) -> str:
    namespace, _, name = identifier.partition("/")
    return _CONFIG_MAP.path(namespace, _record_name(name))


def _record_name(release: str) -> str:
    return f"helm-release-{release}"
