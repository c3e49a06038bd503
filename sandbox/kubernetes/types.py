"""Resource type tokens: which are objects of the API, and which are not emulated."""

from __future__ import annotations

from typing import Final

from plugin_server import Properties
from sandbox.kubernetes.objects import text

HELM_RELEASE: Final = "kubernetes:helm.sh/v3:Release"

_REMOTE_COMPONENTS: Final = ("kubernetes:yaml", "kubernetes:kustomize", "kubernetes:helm.sh/")
"""Made inside the real provider out of files or charts; they need their contents, not a cluster."""


def api_version_and_kind(token: str, inputs: Properties) -> tuple[str, str]:
    """apiVersion and kind of a resource: its inputs' own, which the SDK sets, else its type's."""
    _, version, kind = token.split(":", 2)
    return text(inputs, "apiVersion") or version.removeprefix("core/"), text(inputs, "kind") or kind


def not_emulated(token: str, inputs: Properties) -> str:
    """Why a type cannot be served; empty when it can."""
    if token == HELM_RELEASE:
        return ""
    if token.startswith(_REMOTE_COMPONENTS):
        return f"{token} is not emulated: write its objects as resources"
    kind = token.rpartition(":")[2]
    declared = inputs.get("kind")
    if kind.endswith("Patch") and declared is not None and declared != kind:
        return f"{token} is not emulated: patches of objects that others own are for the real provider"
    if kind.endswith("List") and _is_built_in(token):
        return f"{token} cannot be created, with the real provider neither: write its items as resources"
    return ""


def _is_built_in(token: str) -> bool:
    """Whether a type is Kubernetes's own; a custom kind may well end in ``List``."""
    group = token.split(":")[1].partition("/")[0]
    return "." not in group or group.endswith(".k8s.io")
