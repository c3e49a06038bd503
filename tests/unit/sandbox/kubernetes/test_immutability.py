from typing import Any

import pytest

from plugin_server import differences
from sandbox.kubernetes.immutability import immutable_paths, replaces


def _replaced_by(old: dict[str, Any], new: dict[str, Any], **mutable: bool) -> bool:
    settings = {"config_maps_mutable": False, "secrets_mutable": False, **mutable}
    paths = immutable_paths(old, new, **settings)
    return any(replaces(path, paths) for path, _ in differences(old, new))


def _object(version: str, kind: str, **rest: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "a", "namespace": "n"}, **rest}


CASES = [
    ("a ConfigMap's data", _object("v1", "ConfigMap", data={"a": "1"}), {"data": {"a": "2"}}, True),
    ("a key added to a ConfigMap", _object("v1", "ConfigMap", data={}), {"data": {"b": "2"}}, True),
    ("a Secret's strings", _object("v1", "Secret", stringData={"a": "1"}), {"stringData": {"a": "2"}}, True),
    ("a Secret's type", _object("v1", "Secret", type="Opaque"), {"type": "x"}, True),
    (
        "labels",
        _object("v1", "ConfigMap"),
        {"metadata": {"name": "a", "namespace": "n", "labels": {}}},
        False,
    ),
    ("the name", _object("v1", "Pod"), {"metadata": {"name": "b", "namespace": "n"}}, True),
    ("the namespace", _object("v1", "Pod"), {"metadata": {"name": "a", "namespace": "m"}}, True),
    (
        "a Deployment's selector",
        _object("apps/v1", "Deployment", spec={"selector": {"matchLabels": {"a": "b"}}}),
        {"spec": {"selector": {"matchLabels": {"a": "c"}}}},
        True,
    ),
    ("replicas", _object("apps/v1", "Deployment", spec={"replicas": 1}), {"spec": {"replicas": 2}}, False),
    (
        "a StatefulSet's service",
        _object("apps/v1", "StatefulSet", spec={"serviceName": "a"}),
        {"spec": {"serviceName": "b"}},
        True,
    ),
    (
        "an image in a Job's template",
        _object("batch/v1", "Job", spec={"template": {"spec": {"containers": [{"image": "a"}]}}}),
        {"spec": {"template": {"spec": {"containers": [{"image": "b"}]}}}},
        True,
    ),
    (
        "a Job's deadline",
        _object("batch/v1", "Job", spec={"activeDeadlineSeconds": 1}),
        {"spec": {"activeDeadlineSeconds": 2}},
        False,
    ),
    (
        "a Pod's image",
        _object("v1", "Pod", spec={"containers": [{"image": "a"}]}),
        {"spec": {"containers": [{"image": "b"}]}},
        True,
    ),
    (
        "a Pod's tolerations",
        _object("v1", "Pod", spec={"tolerations": []}),
        {"spec": {"tolerations": [{"operator": "Exists"}]}},
        False,
    ),
    ("a Service's type", _object("v1", "Service", spec={"type": "a"}), {"spec": {"type": "b"}}, False),
    ("a Service's address", _object("v1", "Service", spec={}), {"spec": {"clusterIP": "None"}}, True),
    (
        "a claim's class",
        _object("v1", "PersistentVolumeClaim", spec={"storageClassName": "a"}),
        {"spec": {"storageClassName": "b"}},
        True,
    ),
    (
        "a claim's size",
        _object("v1", "PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "1Gi"}}}),
        {"spec": {"resources": {"requests": {"storage": "2Gi"}}}},
        False,
    ),
    (
        "a binding's role",
        _object("rbac.authorization.k8s.io/v1", "RoleBinding", roleRef={"name": "a"}),
        {"roleRef": {"name": "b"}},
        True,
    ),
    (
        "the API version within a group",
        _object("apps/v1beta1", "Deployment"),
        {"apiVersion": "apps/v1"},
        False,
    ),
    ("the API group", _object("extensions/v1", "Ingress"), {"apiVersion": "networking.k8s.io/v1"}, True),
]


@pytest.mark.parametrize(("what", "old", "change", "replaced"), CASES, ids=[case[0] for case in CASES])
def test_what_replaces_an_object(
    what: str, old: dict[str, Any], change: dict[str, Any], replaced: bool
) -> None:
    assert _replaced_by(old, {**old, **change}) is replaced, what


def test_mutable_config_maps_and_secrets_are_changed_in_place_where_the_provider_says_so() -> None:
    config, secret = _object("v1", "ConfigMap", data={"a": "1"}), _object("v1", "Secret", data={"a": "MQ=="})
    assert not _replaced_by(config, {**config, "data": {"a": "2"}}, config_maps_mutable=True)
    assert not _replaced_by(secret, {**secret, "data": {"a": "Mg=="}}, secrets_mutable=True)


def test_an_object_marked_immutable_is_replaced_even_then() -> None:
    config = _object("v1", "ConfigMap", data={"a": "1"}, immutable=True)
    assert _replaced_by(config, {**config, "data": {"a": "2"}}, config_maps_mutable=True)
    assert _replaced_by(config, {**config, "immutable": False}, config_maps_mutable=True)
