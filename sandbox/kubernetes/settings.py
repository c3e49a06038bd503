"""The provider's own configuration: what it accepts, and when a change of it replaces everything."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from plugin_server import UNKNOWN, Change, CheckFailure, Difference, Properties, ProviderError
from sandbox.kubernetes import kubeconfig

_TEXTS: Final = frozenset({"kubeconfig", "context", "cluster", "namespace", "clusterIdentifier"})
_UNREACHABLE: Final = "PULUMI_K8S_DELETE_UNREACHABLE"
"""Stands for the setting deleteUnreachable, with the real provider too."""

_SWITCHES: Final = frozenset(
    {
        "deleteUnreachable",
        "enableConfigMapMutable",
        "enablePatchForce",
        "enableSecretMutable",
        "enableServerSideApply",
        "skipUpdateUnreachable",
        "strictMode",
        "suppressDeprecationWarnings",
        "suppressHelmHookWarnings",
        "suppressHelmReleaseBetaWarning",
        "upsertExistingObjects",
    }
)
_IGNORED: Final = frozenset(
    {"helmReleaseSettings", "kubeClientSettings", "version", "pluginDownloadURL", "__internal"}
)
"""Accepted without effect: rate limits of the client, Helm's own settings, the engine's own keys."""

_NOT_EMULATED: Final = {
    "alwaysRender": "rendering to files is not emulated",
    "renderYamlToDirectory": "rendering to files is not emulated",
    "skipUpdateUnreachable": "skipping an unreachable cluster is not emulated",
    "upsertExistingObjects": "upserts are not emulated: import the object instead",
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The provider's configuration once all of it is known."""

    access: kubeconfig.ClusterAccess
    namespace: str
    """Namespace of objects that name none."""
    config_maps_mutable: bool
    secrets_mutable: bool
    patch_force: bool
    delete_unreachable: bool

    @classmethod
    def of(cls, inputs: Properties) -> Settings:
        """Settings of checked inputs.

        Raises:
            ProviderError: there is no kubeconfig, or it names no cluster on this machine.
        """
        text = inputs.get("kubeconfig")
        if not text:
            raise ProviderError(
                "the kubernetes provider has no kubeconfig: pass the cluster's as "
                "pulumi_kubernetes.Provider(kubeconfig=…); the emulated one never uses ~/.kube/config"
            )
        config = kubeconfig.parse(text)
        access = kubeconfig.access(config, inputs.get("context") or "", inputs.get("cluster") or "")
        return cls(
            access=access,
            namespace=inputs.get("namespace") or access.namespace or "default",
            config_maps_mutable=_switch(inputs, "enableConfigMapMutable"),
            secrets_mutable=_switch(inputs, "enableSecretMutable"),
            patch_force=_switch(inputs, "enablePatchForce"),
            delete_unreachable=_switch(inputs, "deleteUnreachable") or os.environ.get(_UNREACHABLE) == "true",
        )


def failures(inputs: Properties) -> Iterator[CheckFailure]:
    """What is wrong with a configuration; values that are not known yet are taken as right."""
    for key, value in sorted(inputs.items()):
        if value is UNKNOWN or value is None:
            continue
        if key not in _TEXTS | _SWITCHES | _IGNORED | _NOT_EMULATED.keys():
            yield CheckFailure(key, f"the kubernetes provider has no setting {key!r}")
        elif key in _SWITCHES | {"alwaysRender"} and _parse_switch(value) is None:
            yield CheckFailure(key, f"expected true or false, got {value!r}")
        elif key in _NOT_EMULATED and value not in (False, "false", ""):
            yield CheckFailure(key, _NOT_EMULATED[key])
        elif key == "enableServerSideApply" and not _parse_switch(value):
            yield CheckFailure(key, "client-side apply is not emulated; leave it at true, the default")
        elif key in _TEXTS and not isinstance(value, str):
            yield CheckFailure(key, f"expected text, got {type(value).__name__}")
    yield from _kubeconfig_failures(inputs)


def _kubeconfig_failures(inputs: Properties) -> Iterator[CheckFailure]:
    parts = [inputs.get(key, "") for key in ("kubeconfig", "context", "cluster")]
    if not all(isinstance(part, str) for part in parts):
        return
    text, context, cluster = parts
    if not text:
        return
    try:
        kubeconfig.access(kubeconfig.parse(text), context, cluster)
    except ProviderError as error:
        yield CheckFailure("kubeconfig", str(error).removeprefix("kubeconfig: "))


def difference(old: Properties, new: Properties) -> Difference:
    """What a changed configuration means, by the real provider's rules.

    A changed clusterIdentifier replaces everything; an unchanged one replaces nothing, whatever else
    changes. Without it the active cluster's entry in the kubeconfig is the cluster's identity.
    """
    changed = [k for k in sorted(old.keys() | new.keys()) if not _same(old.get(k), new.get(k))]
    replacing: set[str] = set()
    if all(values.get("clusterIdentifier") not in (None, "") for values in (old, new)):
        if "clusterIdentifier" in changed:
            replacing = {"clusterIdentifier"}
    elif _cluster_changed(old, new):
        replacing = {"kubeconfig", "context", "cluster"} & set(changed)
    return Difference(
        changes=tuple(
            Change(path=(key,), kind=_kind(key, old, new), replaces=key in replacing) for key in changed
        )
    )


def _cluster_changed(old: Properties, new: Properties) -> bool:
    keys = ("kubeconfig", "context", "cluster")
    if any(new.get(key) is UNKNOWN for key in keys):
        return True  # the real provider's choice as well: it cannot know, so it plans for the worst
    before, after = (_active(values) for values in (old, new))
    return before is not None and after is not None and before != after


def _active(values: Properties) -> dict[str, Any] | None:
    try:
        config = kubeconfig.parse(values.get("kubeconfig") or "{}")
    except ProviderError:
        return None
    return kubeconfig.active_cluster(config, values.get("context") or "", values.get("cluster") or "")


def _kind(key: str, old: Properties, new: Properties) -> Any:
    if key not in old:
        return "add"
    return "delete" if key not in new else "update"


def _same(old: Any, new: Any) -> bool:
    return old is not UNKNOWN and new is not UNKNOWN and old == new


def _switch(inputs: Properties, key: str) -> bool:
    return bool(_parse_switch(inputs.get(key)))


def _parse_switch(value: Any) -> bool | None:
    """A switch as the engine sends it: a boolean, or its JSON as text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, bool) else None
