import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from model_catalog import Environment, Selector, Smoke, load_catalog
from model_catalog.rules.releases import images_of
from planning import AGENT_RESOURCES, NODE_DISK_GIB, TorchServeModelPlan, TorchServePlan, make_plan
from planning.workload import Manifest, Reference, manifests, torchserve_pod, torchserve_workload
from quantities import Bytes
from tests.support.pools import POOLS
from workloads.agent.__main__ import arguments

SERVERS = {
    server.name: server
    for server in make_plan(load_catalog(), Environment.DEV, POOLS).servers
    if isinstance(server, TorchServePlan)
}
SERVER = SERVERS["gpu-g4dn-xlarge-torchserve-1"]
ON_CPU = SERVERS["cpu-m6i-2xlarge-torchserve-1"]
OBJECTS = manifests(torchserve_workload(SERVER, "serving", "{}"))


def container(pod: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (one for one in containers(pod) if one["name"] == name)
    return found


@pytest.fixture(scope="module")
def deployment() -> dict[str, Any]:
    spec: dict[str, Any] = OBJECTS["server"]["spec"]
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
        "projected",
    }


def test_everything_torchserve_writes_to_is_an_emptydir(pod: dict[str, Any]) -> None:
    (server,) = pod["containers"]
    writable = {m["mountPath"] for m in server["volumeMounts"] if not m.get("readOnly")}
    env = {variable["name"]: variable["value"] for variable in server["env"]}
    for name in ("HOME", "LOG_LOCATION", "METRICS_LOCATION", "TEMP", "TMPDIR"):
        assert env[name] in writable, name
    assert server["workingDir"] in writable


def test_torchserve_stays_in_the_foreground_and_writes_no_snapshot(pod: dict[str, Any]) -> None:
    server = container(pod, "torchserve")
    assert server["command"][2].endswith('exec torchserve "$@"')
    assert server["args"] == [
        "--start",
        "--foreground",
        "--ncs",
        "--ts-config",
        "/etc/torchserve/config.properties",
    ]


