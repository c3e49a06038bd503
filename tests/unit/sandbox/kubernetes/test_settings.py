import json
from collections.abc import Callable
from typing import Any

import pytest

from plugin_server import UNKNOWN, ProviderError
from sandbox.kubernetes.settings import Settings, difference, failures

Config = Callable[..., dict[str, Any]]
LOCAL = "https://127.0.0.1:6443"


def _wrong(**inputs: Any) -> dict[str, str]:
    return {failure.property: failure.reason for failure in failures(inputs)}


def test_an_unknown_setting_is_named() -> None:
    assert _wrong(kubeConfig="x") == {"kubeConfig": "the kubernetes provider has no setting 'kubeConfig'"}


@pytest.mark.parametrize("value", [True, "true", False, "false"])
def test_switches_come_as_booleans_or_as_their_json(value: Any) -> None:
    assert _wrong(enableConfigMapMutable=value) == {}


def test_a_switch_that_is_neither_is_refused() -> None:
    assert "expected true or false" in _wrong(enablePatchForce="yes")["enablePatchForce"]


@pytest.mark.parametrize(
    ("key", "value"),
    [("enableServerSideApply", "false"), ("renderYamlToDirectory", "out"), ("upsertExistingObjects", "true")],
)
def test_what_is_not_emulated_is_refused_rather_than_ignored(key: str, value: str) -> None:
    assert "not emulated" in _wrong(**{key: value})[key]


def test_a_kubeconfig_that_is_not_known_yet_is_taken_as_right() -> None:
    assert _wrong(kubeconfig=UNKNOWN) == {}


def test_a_kubeconfig_of_a_real_cluster_fails_the_check(kubeconfig_for: Config) -> None:
    wrong = _wrong(kubeconfig=json.dumps(kubeconfig_for("https://1.2.3.4")))
    assert "not on this machine" in wrong["kubeconfig"]


def test_without_a_kubeconfig_the_ambient_one_is_never_used() -> None:
    with pytest.raises(ProviderError, match="has no kubeconfig"):
        Settings.of({})


def test_the_default_namespace_comes_from_the_provider_then_the_context(kubeconfig_for: Config) -> None:
    config = kubeconfig_for(LOCAL)
    assert Settings.of({"kubeconfig": json.dumps(config)}).namespace == "default"
    config["contexts"][0]["context"]["namespace"] = "mine"
    assert Settings.of({"kubeconfig": json.dumps(config)}).namespace == "mine"
    assert Settings.of({"kubeconfig": json.dumps(config), "namespace": "given"}).namespace == "given"


def _replaced(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return any(change.replaces for change in difference(old, new).changes)


def test_another_cluster_replaces_everything_and_another_user_nothing(kubeconfig_for: Config) -> None:
    old = {"kubeconfig": json.dumps(kubeconfig_for(LOCAL))}
    other_user = {"kubeconfig": json.dumps(kubeconfig_for(LOCAL, {"token": "x"}))}
    other_cluster = {"kubeconfig": json.dumps(kubeconfig_for("https://127.0.0.1:7443"))}
    assert not _replaced(old, old)
    assert not _replaced(old, other_user)
    assert difference(old, other_user).changes
    assert _replaced(old, other_cluster)


def test_a_kubeconfig_that_is_not_known_yet_may_be_another_cluster(kubeconfig_for: Config) -> None:
    assert _replaced({"kubeconfig": json.dumps(kubeconfig_for(LOCAL))}, {"kubeconfig": UNKNOWN})


def test_the_cluster_identifier_decides_alone_once_it_is_set(kubeconfig_for: Config) -> None:
    old = {"kubeconfig": json.dumps(kubeconfig_for(LOCAL)), "clusterIdentifier": "a"}
    assert not _replaced(old, {**old, "kubeconfig": UNKNOWN})
    assert _replaced(old, {**old, "clusterIdentifier": "b"})
