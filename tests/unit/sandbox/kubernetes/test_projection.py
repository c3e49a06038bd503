from typing import Any

import pytest

from sandbox.kubernetes.projection import imported, project
from sandbox.kubernetes.quantities import same


def _pod(container: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": [container], **spec}}


NO_DRIFT: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "quantities in another spelling",
        _pod(
            {
                "name": "c",
                "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}, "limits": {"cpu": 2}},
            }
        ),
        _pod({"name": "c", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2"}}}),
    ),
    (
        "defaults of the server",
        _pod({"name": "c", "image": "i"}),
        {
            "spec": {
                "dnsPolicy": "ClusterFirst",
                "containers": [{"name": "c", "image": "i", "imagePullPolicy": "Always"}],
            }
        },
    ),
    (
        "a sidecar that something injected before ours",
        _pod({"name": "c", "image": "i"}),
        {"spec": {"containers": [{"name": "mesh", "image": "m"}, {"name": "c", "image": "i"}]}},
    ),
    (
        "empty values that the server leaves out",
        {"spec": {"hostNetwork": False, "ingress": [], "description": "", "nested": {"a": None}}},
        {"spec": {}},
    ),
    ("a selector for everything", {"spec": {"podSelector": {}}}, {"spec": {"podSelector": {}}}),
    ("an int-or-string", {"spec": {"maxSurge": "1"}}, {"spec": {"maxSurge": 1}}),
    ("a whole number that came as a double", {"spec": {"weight": 1.0}}, {"spec": {"weight": 1}}),
    (
        "annotations that others added",
        {"metadata": {"annotations": {"a": "b"}}},
        {"metadata": {"annotations": {"a": "b", "deployment.kubernetes.io/revision": "3"}}},
    ),
    ("status in the program's manifest", {"status": {"a": 1}}, {"status": {"a": 2}}),
    (
        "ports with the default protocol, in another order",
        {"spec": {"ports": [{"port": 80}, {"port": 90}]}},
        {"spec": {"ports": [{"port": 90, "protocol": "TCP"}, {"port": 80, "protocol": "TCP"}]}},
    ),
    (
        "names that the SDK spells with underscores",
        {"spec": {"x_kubernetes_preserve_unknown_fields": True}},
        {"spec": {"x-kubernetes-preserve-unknown-fields": True}},
    ),
    (
        "a Secret's strings, which live as base64",
        {"kind": "Secret", "stringData": {"a": "hello"}},
        {"kind": "Secret", "data": {"a": "aGVsbG8="}},
    ),
    (
        "base64 with a line break",
        {"kind": "Secret", "data": {"a": "aGVs\nbG8=\n"}},
        {"kind": "Secret", "data": {"a": "aGVsbG8="}},
    ),
]


@pytest.mark.parametrize(("what", "inputs", "live"), NO_DRIFT, ids=[case[0] for case in NO_DRIFT])
def test_no_drift_is_seen_in(what: str, inputs: dict[str, Any], live: dict[str, Any]) -> None:
    assert project(inputs, live) == inputs, what


DRIFT: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("a scaled deployment", {"spec": {"replicas": 1}}, {"spec": {"replicas": 5}}, {"spec": {"replicas": 5}}),
    ("a label that was removed", {"metadata": {"labels": {"a": "b"}}}, {"metadata": {}}, {"metadata": {}}),
    (
        "another image",
        _pod({"name": "c", "image": "i"}),
        _pod({"name": "c", "image": "j"}),
        _pod({"name": "c", "image": "j"}),
    ),
    (
        "a container that was removed",
        {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}},
        {"spec": {"containers": [{"name": "b"}]}},
        {"spec": {"containers": [{"name": "b"}]}},
    ),
    ("an argument more", _pod({"args": ["a"]}), _pod({"args": ["a", "b"]}), _pod({"args": ["a", "b"]})),
    (
        "less memory",
        _pod({"name": "c", "resources": {"limits": {"memory": "1Gi"}}}),
        _pod({"name": "c", "resources": {"limits": {"memory": "1G"}}}),
        _pod({"name": "c", "resources": {"limits": {"memory": "1G"}}}),
    ),
    (
        "text that only looks like a quantity",
        {"data": {"a": "1000m"}},
        {"data": {"a": "1"}},
        {"data": {"a": "1"}},
    ),
    (
        "a Secret's changed string",
        {"kind": "Secret", "stringData": {"a": "hello", "b": "x"}},
        {"kind": "Secret", "data": {"a": "Ynll"}},
        {"kind": "Secret", "stringData": {"a": "bye"}},
    ),
]


@pytest.mark.parametrize(("what", "inputs", "live", "seen"), DRIFT, ids=[case[0] for case in DRIFT])
def test_drift_is_seen_as_the_live_value_in(
    what: str, inputs: dict[str, Any], live: dict[str, Any], seen: dict[str, Any]
) -> None:
    assert project(inputs, live) == seen, what


def test_an_imported_object_keeps_what_a_program_could_have_written() -> None:
    live = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "uid": "u", "resourceVersion": "1", "managedFields": [{}]},
        "data": {"a": "1"},
        "status": {"x": 1},
    }
    assert imported(live) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a"},
        "data": {"a": "1"},
    }


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("1000m", 1, True),
        ("0.5", "500m", True),
        ("1Gi", "1073741824", True),
        ("1e3", "1k", True),
        ("1G", "1Gi", False),
        ("one", "one", False),
        (True, 1, False),
    ],
)
def test_quantities_compare_by_amount(one: Any, other: Any, equal: bool) -> None:
    assert same(one, other) is equal
