import json
from collections.abc import Callable

import pulumi
import pulumi_kubernetes as k8s
import pytest

from components import Monitoring, MonitoringArgs, ServerMonitoring, ServerMonitoringArgs
from model_catalog import Environment, load_catalog
from planning import TorchServePlan, make_plan
from planning.workload import torchserve_workload
from tests.support.pools import POOLS
from tests.support.recording import Recording

RELEASE = "kubernetes:helm.sh/v3:Release"
NAMESPACE = "kubernetes:core/v1:Namespace"
(SERVER, *_) = (
    server
    for server in make_plan(load_catalog(), Environment.DEV, POOLS).servers
    if isinstance(server, TorchServePlan)
)


def monitoring(built: Callable[..., Recording], *gpu_pools: str, mirror: str = "") -> Recording:
    def make(opts: pulumi.ResourceOptions) -> None:
        nodes = k8s.core.v1.ConfigMap("nodes", opts=pulumi.ResourceOptions.merge(opts, None))
        args = MonitoringArgs(
            system_pool="system",
            gpu_pools=gpu_pools,
            vpc_cidr="10.60.0.0/16",
            serving_namespace="slipway-serving",
            chart_mirror=mirror,
            after=(nodes,),
        )
        Monitoring("monitoring", args, opts)

    return built(make)


@pytest.fixture(scope="module")
def recording(built: Callable[..., Recording]) -> Recording:
    return monitoring(built, "gpu-b", "gpu-a")


@pytest.fixture(scope="module")
def watched(built: Callable[..., Recording]) -> Recording:
    def make(opts: pulumi.ResourceOptions) -> None:
        definitions = k8s.core.v1.ConfigMap("definitions", opts=pulumi.ResourceOptions.merge(opts, None))
        spec = torchserve_workload(SERVER, "serving", "{}")
        args = ServerMonitoringArgs(spec=spec, after=(definitions,))
        ServerMonitoring("fast-text-monitoring", args, opts)

    return built(make)


def test_every_chart_is_pinned_and_named_after_itself(recording: Recording) -> None:
    releases = {r.inputs["chart"]: r.inputs for r in recording.of_type(RELEASE)}
    assert {chart: inputs["version"] for chart, inputs in releases.items()} == {
        "dcgm-exporter": "4.8.2",
        "kube-prometheus-stack": "88.5.3",
        "prometheus-operator-crds": "31.0.1",
    }
    for chart, inputs in releases.items():
        assert inputs["name"] == chart
        assert inputs["repositoryOpts"]["repo"].startswith("https://")


@pytest.mark.parametrize("mirror", ["https://charts.example.com/helm", "company-mirror"])
def test_a_mirror_has_every_chart_under_the_charts_own_name(
    built: Callable[..., Recording], mirror: str
) -> None:
    releases = monitoring(built, "gpu-a", mirror=mirror).of_type(RELEASE)
    assert {r.inputs["repositoryOpts"]["repo"] for r in releases} == {mirror}
    assert all(r.inputs["chart"] == r.inputs["name"] for r in releases)


def test_a_mirror_in_a_registry_is_part_of_the_charts_name(built: Callable[..., Recording]) -> None:
    releases = monitoring(built, "gpu-a", mirror="oci://registry.example.com/charts/").of_type(RELEASE)
    assert {r.inputs["chart"] for r in releases} == {
        f"oci://registry.example.com/charts/{r.inputs['name']}" for r in releases
    }
    assert not any("repositoryOpts" in r.inputs for r in releases)


def test_definitions_come_before_all_else_and_from_one_release_alone(recording: Recording) -> None:
    definitions = recording.one(RELEASE, "monitoring-definitions")
    for name in ("monitoring-stack", "monitoring-gpus"):
        assert definitions.urn in recording.one(RELEASE, name).dependencies
    assert recording.one(RELEASE, "monitoring-stack").inputs["values"]["crds"] == {"enabled": False}


def test_pods_wait_for_nodes_and_definitions_do_not(recording: Recording) -> None:
    nodes = recording.one("kubernetes:core/v1:ConfigMap", "nodes").urn
    assert nodes in recording.one(RELEASE, "monitoring-stack").dependencies
    assert nodes not in recording.one(RELEASE, "monitoring-definitions").dependencies


