"""Which fields cannot change in place: the table of pulumi-kubernetes 4.32 (provider/pkg/provider/diff.go).

It is a property of the provider, not of the API server: the server also refuses some fields that are not
here, and then the update fails and says so, with the real provider as with this one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sandbox.kubernetes.discovery import group_of
from sandbox.kubernetes.objects import text

Path = tuple[str, ...]
"""Keys from the object's root; ``*`` stands for each element of a list."""

_CONTAINER_FIELDS: Final = (
    "args", "command", "env", "image", "imagePullPolicy", "lifecycle", "livenessProbe", "ports",
    "readinessProbe", "resources", "securityContext", "stdin", "stdinOnce", "terminationMessagePath",
    "terminationMessagePolicy", "tty", "volumeDevices", "volumeMounts", "workingDir",
)  # fmt: skip

_POD_FIELDS: Final = (
    "affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy", "enableServiceLinks",
    "hostAliases", "hostIPC", "hostNetwork", "hostPID", "hostname", "imagePullSecrets", "nodeName",
    "nodeSelector", "overhead", "preemptionPolicy", "priority", "priorityClassName", "readinessGates",
    "restartPolicy", "runtimeClassName", "schedulerName", "securityContext", "serviceAccount",
    "serviceAccountName", "shareProcessNamespace", "subdomain", "terminationGracePeriodSeconds", "volumes",
)  # fmt: skip

_VOLUME_SOURCES: Final = (
    "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume",
    "flocker", "gcePersistentDisk", "glusterfs", "hostPath", "iscsi", "local", "nfs",
    "photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume",
)  # fmt: skip


def _spec(*names: str) -> tuple[Path, ...]:
    return tuple(("spec", name) for name in names)


_POD: Final = (
    *_spec(*_POD_FIELDS),
    *(
        ("spec", containers, "*", name)
        for containers in ("containers", "initContainers")
        for name in _CONTAINER_FIELDS
    ),
)

_BY_KIND: Final[Mapping[tuple[str, str], tuple[Path, ...]]] = {
    ("", "PersistentVolume"): _spec(*_VOLUME_SOURCES),
    ("", "PersistentVolumeClaim"): _spec("accessModes", "selector", "storageClassName", "volumeName"),
    ("", "Pod"): _POD,
    ("", "ResourceQuota"): _spec("scopes"),
    ("", "Secret"): (("type",),),
    ("", "Service"): _spec("clusterIP"),
    ("apps", "DaemonSet"): _spec("selector"),
    ("apps", "Deployment"): _spec("selector"),
    ("apps", "StatefulSet"): _spec(
        "podManagementPolicy", "revisionHistoryLimit", "selector", "serviceName", "volumeClaimTemplates"
    ),
    ("batch", "Job"): _spec("completions", "parallelism", "selector", "template"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): (("roleRef",),),
    ("rbac.authorization.k8s.io", "RoleBinding"): (("roleRef",),),
    ("storage.k8s.io", "StorageClass"): (("parameters",), ("provisioner",)),
}

_ALWAYS: Final[tuple[Path, ...]] = (("metadata", "name"), ("metadata", "namespace"), ("kind",))

_CONFIG_MAP_DATA: Final[tuple[Path, ...]] = (("data",), ("binaryData",))
_SECRET_DATA: Final[tuple[Path, ...]] = (("data",), ("stringData",))


def immutable_paths(
    old: Mapping[str, Any], new: Mapping[str, Any], *, config_maps_mutable: bool, secrets_mutable: bool
) -> tuple[Path, ...]:
    """The fields of this object whose change replaces it."""
    group, kind = group_of(text(new, "apiVersion")), text(new, "kind")
    paths = _ALWAYS + _BY_KIND.get((group, kind), ())
    if group_of(text(old, "apiVersion")) != group:
        paths += (("apiVersion",),)
    frozen = old.get("immutable") is True
    if (group, kind) == ("", "ConfigMap") and (frozen or not config_maps_mutable):
        paths += _CONFIG_MAP_DATA
    if (group, kind) == ("", "Secret") and (frozen or not secrets_mutable):
        paths += _SECRET_DATA
    if frozen and kind in ("ConfigMap", "Secret"):
        paths += (("immutable",),)
    return paths


def replaces(changed: Sequence[str | int], immutable: Sequence[Path]) -> bool:
    """Whether a change at this path touches an immutable field: lies in it, or covers it."""
    return any(_overlap(changed, path) for path in immutable)


def _overlap(changed: Sequence[str | int], immutable: Path) -> bool:
    return all(
        step == wanted or (wanted == "*" and isinstance(step, int))
        for step, wanted in zip(changed, immutable, strict=False)
    )
