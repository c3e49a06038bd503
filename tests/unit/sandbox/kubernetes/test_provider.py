import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from plugin_server import UNKNOWN, Check, Checked, Create, Delete, Diff, Difference, ProviderError, Read
from sandbox.kubernetes.provider import KubernetesProvider

KINDS = {
    "/api/v1": [
        {"name": "configmaps", "kind": "ConfigMap", "namespaced": True},
        {"name": "namespaces", "kind": "Namespace", "namespaced": False},
    ]
}


class Recorded:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def status(self, urn: str, message: str) -> None:  # noqa: ARG002 (the protocol's form)
        self.lines.append(message)

    info = warning = status


@pytest.fixture
def messages() -> Recorded:
    return Recorded()


@pytest.fixture
def provider(
    server: Any, messages: Recorded, kubeconfig_for: Callable[..., dict[str, Any]]
) -> Iterator[KubernetesProvider]:
    server.answer = lambda asked: (
        (200, {"resources": KINDS[asked.path]}) if asked.path in KINDS else (404, {})
    )
    made = KubernetesProvider(messages)
    made.configure({"kubeconfig": json.dumps(kubeconfig_for(server.url)), "namespace": "mine"})
    yield made
    made.close()


def _urn(token: str) -> str:
    return f"urn:pulumi:sandbox::slipway::{token}::thing"


CONFIG_MAP = _urn("kubernetes:core/v1:ConfigMap")


def _check(provider: KubernetesProvider, urn: str = CONFIG_MAP, **inputs: Any) -> Checked:
    return provider.check(Check(urn=urn, old_inputs={}, new_inputs=inputs, random_seed=b"s"))


def test_a_namespaced_object_without_a_namespace_gets_the_providers(provider: KubernetesProvider) -> None:
    assert _check(provider, metadata={"name": "a"}).inputs == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "mine"},
    }


def test_a_namespace_that_is_not_known_yet_stays_unknown(provider: KubernetesProvider) -> None:
    checked = _check(provider, metadata={"namespace": UNKNOWN, "name": "a"})
    assert checked.inputs["metadata"]["namespace"] is UNKNOWN


def test_a_cluster_scoped_object_loses_a_namespace(provider: KubernetesProvider) -> None:
    urn = _urn("kubernetes:core/v1:Namespace")
    checked = _check(provider, urn, metadata={"name": "a", "namespace": "b"})
    assert checked.inputs["metadata"] == {"name": "a"}


def test_what_only_the_server_writes_is_dropped_from_a_pasted_manifest(provider: KubernetesProvider) -> None:
    pasted = {"name": "a", "uid": "u", "creationTimestamp": None, "resourceVersion": "1"}
    assert _check(provider, metadata=pasted).inputs["metadata"] == {"name": "a", "namespace": "mine"}


def test_a_type_that_is_not_emulated_fails_the_check_by_name(provider: KubernetesProvider) -> None:
    (failure,) = _check(provider, _urn("kubernetes:yaml/v2:ConfigFile"), file="x").failures
    assert "kubernetes:yaml/v2:ConfigFile is not emulated" in failure.reason


def test_an_annotation_without_effect_here_is_warned_of(
    provider: KubernetesProvider, messages: Recorded
) -> None:
    _check(provider, metadata={"name": "a", "annotations": {"pulumi.com/waitFor": "condition=Ready"}})
    assert messages.lines == ["the annotation pulumi.com/waitFor has no effect in the sandbox"]


def _diff(provider: KubernetesProvider, old: dict[str, Any], new: dict[str, Any]) -> Difference:
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    state = {**kind, **old}
    return provider.diff(
        Diff(urn=CONFIG_MAP, id="n/a", old_inputs=state, old_state=state, new_inputs={**kind, **new})
    )


def test_learning_the_default_namespace_is_no_change(provider: KubernetesProvider) -> None:
    assert _diff(provider, {"metadata": {"name": "a"}}, {"metadata": {"name": "a", "namespace": "mine"}}) == (
        Difference()
    )


def test_data_that_is_not_known_yet_replaces_a_config_map(provider: KubernetesProvider) -> None:
    metadata = {"name": "a", "namespace": "n"}
    difference = _diff(
        provider,
        {"metadata": metadata, "data": {"a": "1"}},
        {"metadata": metadata, "data": {"a": UNKNOWN}},
    )
    assert difference.changes[0].replaces
    assert difference.delete_before_replace


def test_an_autonamed_object_is_replaced_before_the_old_one_is_deleted(provider: KubernetesProvider) -> None:
    metadata = {"name": "a-1", "namespace": "n", "annotations": {"pulumi.com/autonamed": "true"}}
    difference = _diff(
        provider, {"metadata": metadata, "data": {"a": "1"}}, {"metadata": metadata, "data": {"a": "2"}}
    )
    assert difference.changes[0].replaces
    assert not difference.delete_before_replace


def test_an_unknown_function_is_named(provider: KubernetesProvider) -> None:
    with pytest.raises(ProviderError, match="kubernetes:helm:template is not emulated"):
        provider.invoke("kubernetes:helm:template", {})


@pytest.fixture
def unreachable(
    messages: Recorded, kubeconfig_for: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., KubernetesProvider]:
    monkeypatch.setattr("sandbox.kubernetes.cluster.PATIENCE_SECONDS", 0.1)

    def make(**settings: Any) -> KubernetesProvider:
        made = KubernetesProvider(messages)
        # Port 1 is privileged and free: the connection is refused at once.
        made.configure({"kubeconfig": json.dumps(kubeconfig_for("http://127.0.0.1:1")), **settings})
        return made

    return make


_READ = Read(urn=CONFIG_MAP, id="n/a", inputs={"apiVersion": "v1", "kind": "ConfigMap"}, state={})


def test_a_cluster_that_does_not_answer_fails_a_read_and_a_delete(
    unreachable: Callable[..., KubernetesProvider],
) -> None:
    provider = unreachable()
    with pytest.raises(ProviderError, match="run `slipway sandbox start`"):
        provider.read(_READ)
    with pytest.raises(ProviderError, match="run `slipway sandbox start`"):
        provider.delete(Delete(urn=CONFIG_MAP, id="n/a", inputs=_READ.inputs, state={}, timeout=None))


def test_a_cluster_that_is_gone_is_forgotten_where_the_provider_says_so(
    unreachable: Callable[..., KubernetesProvider],
) -> None:
    assert unreachable(deleteUnreachable="true").read(_READ) is None


def test_a_preview_without_the_cluster_echoes_and_says_that_nothing_was_validated(
    unreachable: Callable[..., KubernetesProvider], messages: Recorded
) -> None:
    inputs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    created = unreachable().create(Create(urn=CONFIG_MAP, inputs=inputs, timeout=None, preview=True))
    assert created.state == inputs
    assert messages.lines[0].startswith("not validated: the API server at http://127.0.0.1:1 does not answer")
