"""Charts that carry definitions bring the real ones, and what we render fits them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from model_catalog import Environment, load_catalog
from planning import make_plan
from planning.observability import pod_monitor_spec, prometheus_rule_spec
from plugin_server import Check, Create, Created, Delete, ProviderError, Update
from sandbox.kubernetes import kubeconfig
from sandbox.kubernetes.client import ApiClient
from sandbox.kubernetes.provider import KubernetesProvider
from tests.support.pools import POOLS

pytestmark = pytest.mark.engine

RELEASE = "kubernetes:helm.sh/v3:Release"
GROUP = "monitoring.coreos.com"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NAMESPACE = "chart-definitions"
SERVERS = make_plan(
    load_catalog(),
    Environment.SANDBOX,
    POOLS,
).servers


@dataclass
class Cluster:
    """A provider on the session's control plane, and the API for looking."""

    provider: KubernetesProvider
    api: ApiClient
    lines: list[str] = field(default_factory=list)
    """What the user would see."""

    def status(self, urn: str, message: str) -> None:  # noqa: ARG002 (the protocol's form)
        self.lines.append(message)

    info = warning = status

    def inputs(self, token: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        check = Check(urn=_urn(token, name), old_inputs={}, new_inputs=inputs, random_seed=name.encode() * 4)
        return self.provider.check(check).inputs

    def create(self, token: str, name: str, inputs: dict[str, Any]) -> Created:
        checked = self.inputs(token, name, inputs)
        return self.provider.create(Create(urn=_urn(token, name), inputs=checked, timeout=60, preview=False))

    def delete(self, token: str, name: str, made: Created) -> None:
        self.provider.delete(
            Delete(urn=_urn(token, name), id=made.id, inputs=made.state, state=made.state, timeout=60)
        )

    def generations(self, group: str) -> dict[str, int]:
        """Definitions of a group: name → how often each was changed."""
        return {
            item["metadata"]["name"]: item["metadata"]["generation"]
            for item in self.api.get(DEFINITIONS)["items"]
            if item["spec"]["group"] == group
        }


@pytest.fixture(scope="module", name="cluster")
def _cluster(control_plane: Any) -> Iterator[Cluster]:
    """With the definitions of prometheus-operator-crds installed."""
    api = ApiClient(kubeconfig.access(json.loads(control_plane.admin_kubeconfig.read_text())))
    made = Cluster(provider=None, api=api)  # type: ignore[arg-type]  # it needs the cluster for its messages
    made.provider = KubernetesProvider(made)
    made.provider.configure({"kubeconfig": str(control_plane.admin_kubeconfig)})
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    api.apply(f"/api/v1/namespaces/{NAMESPACE}", {"fieldManager": "test"}, body)
    release = made.create(RELEASE, "definitions", chart("prometheus-operator-crds"))
    yield made
    made.delete(RELEASE, "definitions", release)
    api.delete(f"/api/v1/namespaces/{NAMESPACE}", {})
    left = made.generations(GROUP)
    made.provider.close()
    api.close()
    assert left == {}, "definitions that are templates of a chart go with its release"


def chart(name: str, **values: Any) -> dict[str, Any]:
    return {"chart": name, "name": name, "namespace": NAMESPACE, "version": "1", "values": values}


def monitoring_object(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": kind,
        "metadata": {"namespace": NAMESPACE},
        "spec": spec,
    }


def test_a_release_says_that_it_is_recorded_and_which_definitions_are_real(cluster: Cluster) -> None:
    (line,) = [line for line in cluster.lines if "prometheus-operator 0.93.1" in line]
    assert line.startswith("recorded only")
    assert line.endswith("its CRDs are installed (prometheus-operator/prometheus-operator 0.93.1)")
    assert len(cluster.generations(GROUP)) == 10


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_every_server_s_monitor_and_alerts_fit_the_real_definitions(cluster: Cluster, server: Any) -> None:
    for kind, spec in (
        ("PodMonitor", pod_monitor_spec(server)),
        ("PrometheusRule", prometheus_rule_spec(server, NAMESPACE)),
    ):
        token = f"kubernetes:{GROUP}/v1:{kind}"
        made = cluster.create(token, server.name, monitoring_object(kind, spec))
        assert made.state["spec"] == spec


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"podMetricsEndpoint": []}, "podMetricsEndpoint"),
        ({"selector": {"match_labels": {"a": "b"}}}, "match_labels"),
        ({"podMetricsEndpoints": [{"port": "metrics", "interval": "often"}]}, "interval"),
    ],
    ids=["misspelt", "snake case", "no duration"],
)
def test_a_spec_that_does_not_fit_is_refused_with_its_field(
    cluster: Cluster, wrong: dict[str, Any], said: str
) -> None:
    spec = {**pod_monitor_spec(SERVERS[0]), **wrong}
    with pytest.raises(ProviderError, match=said):
        cluster.create(f"kubernetes:{GROUP}/v1:PodMonitor", "wrong", monitoring_object("PodMonitor", spec))


def test_a_second_write_changes_no_definition(cluster: Cluster) -> None:
    before = cluster.generations(GROUP)
    inputs = cluster.inputs(RELEASE, "definitions", chart("prometheus-operator-crds"))
    update = Update(
        urn=_urn(RELEASE, "definitions"),
        id=f"{NAMESPACE}/prometheus-operator-crds",
        old_inputs=inputs,
        old_state=inputs,
        new_inputs={**inputs, "version": "2"},
        timeout=60,
        preview=False,
    )
    cluster.provider.update(update)
    assert cluster.generations(GROUP) == before


def test_definitions_of_another_release_are_not_taken_over(cluster: Cluster) -> None:
    with pytest.raises(ProviderError, match=r"belongs to release prometheus-operator-crds.*let one release"):
        cluster.create(RELEASE, "other", {**chart("prometheus-operator-crds"), "name": "other"})


@pytest.mark.parametrize("left_out", [{}, {"values": {"crds": {"enabled": False}}}, {"skipCrds": True}])
def test_a_chart_s_crds_folder_changes_no_definition_that_is_there_and_removes_none(
    cluster: Cluster, left_out: dict[str, Any]
) -> None:
    before, said = cluster.generations(GROUP), len(cluster.lines)
    stack = cluster.create(RELEASE, "stack", {**chart("kube-prometheus-stack"), **left_out})
    cluster.delete(RELEASE, "stack", stack)
    assert cluster.generations(GROUP) == before
    assert ("CRDs are installed" in cluster.lines[said]) is not bool(left_out)


def test_keda_s_definitions_come_and_go_with_its_release(cluster: Cluster) -> None:
    keda = cluster.create(RELEASE, "keda", chart("keda"))
    assert {"scaledjobs.keda.sh", "scaledobjects.keda.sh"} <= set(cluster.generations("keda.sh"))
    cluster.delete(RELEASE, "keda", keda)
    assert cluster.generations("keda.sh") == {}


def _urn(token: str, name: str) -> str:
    return f"urn:pulumi:sandbox::slipway::{token}::{name}"