def test_torchserve_begins_without_what_a_killed_one_has_unpacked(
    pod: dict[str, Any], tmp_path: Path
) -> None:
    server = container(pod, "torchserve")
    left = tmp_path / "models" / "left"
    left.mkdir(parents=True)
    started = tmp_path / "torchserve"
    started.write_text('#!/bin/sh\necho "$@"\n')
    started.chmod(0o755)
    ran = subprocess.run(  # noqa: S603 - the pod's own command
        [*server["command"], *server["args"]],
        env={"TEMP": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not left.exists()
    assert ran.stdout.split() == server["args"]


def test_torchserve_is_asked_for_an_answer_and_the_agent_whether_it_lives(pod: dict[str, Any]) -> None:
    server, agent = container(pod, "torchserve"), container(pod, "agent")
    for probe in ("startupProbe", "livenessProbe"):
        assert server[probe]["httpGet"] == {"path": "/api-description", "port": "inference"}, probe
    assert agent["livenessProbe"]["httpGet"] == {"path": "/live", "port": "agent"}


def test_a_torchserve_that_came_back_empty_is_not_ready_by_what_its_agent_said_before(
    pod: dict[str, Any],
) -> None:
    """A container's readiness begins anew with the container, whoever answers the probe; ports of another container
    have no name here."""
    server, agent = container(pod, "torchserve"), container(pod, "agent")
    assert server["readinessProbe"]["httpGet"] == {"path": "/ready", "port": SERVER.agent_port}
    assert "readinessProbe" not in agent, "a restart of the agent would wait for it"


def test_the_agent_runs_beside_torchserve_from_before_it_starts_until_after_it_ends(
    pod: dict[str, Any],
) -> None:
    (agent,) = pod["initContainers"]
    assert agent["name"] == "agent"
    assert agent["restartPolicy"] == "Always", "a sidecar, so the pod does not wait for its end"
    assert "startupProbe" not in agent, "TorchServe would wait for it"
    assert "lifecycle" not in agent, "it unregisters nothing at the end"
    assert agent["image"] == container(pod, "torchserve")["image"]


def test_prod_asks_for_the_digests_of_the_images_that_the_pod_has_and_of_no_other(
    pod: dict[str, Any],
) -> None:
    """Once its one image was pinned, a copier's that no pod of TorchServe runs would have kept it out of prod."""
    (entry,) = (one for one in load_catalog().entries if str(one.selector) == "QuestionAnswering/Reader")
    assert {one["image"] for one in containers(pod)} == {str(image) for image in images_of(entry)}


def test_the_agent_leaves_more_of_the_node_s_disk_than_the_kubelet_evicts_for(pod: dict[str, Any]) -> None:
    kept = Bytes(arguments(container(pod, "agent")["args"]).keep_free)
    disk = Bytes.mebibytes(NODE_DISK_GIB * 1024)
    assert disk / 10 < kept < disk / 4


def test_the_agent_is_told_what_it_takes(pod: dict[str, Any]) -> None:
    agent = container(pod, "agent")
    assert agent["command"] == ["python3", "-m", "workloads.agent"]
    assert all(isinstance(argument, str) for argument in agent["args"])
    chosen = arguments(agent["args"])
    mounted = {mount["name"]: mount["mountPath"] for mount in agent["volumeMounts"]}
    assert str(chosen.configuration) == f"{mounted['models-config']}/models.json"
    assert chosen.config_map == f"$(POD_NAMESPACE)/{SERVER.name}-models"
    assert chosen.source == Reference.BUCKET_URL
    assert str(chosen.model_store) == mounted["models"]
    assert chosen.state.is_relative_to(mounted["models"])
    assert chosen.worker_log.is_relative_to(mounted["logs"])
    assert chosen.listen.rpartition(":")[2] == "8090"
    env = [variable["name"] for variable in agent["env"]]
    assert {"AWS_REGION", "POD_NAME", "POD_NAMESPACE", "POD_UID", "PYTHONPATH"} == set(env) - {
        "PYTHONDONTWRITEBYTECODE"
    }


def test_a_worker_finds_where_its_weights_are_written(pod: dict[str, Any]) -> None:
    (found,) = (v["value"] for v in container(pod, "torchserve")["env"] if v["name"] == "SLIPWAY_VERSIONS")
    assert found == "/mnt/models/versions"
    assert {"name": "models", "mountPath": "/mnt/models"} in container(pod, "agent")["volumeMounts"]


def test_the_agent_alone_holds_a_kubernetes_token(pod: dict[str, Any]) -> None:
    (token,) = (volume for volume in pod["volumes"] if "projected" in volume)
    sources = token["projected"]["sources"]
    assert [next(iter(source)) for source in sources] == ["serviceAccountToken", "configMap"]
    assert sources[0]["serviceAccountToken"]["path"] == "token"
    assert sources[1]["configMap"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}]
    holders = [
        (one["name"], mount["mountPath"])
        for one in containers(pod)
        for mount in one["volumeMounts"]
        if mount["name"] == token["name"]
    ]
    assert holders == [("agent", "/var/run/secrets/kubernetes.io/serviceaccount")]


def test_the_container_that_runs_archives_code_gets_no_credentials_of_the_role(
    deployment: dict[str, Any],
) -> None:
    annotations = deployment["template"]["metadata"]["annotations"]
    assert annotations == {"eks.amazonaws.com/skip-containers": "torchserve"}
    assert "torchserve" in [one["name"] for one in containers(deployment["template"]["spec"])]


def test_its_role_names_one_configmap_and_lets_it_write_events() -> None:
    assert OBJECTS["agent-role"]["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "resourceNames": [f"{SERVER.name}-models"],
            "verbs": ["get", "list", "watch"],
        },
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
    ]
    (subject,) = OBJECTS["agent-binding"]["subjects"]
    assert (subject["kind"], subject["name"]) == ("ServiceAccount", Reference.SERVICE_ACCOUNT)


def test_the_pod_goes_to_its_pool_with_the_gpu_it_was_planned(pod: dict[str, Any]) -> None:
    assert pod["nodeSelector"] == {"slipway.dev/pool": "gpu-g4dn-xlarge"}
    assert pod["tolerations"] == [{"effect": "NoSchedule", "key": "nvidia.com/gpu", "operator": "Exists"}]
    resources = container(pod, "torchserve")["resources"]
    assert resources["requests"]["nvidia.com/gpu"] == resources["limits"]["nvidia.com/gpu"] == "1"
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
    assert "cpu" not in resources["limits"]


def test_both_containers_together_request_what_was_planned(pod: dict[str, Any]) -> None:
    requests = [one["resources"]["requests"] for one in containers(pod)]
    millicores = sum(int(request["cpu"].removesuffix("m")) for request in requests)
    mebibytes = sum(int(request["memory"].removesuffix("Mi")) for request in requests)
    assert millicores == SERVER.resources.millicores
    assert f"{mebibytes}Mi" == SERVER.resources.memory.kubernetes
    assert requests[0]["memory"] == AGENT_RESOURCES.memory.kubernetes
    assert "nvidia.com/gpu" not in requests[0]


def test_a_server_without_gpu_asks_for_none_and_tolerates_nothing() -> None:
    pod = torchserve_pod(ON_CPU).template()["spec"]
    assert pod["tolerations"] == []
    assert pod["nodeSelector"] == {"slipway.dev/pool": "cpu-m6i-2xlarge"}
    assert set(pod["containers"][0]["resources"]["limits"]) == {"memory"}
    assert pod["containers"][0]["image"] == "pytorch/torchserve:0.12.0-cpu"


def test_the_pod_holds_no_kubernetes_token_and_no_service_variables(pod: dict[str, Any]) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert OBJECTS["account"]["automountServiceAccountToken"] is False


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


