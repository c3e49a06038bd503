import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components import ServerSite, TorchServeStack, TorchServeStackArgs
from components.torchserve_files import mounted_files
from model_catalog import Environment, load_catalog
from planning import TorchServePlan, make_plan
from tests.support.pools import POOLS
from tests.support.recording import Recording

SERVERS = {
    server.name: server
    for server in make_plan(load_catalog(), Environment.DEV, POOLS).servers
    if isinstance(server, TorchServePlan)
}
SERVER = SERVERS["gpu-g4dn-xlarge-torchserve-1"]
ON_CPU = SERVERS["cpu-m6i-2xlarge-torchserve-1"]
TYPE = "slipway:serving:TorchServeStack"


def stack_of(server: TorchServePlan, built: Callable[..., Recording]) -> Recording:
    def make(opts: pulumi.ResourceOptions) -> None:
        node = aws.iam.Role("node", assume_role_policy="{}", opts=pulumi.ResourceOptions.merge(opts, None))
        site = ServerSite(
            namespace="serving",
            region="eu-west-1",
            cluster_name="main",
            bucket_name="models",
            bucket_arn="arn:aws:s3:::models",
            key_arn="arn:key",
            after=(node,),
        )
        TorchServeStack("reader", TorchServeStackArgs(server=server, site=site), opts)

    return built(make)


@pytest.fixture(scope="module")
def recording(built: Callable[..., Recording]) -> Recording:
    return stack_of(SERVER, built)


@pytest.fixture(scope="module")
def deployment(recording: Recording) -> dict[str, Any]:
    spec: dict[str, Any] = recording.one("kubernetes:apps/v1:Deployment").inputs["spec"]
    return spec


@pytest.fixture(scope="module")
def pod(deployment: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = deployment["template"]["spec"]
    return spec


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod["initContainers"], *pod["containers"]]