def test_prometheus_takes_monitors_and_rules_that_bear_no_label_of_the_release(recording: Recording) -> None:
    spec = recording.one(RELEASE, "monitoring-stack").inputs["values"]["prometheus"]["prometheusSpec"]
    switches = {key: value for key, value in spec.items() if key.endswith("SelectorNilUsesHelmValues")}
    assert set(switches) == {
        f"{kind}SelectorNilUsesHelmValues"
        for kind in ("podMonitor", "probe", "rule", "scrapeConfig", "serviceMonitor")
    }
    assert set(switches.values()) == {False}


def test_no_value_is_a_password_or_a_secret(recording: Recording) -> None:
    for release in recording.of_type(RELEASE):
        assert release.secrets == frozenset()
        assert "assword" not in json.dumps(release.inputs["values"])


def test_one_namespace_is_restricted_and_the_exporters_have_one_of_their_own(recording: Recording) -> None:
    labels = {
        r.inputs["metadata"]["name"]: r.inputs["metadata"]["labels"] for r in recording.of_type(NAMESPACE)
    }
    enforced = {name: values["pod-security.kubernetes.io/enforce"] for name, values in labels.items()}
    assert enforced == {"slipway-monitoring": "restricted", "slipway-node-metrics": "privileged"}
    namespaces = {r.name: r.inputs["namespace"] for r in recording.of_type(RELEASE)}
    assert namespaces == {
        "monitoring-definitions": "slipway-monitoring",
        "monitoring-gpus": "slipway-node-metrics",
        "monitoring-stack": "slipway-monitoring",
    }
    values = recording.one(RELEASE, "monitoring-stack").inputs["values"]
    assert values["prometheus-node-exporter"]["namespaceOverride"] == "slipway-node-metrics"


def test_only_prometheus_s_namespace_may_scrape_servers(recording: Recording) -> None:
    scraping = [
        r.inputs["metadata"]["name"]
        for r in recording.of_type(NAMESPACE)
        if r.inputs["metadata"]["labels"].get("slipway.dev/monitoring")
    ]
    assert scraping == ["slipway-monitoring"]


def test_gpus_are_measured_where_they_are_and_nowhere_else(recording: Recording) -> None:
    values = recording.one(RELEASE, "monitoring-gpus").inputs["values"]
    node_affinity = values["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (term,) = node_affinity["nodeSelectorTerms"]
    assert term["matchExpressions"] == [
        {"key": "slipway.dev/pool", "operator": "In", "values": ["gpu-a", "gpu-b"]}
    ]
    assert values["tolerations"] == [{"effect": "NoSchedule", "key": "nvidia.com/gpu", "operator": "Exists"}]


def test_without_gpu_pools_there_is_no_gpu_exporter(built: Callable[..., Recording]) -> None:
    names = [release.name for release in monitoring(built).of_type(RELEASE)]
    assert sorted(names) == ["monitoring-definitions", "monitoring-stack"]


def test_all_but_the_exporters_run_on_the_system_pool(recording: Recording) -> None:
    values = recording.one(RELEASE, "monitoring-stack").inputs["values"]
    for part in (
        values["alertmanager"]["alertmanagerSpec"],
        values["grafana"],
        values["kube-state-metrics"],
        values["prometheus"]["prometheusSpec"],
        values["prometheusOperator"],
    ):
        assert part["nodeSelector"] == {"slipway.dev/pool": "system"}


def test_alerts_can_tell_pods_by_server(recording: Recording) -> None:
    values = recording.one(RELEASE, "monitoring-stack").inputs["values"]
    assert "pods=[slipway.dev/server]" in values["kube-state-metrics"]["metricLabelsAllowlist"]


def test_a_server_s_monitor_and_alerts_lie_beside_it_and_wait_for_their_kinds(watched: Recording) -> None:
    definitions = watched.one("kubernetes:core/v1:ConfigMap", "definitions").urn
    parent = watched.one("slipway:monitoring:ServerMonitoring").urn
    for kind, name in (
        ("PodMonitor", "fast-text-monitoring-pods"),
        ("PrometheusRule", "fast-text-monitoring-alerts"),
    ):
        made = watched.one(f"kubernetes:monitoring.coreos.com/v1:{kind}", name)
        assert made.parent == parent
        assert definitions in made.dependencies
        assert made.inputs["metadata"]["namespace"] == "serving"
        assert made.inputs["metadata"]["labels"]["slipway.dev/server"] == SERVER.name
