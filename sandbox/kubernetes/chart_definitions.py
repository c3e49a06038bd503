"""CustomResourceDefinitions that charts bring along: real ones, from the Go modules of the charts' operators.

Nothing else of a chart can be had here. Whose a definition is stands where helm writes it, in the annotations
meta.helm.sh/release-name and -namespace, and so survives a resource that moves to another stack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import yaml

from plugin_server import Properties, ProviderError
from sandbox.kubernetes.apply import Target, apply, explain
from sandbox.kubernetes.awaiting import NotReadyError, await_deleted, await_ready
from sandbox.kubernetes.client import ApiError, Json
from sandbox.kubernetes.cluster import Cluster
from sandbox.kubernetes.discovery import Kind
from sandbox.kubernetes.objects import field, text
from sandbox.toolchain.build import assets_of
from sandbox.toolchain.programs import KEDA_DEFINITIONS, PROMETHEUS_OPERATOR_DEFINITIONS, Module

_SECONDS: Final = 300.0
"""For a definition to be established, or gone. Ten of them take seconds on 2 idle cores, a minute with a load of 8."""

_OWNER_NAME: Final = "meta.helm.sh/release-name"
_OWNER_NAMESPACE: Final = "meta.helm.sh/release-namespace"
_KIND: Final = Kind(
    api_version="apiextensions.k8s.io/v1",
    name="CustomResourceDefinition",
    plural="customresourcedefinitions",
    namespaced=False,
)


@dataclass(frozen=True, kw_only=True)
class _Carried:
    module: Module
    switch: str
    """The value below `crds` that leaves them out when false; empty where there is none."""
    kept: bool
    """Whether they lie in the chart's crds/ folder: helm creates those once, never changes or removes them."""


# Read from the charts' sources: prometheus-community/helm-charts at cf408a290, kedacore/charts (2026-11-22).
_CHARTS: Final = {
    "keda": _Carried(module=KEDA_DEFINITIONS, switch="install", kept=False),
    "kube-prometheus-stack": _Carried(module=PROMETHEUS_OPERATOR_DEFINITIONS, switch="enabled", kept=True),
    "prometheus-operator-crds": _Carried(module=PROMETHEUS_OPERATOR_DEFINITIONS, switch="", kept=False),
}


class _Loader(yaml.CSafeLoader):
    """Takes a bare `=`, which YAML 1.1 gives a type of its own, for the text that it is."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: str(node.value))


def described(inputs: Properties) -> str:
    """What is installed of a release's definitions, for its status; empty for none."""
    carried = _carried(inputs)
    if carried is None:
        return ""
    return f"its CRDs are installed ({carried.module.source.rpartition('github.com/')[2]} {carried.module.version})"


def install(cluster: Cluster, inputs: Properties) -> None:
    """Makes the cluster know the release's kinds; again and again without a change.

    Raises:
        ProviderError: they belong to another release, or are not in the cache.
    """
    carried = _carried(inputs)
    if carried is None:
        return
    made = []
    for definition in _definitions(carried.module):
        live = cluster.client.find(_path(definition))
        if carried.kept and live is not None:
            continue
        if not carried.kept and live is not None and not _owned(live, inputs):
            raise ProviderError(_foreign(live, inputs))
        target = _target(definition if carried.kept else _marked(definition, inputs))
        try:
            made.append((target, apply(cluster.client, target, dry_run=False)))
        except ApiError as error:
            raise explain(target, error) from error
    for target, live in made:
        try:
            await_ready(cluster.client, target, live, _SECONDS, _silent)
        except NotReadyError as error:
            raise ProviderError(str(error)) from error


def remove(cluster: Cluster, inputs: Properties) -> None:
    """Removes what :func:`install` made, where helm would: with it go the objects of these kinds."""
    carried = _carried(inputs)
    if carried is None or carried.kept:
        return
    going = []
    for definition in _definitions(carried.module):
        live = cluster.client.find(_path(definition))
        if live is not None and _owned(live, inputs):
            try:
                cluster.client.delete(_path(definition), {"propagationPolicy": "Foreground"})
            except ApiError as error:
                if error.status != 404:
                    raise
            going.append((_target(definition), text(live, "metadata", "uid")))
    for target, uid in going:
        await_deleted(cluster.client, target, uid, _SECONDS, _silent)
        cluster.kinds.forget_group(text(target.body, "spec", "group"))


def _silent(_: str) -> None:
    """It takes a second or two: no word of progress is worth it."""


def _carried(inputs: Properties) -> _Carried | None:
    carried = _CHARTS.get(str(inputs.get("chart", "")).rpartition("/")[2])
    if carried is None or (carried.kept and inputs.get("skipCrds") is True):
        return None
    if carried.switch and field(inputs, "values", "crds", carried.switch) is False:
        return None
    return carried


def _definitions(module: Module) -> list[Json]:
    paths = assets_of(module)
    if not paths:
        raise ProviderError(f"{module.what} are not in the cache; run `slipway sandbox start`")
    read = []
    for path in paths:
        definition: dict[str, Any] = yaml.load(path.read_bytes(), _Loader)  # noqa: S506 (a safe loader)
        definition.pop("status", None)
        definition["metadata"].pop("creationTimestamp", None)
        read.append(definition)
    return read


def _marked(definition: Json, inputs: Properties) -> Json:
    metadata = definition["metadata"]
    owner = {_OWNER_NAME: str(inputs["name"]), _OWNER_NAMESPACE: str(inputs["namespace"])}
    labels = {**(metadata.get("labels") or {}), "app.kubernetes.io/managed-by": "Helm"}
    annotations = {**(metadata.get("annotations") or {}), **owner}
    return {**definition, "metadata": {**metadata, "annotations": annotations, "labels": labels}}


def _owned(live: Json, inputs: Properties) -> bool:
    annotations = field(live, "metadata", "annotations") or {}
    return (annotations.get(_OWNER_NAME), annotations.get(_OWNER_NAMESPACE)) == (
        inputs["name"],
        inputs["namespace"],
    )


def _foreign(live: Json, inputs: Properties) -> str:
    annotations = field(live, "metadata", "annotations") or {}
    owner = f"release {annotations[_OWNER_NAME]}" if _OWNER_NAME in annotations else "no release"
    return (
        f"CustomResourceDefinition {text(live, 'metadata', 'name')} exists and belongs to {owner}: helm would not "
        f"import it into {inputs['namespace']}/{inputs['name']}. Delete it, or let one release alone bring it"
    )


def _target(definition: Json) -> Target:
    name = text(definition, "metadata", "name")
    return Target(kind=_KIND, namespace="", name=name, body=definition, manager="helm", force=True)


def _path(definition: Json) -> str:
    return _KIND.path("", text(definition, "metadata", "name"))
