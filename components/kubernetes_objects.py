"""Objects of the cluster, declared from manifests: plain mappings with the API's own keys."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from planning.workload import Manifest, Reference

KINDS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "ConfigMap": k8s.core.v1.ConfigMap,
        "Deployment": k8s.apps.v1.Deployment,
        "NetworkPolicy": k8s.networking.v1.NetworkPolicy,
        "PodDisruptionBudget": k8s.policy.v1.PodDisruptionBudget,
        "Role": k8s.rbac.v1.Role,
        "RoleBinding": k8s.rbac.v1.RoleBinding,
        "Service": k8s.core.v1.Service,
        "ServiceAccount": k8s.core.v1.ServiceAccount,
    }
)
"""Kind → its resource. Any other kind is a CustomResource."""


def declare(
    name: str,
    manifest: Manifest,
    known: Mapping[Reference, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> Any:
    """Declare one object, with its references filled in. Its kind decides the class, and so the type of the result."""
    values = {_python_name(key): _filled(value, known) for key, value in manifest.items()}
    make = KINDS.get(manifest["kind"])
    if make is None:
        return k8s.apiextensions.CustomResource(name, **values, opts=opts)
    del values["api_version"], values["kind"]
    return make(name, **values, opts=opts)


def _python_name(key: str) -> str:
    """Spell a key of an object as its resource's argument: roleRef → role_ref. Below that, keys stay as they are."""
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", key)


def _filled(value: Any, known: Mapping[Reference, pulumi.Input[str]]) -> Any:
    match value:
        case Reference():
            return known[value]
        case Mapping():
            return {key: _filled(part, known) for key, part in value.items()}
        case list() | tuple():
            return [_filled(part, known) for part in value]
        case _:
            return value
