from typing import Any

import pytest

from plugin_server import UNKNOWN, Check
from sandbox.kubernetes.naming import name_failures, with_name

URN = "urn:pulumi:sandbox::slipway::kubernetes:core/v1:ConfigMap::config"


def _check(
    new: dict[str, Any], old: dict[str, Any] | None = None, seed: bytes = b"seed", lost: str = ""
) -> dict[str, Any]:
    request = Check(urn=URN, old_inputs=old or {}, new_inputs=new, random_seed=seed)
    return with_name(request, new, lambda: lost)


def test_an_unnamed_object_gets_its_logical_name_and_eight_digits() -> None:
    metadata = _check({})["metadata"]
    prefix, _, digits = metadata["name"].rpartition("-")
    assert (prefix, len(digits), metadata["annotations"]) == ("config", 8, {"pulumi.com/autonamed": "true"})


def test_a_generated_name_is_the_same_for_the_same_seed_only() -> None:
    assert _check({}) == _check({})
    assert _check({})["metadata"]["name"] != _check({}, seed=b"other")["metadata"]["name"]


def test_a_generated_name_stays_through_updates() -> None:
    first = _check({"data": {"a": "1"}})
    second = _check({"data": {"a": "2"}}, old=first, seed=b"other")
    assert second["metadata"] == first["metadata"]


def test_a_replacement_gets_another_name_because_the_engine_sends_no_old_inputs() -> None:
    first = _check({})
    assert _check({}, old={}, seed=b"other")["metadata"]["name"] != first["metadata"]["name"]


def test_a_lost_object_gives_its_name_to_a_resource_that_has_none() -> None:
    assert _check({}, lost="config-0a1b2c3d")["metadata"]["name"] == "config-0a1b2c3d"
    first = _check({})
    assert _check({}, old=first, lost="config-0a1b2c3d")["metadata"] == first["metadata"]
    assert _check({"metadata": {"name": "mine"}}, lost="config-0a1b2c3d")["metadata"]["name"] == "mine"


def test_a_name_from_the_program_is_left_alone() -> None:
    assert _check({"metadata": {"name": "mine"}}) == {"metadata": {"name": "mine"}}


@pytest.mark.parametrize("metadata", [UNKNOWN, {"name": UNKNOWN}])
def test_a_name_that_is_not_known_yet_is_left_alone(metadata: Any) -> None:
    assert _check({"metadata": metadata})["metadata"] is metadata


@pytest.mark.parametrize(
    ("version", "kind", "name", "valid"),
    [
        ("v1", "ConfigMap", "a.b-c", True),
        ("v1", "ConfigMap", "A", False),
        ("v1", "ConfigMap", "a_b", False),
        ("v1", "Namespace", "a.b", False),
        ("v1", "Namespace", "a" * 64, False),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", "system:a", True),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", "a/b", False),
        ("keda.sh/v1alpha1", "ScaledObject", "reader-fr", True),
    ],
)
def test_a_name_that_the_cluster_would_refuse_fails_the_check(
    version: str, kind: str, name: str, valid: bool
) -> None:
    inputs = {"apiVersion": version, "kind": kind, "metadata": {"name": name}}
    assert [failure.property for failure in name_failures(inputs, "x")] == (
        [] if valid else ["metadata.name"]
    )


def test_generate_name_is_refused_with_the_alternative() -> None:
    (failure,) = name_failures({"metadata": {"generateName": "a-"}}, "x")
    assert failure.property == "metadata.generateName"
    assert "leave out the name" in failure.reason