def test_the_labels_of_a_shared_server_do_not_change_with_what_it_holds() -> None:
    assert len(OBJECTS) == 9
    for one in OBJECTS.values():
        assert not {"slipway.dev/task", "slipway.dev/model", "slipway.dev/owner"} & set(
            one["metadata"]["labels"]
        ), one["kind"]


def test_torchserve_s_own_configmap_is_immutable_and_the_agent_s_has_a_lasting_name(
    pod: dict[str, Any],
) -> None:
    config, models = OBJECTS["config"], OBJECTS["models"]
    assert config["immutable"] is True
    assert "name" not in config["metadata"], "Pulumi names it, so that another text has another name"
    assert "immutable" not in models
    assert models["metadata"]["name"] == f"{SERVER.name}-models"
    assert {"name": "config", "configMap": {"name": Reference.CONFIG_MAP}} in pod["volumes"]
    assert {"name": "models-config", "configMap": {"name": f"{SERVER.name}-models"}} in pod["volumes"]


def rendered(server: TorchServePlan, models: str) -> Mapping[str, Manifest]:
    return manifests(torchserve_workload(server, "serving", models))


def added(model: TorchServeModelPlan) -> TorchServeModelPlan:
    """Another variant, heavier and slower to start than any other."""
    selector = Selector(task=model.selector.task, model=model.selector.model, language="de", version="1")
    return replace(model, selector=selector, name="de_reader", version="1", default=True, archive="de.mar")


@pytest.mark.parametrize(
    "change", ["a model is added", "a version is retired", "a rollback", "a smoke input"]
)
def test_a_change_of_the_catalog_changes_one_configmap_and_nothing_else_of_the_server(change: str) -> None:
    first, second, third = SERVER.models
    models = {
        "a model is added": (added(first), first, second, third),
        "a version is retired": (first, third),
        "a rollback": (first, replace(second, default=True), replace(third, default=False)),
        "a smoke input": (
            replace(first, triple=first.triple.model_copy(update={"smoke": Smoke(body="{}")})),
            second,
            third,
        ),
    }[change]
    before, after = rendered(SERVER, "old"), rendered(replace(SERVER, models=models), "new")
    assert before.keys() == after.keys()
    assert [suffix for suffix in before if before[suffix] != after[suffix]] == ["models"]
    assert before["models"]["metadata"] == after["models"]["metadata"]


def test_a_longer_startup_than_was_planned_changes_no_object() -> None:
    slower = replace(SERVER, startup_budget=SERVER.startup_budget * 2)
    assert rendered(SERVER, "") == rendered(slower, "")


def test_an_override_that_a_running_torchserve_cannot_take_is_a_rollout() -> None:
    def annotations(*overrides: str) -> Mapping[str, str]:
        return torchserve_pod(replace(SERVER, fixed_overrides=overrides)).annotations

    one = annotations("QuestionAnswering/Reader/en@1 batch_size=2")
    other = annotations("QuestionAnswering/Reader/en@1 batch_size=4")
    assert "slipway.dev/overrides" not in annotations()
    assert one.keys() - annotations().keys() == {"slipway.dev/overrides"}
    assert one.keys() == other.keys()
    assert one != other


def test_torchserve_starts_without_models_and_takes_them_on_loopback_alone() -> None:
    lines = OBJECTS["config"]["data"]["config.properties"].splitlines()
    assert {"enable_model_api=true", "model_store=/mnt/models", "number_of_gpu=1"} <= set(lines)
    assert "management_address=http://127.0.0.1:8081" in lines
    assert not [line for line in lines if line.startswith(("load_models", "model_snapshot", "models"))]


@pytest.mark.parametrize("replicas", [1, 3])
def test_a_drain_takes_one_pod_at_a_time_and_is_never_blocked(replicas: int) -> None:
    budget = rendered(replace(SERVER, replicas=replicas), "")["disruption-budget"]["spec"]
    assert budget["maxUnavailable"] == 1
    assert "minAvailable" not in budget
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert budget["selector"]["matchLabels"] == {"slipway.dev/server": SERVER.name}


def test_the_service_has_the_ports_that_the_plan_opens_and_not_the_agent_s() -> None:
    ports = {port["name"]: port["port"] for port in OBJECTS["service"]["spec"]["ports"]}
    assert ports == {"inference": 8080, "metrics": 8082}


def test_the_network_policy_opens_no_way_to_the_management_api() -> None:
    spec = OBJECTS["network-policy"]["spec"]
    assert {port["port"] for rule in spec["ingress"] for port in rule["ports"]} == {8080, 8082, 8090}
    (agent,) = (rule for rule in spec["ingress"] if {"port": 8090, "protocol": "TCP"} in rule["ports"])
    assert [peer["namespaceSelector"]["matchLabels"] for peer in agent["from"]] == [
        {"slipway.dev/gateway": "true"},
        {"slipway.dev/monitoring": "true"},
    ]
    assert sorted(port["port"] for rule in spec["egress"] for port in rule["ports"]) == [53, 53, 80, 443]
    assert sorted(spec["policyTypes"]) == ["Egress", "Ingress"]