def test_the_pod_meets_the_restricted_security_standard(pod: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(pod):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False, container["name"]
        assert context["capabilities"] == {"drop": ["ALL"]}, container["name"]
        assert context["readOnlyRootFilesystem"] is True, container["name"]
    assert {next(key for key in volume if key != "name") for volume in pod["volumes"]} == {
        "configMap",
        "emptyDir",
    }


def test_everything_torchserve_writes_to_is_an_emptydir(pod: dict[str, Any]) -> None:
    (server,) = pod["containers"]
    writable = {m["mountPath"] for m in server["volumeMounts"] if not m.get("readOnly")}
    env = {variable["name"]: variable["value"] for variable in server["env"]}
    for name in ("HOME", "LOG_LOCATION", "METRICS_LOCATION", "TEMP", "TMPDIR"):
        assert env[name] in writable, name
    assert server["workingDir"] in writable


def test_torchserve_stays_in_the_foreground_and_writes_no_snapshot(pod: dict[str, Any]) -> None:
    (server,) = pod["containers"]
    assert [*server["command"], *server["args"]] == [
        "torchserve",
        "--start",
        "--foreground",
        "--ncs",
        "--ts-config",
        "/etc/torchserve/config.properties",
    ]


def test_readiness_and_startup_ask_for_workers_and_liveness_for_an_answer(pod: dict[str, Any]) -> None:
    (server,) = pod["containers"]
    for probe in ("startupProbe", "readinessProbe"):
        assert server[probe]["exec"]["command"] == ["python3", "-I", "/etc/torchserve/ready.py"], probe
    assert server["livenessProbe"]["httpGet"] == {"path": "/api-description", "port": "inference"}
    startup = server["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= SERVER.startup_budget.total_seconds()


def test_the_pod_goes_to_its_pool_with_the_gpu_it_was_planned(pod: dict[str, Any]) -> None:
    assert pod["nodeSelector"] == {"slipway.dev/pool": "gpu-g4dn-xlarge"}
    assert pod["tolerations"] == [{"effect": "NoSchedule", "key": "nvidia.com/gpu", "operator": "Exists"}]
    resources = pod["containers"][0]["resources"]
    assert resources["requests"]["nvidia.com/gpu"] == resources["limits"]["nvidia.com/gpu"] == "1"
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
    assert "cpu" not in resources["limits"]


def test_a_server_without_gpu_asks_for_none_and_tolerates_nothing(built: Callable[..., Recording]) -> None:
    pod = stack_of(ON_CPU, built).one("kubernetes:apps/v1:Deployment").inputs["spec"]["template"]["spec"]
    assert pod.get("tolerations", []) == []
    assert pod["nodeSelector"] == {"slipway.dev/pool": "cpu-m6i-2xlarge"}
    assert set(pod["containers"][0]["resources"]["limits"]) == {"memory"}
    assert pod["containers"][0]["image"] == "pytorch/torchserve:0.12.0-cpu"


def test_the_pod_holds_no_kubernetes_token_and_no_service_variables(
    pod: dict[str, Any], recording: Recording
) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    account = recording.one("kubernetes:core/v1:ServiceAccount").inputs
    assert account["automountServiceAccountToken"] is False


def test_it_drains_before_it_stops_and_has_the_time_for_both(pod: dict[str, Any]) -> None:
    command = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert command == ["/bin/sh", "-c", "sleep 15; torchserve --stop"]
    assert pod["terminationGracePeriodSeconds"] > 15


def test_a_rollout_frees_a_gpu_before_it_asks_for_one(deployment: dict[str, Any]) -> None:
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_the_pods_it_counts_are_the_pods_it_makes(deployment: dict[str, Any]) -> None:
    selecting = deployment["selector"]["matchLabels"]
    labels = deployment["template"]["metadata"]["labels"]
    assert selecting == {"slipway.dev/server": SERVER.name}
    assert selecting.items() <= labels.items()
    assert {"app.kubernetes.io/name", "slipway.dev/environment"} <= set(labels)


def test_the_labels_of_a_shared_server_do_not_change_with_what_it_holds(recording: Recording) -> None:
    for kind in ("apps/v1:Deployment", "core/v1:Service", "core/v1:ConfigMap"):
        labels = recording.one(f"kubernetes:{kind}").inputs["metadata"]["labels"]
        assert not {"slipway.dev/task", "slipway.dev/model", "slipway.dev/owner"} & set(labels), kind


def test_a_new_configuration_is_a_new_configmap_and_so_a_rollout(recording: Recording) -> None:
    config = recording.one("kubernetes:core/v1:ConfigMap")
    assert "name" not in config.inputs["metadata"]
    volumes = recording.one("kubernetes:apps/v1:Deployment").inputs["spec"]["template"]["spec"]["volumes"]
    assert {"name": "config", "configMap": {"name": "reader-config-0a1b2c3"}} in volumes


def test_a_new_version_changes_the_configuration_and_nothing_else_of_the_pod_but_its_memory(
    built: Callable[..., Recording],
) -> None:
    third = replace(SERVER.models[2], version="3", default=False, archive="fr_reader_3.mar")
    grown = replace(SERVER, models=(*SERVER.models, third))
    before, after = (
        stack_of(server, built).one("kubernetes:apps/v1:Deployment").inputs for server in (SERVER, grown)
    )
    assert before == after
    assert mounted_files(SERVER) != mounted_files(grown)


def test_the_archives_are_copied_to_where_the_server_looks_for_them() -> None:
    files = mounted_files(SERVER)
    assert "model_store=/mnt/models\n" in files["config.properties"]
    for model in SERVER.models:
        assert f"/{model.archive_key} /mnt/models/{model.archive}\n" in files["fetch.sh"].replace(
            '"', "/"
        ).replace("//", "/")


def test_the_probe_expects_the_default_versions_alone() -> None:
    expected = json.loads(mounted_files(SERVER)["models.json"])
    assert expected["models"] == [
        {"min_workers": 1, "name": "en_reader", "version": "1"},
        {"min_workers": 1, "name": "fr_reader", "version": "2"},
    ]
    assert expected["management_url"] == "http://127.0.0.1:8081"


def test_its_role_reads_its_own_archives_and_nothing_more(recording: Recording) -> None:
    policy = json.loads(recording.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    prefix = "archives/dev/QuestionAnswering/Reader/"
    assert {s["Action"]: s["Resource"] for s in policy["Statement"]} == {
        "s3:GetObject": [f"arn:aws:s3:::models/{prefix}*"],
        "s3:ListBucket": "arn:aws:s3:::models",
        "kms:Decrypt": "arn:key",
    }
    listing = next(s for s in policy["Statement"] if s["Action"] == "s3:ListBucket")
    assert listing["Condition"] == {"StringLike": {"s3:prefix": [f"{prefix}*"]}}


def test_only_this_server_s_account_in_this_cluster_may_take_its_role(recording: Recording) -> None:
    trust = json.loads(recording.one("aws:iam/role:Role", "reader-role").inputs["assumeRolePolicy"])
    (statement,) = trust["Statement"]
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert sorted(statement["Action"]) == ["sts:AssumeRole", "sts:TagSession"], "Pod Identity needs both"
    assert statement["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-name": "main",
        "aws:RequestTag/kubernetes-namespace": "serving",
        "aws:RequestTag/kubernetes-service-account": SERVER.name,
    }


def test_pods_wait_for_nodes_role_and_network_policy(recording: Recording) -> None:
    dependencies = recording.one("kubernetes:apps/v1:Deployment").dependencies
    for type_, name in (
        ("aws:iam/role:Role", "node"),
        ("aws:eks/podIdentityAssociation:PodIdentityAssociation", None),
        ("aws:iam/rolePolicy:RolePolicy", None),
        ("kubernetes:networking.k8s.io/v1:NetworkPolicy", None),
    ):
        assert recording.one(type_, name).urn in dependencies, type_


def test_the_service_waits_for_the_pods_it_stands_for(recording: Recording) -> None:
    service = recording.one("kubernetes:core/v1:Service")
    assert recording.one("kubernetes:apps/v1:Deployment").urn in service.dependencies
    ports = {port["name"]: port["port"] for port in service.inputs["spec"]["ports"]}
    assert ports == {"inference": 8080, "metrics": 8082}


def test_the_network_policy_opens_no_way_to_the_management_api(recording: Recording) -> None:
    spec = recording.one("kubernetes:networking.k8s.io/v1:NetworkPolicy").inputs["spec"]
    assert {port["port"] for rule in spec["ingress"] for port in rule["ports"]} == {8080, 8082}
    assert sorted(port["port"] for rule in spec["egress"] for port in rule["ports"]) == [53, 53, 80, 443]
    assert sorted(spec["policyTypes"]) == ["Egress", "Ingress"]


def test_the_policy_that_was_read_archives_is_not_replaced(recording: Recording) -> None:
    policy = recording.one("aws:iam/rolePolicy:RolePolicy").request
    assert [alias.spec.name for alias in policy.aliases] == ["reader-read-archives"]


def test_it_registers_its_url(recording: Recording) -> None:
    assert recording.outputs[recording.one(TYPE).urn] == {"url": f"http://{SERVER.name}.serving.svc:8080"}


def test_all_its_parts_are_its_children(recording: Recording) -> None:
    parent = recording.one(TYPE).urn
    parts = [r for r in recording.resources if r.name.startswith("reader-")]
    assert len(parts) == 8
    assert {part.parent for part in parts} == {parent}
