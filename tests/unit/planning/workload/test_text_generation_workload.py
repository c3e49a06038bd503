from dataclasses import replace
from typing import Any

import pytest

from engines import FETCH_IMAGE
from model_catalog import BucketArtifact, Environment, load_catalog
from planning import TextGenerationPlan, make_plan
from planning.workload import Manifest, Reference, manifests, text_generation_pod, text_generation_workload
from tests.support.language_models import DIGEST, served
from tests.support.pools import POOLS
from tests.unit.planning.entries import VLLM_CATALOG
from workloads.fetch import WantedFolder
from workloads.fetch.__main__ import arguments

(UNSERVED,) = (
    server
    for server in make_plan(load_catalog(), Environment.DEV, POOLS).servers
    if isinstance(server, TextGenerationPlan)
)
SERVER = served(UNSERVED)
(VLLM_SERVER,) = (
    server
    for server in make_plan(VLLM_CATALOG, Environment.SANDBOX, POOLS).servers
    if isinstance(server, TextGenerationPlan)
)
OTHER = f"sha256:{'f' * 64}"


def objects(server: TextGenerationPlan) -> dict[str, Manifest]:
    return manifests(text_generation_workload(server, "serving"))


OBJECTS = objects(SERVER)


@pytest.fixture(scope="module")
def deployment() -> dict[str, Any]:
    spec: dict[str, Any] = OBJECTS["server"]["spec"]
    return spec


@pytest.fixture(scope="module")
def pod(deployment: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = deployment["template"]["spec"]
    return spec


def variables(container: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container["env"]}


def test_the_pod_meets_the_restricted_security_standard(pod: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in (*pod["initContainers"], *pod["containers"]):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False, container["name"]
        assert context["capabilities"] == {"drop": ["ALL"]}, container["name"]
        assert context["readOnlyRootFilesystem"] is True, container["name"]
    assert {next(key for key in volume if key != "name") for volume in pod["volumes"]} == {"emptyDir"}


def test_it_listens_above_1024_because_a_user_without_capabilities_cannot_bind_80(
    pod: dict[str, Any],
) -> None:
    (server,) = pod["containers"]
    assert server["ports"] == [{"containerPort": 8080, "name": "inference"}]
    assert variables(server)["PORT"] == "8080"


def test_what_it_writes_to_is_an_emptydir(pod: dict[str, Any]) -> None:
    (server,) = pod["containers"]
    paths = {mount["mountPath"] for mount in server["volumeMounts"]}
    env = variables(server)
    assert {env["HOME"], env["HF_HOME"], "/tmp", "/dev/shm"} <= paths  # noqa: S108 - mounts of the pod
    assert any(env["MODEL_ID"].startswith(f"{path}/") for path in paths)


def test_shards_meet_in_shared_memory_that_the_pod_s_memory_has_room_for(pod: dict[str, Any]) -> None:
    volume = next(volume for volume in pod["volumes"] if volume["name"] == "shared-memory")
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "1024Mi"}


def test_every_probe_asks_health_and_startup_has_the_whole_budget(pod: dict[str, Any]) -> None:
    (server,) = pod["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert server[probe]["httpGet"] == {"path": "/health", "port": "inference"}, probe
    startup = server["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= SERVER.startup_budget.total_seconds()


def test_the_pod_goes_to_its_pool_with_the_gpus_it_was_planned(pod: dict[str, Any]) -> None:
    assert pod["nodeSelector"] == {"slipway.dev/pool": "gpu-g4dn-xlarge"}
    assert pod["tolerations"] == [{"effect": "NoSchedule", "key": "nvidia.com/gpu", "operator": "Exists"}]
    resources = pod["containers"][0]["resources"]
    assert resources["requests"]["nvidia.com/gpu"] == resources["limits"]["nvidia.com/gpu"] == "1"
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
    assert "cpu" not in resources["limits"]


def test_the_pod_holds_no_kubernetes_token_no_hub_token_and_no_service_variables(pod: dict[str, Any]) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert not [name for name in variables(pod["containers"][0]) if "TOKEN" in name and "TOKENS" not in name]
    assert variables(pod["containers"][0])["HF_HUB_OFFLINE"] == "1"


def test_it_has_the_time_to_drain_and_then_to_end_what_it_is_generating(pod: dict[str, Any]) -> None:
    drain = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    timeout = int(variables(pod["containers"][0])["GRACEFUL_TERMINATION_TIMEOUT"])
    assert pod["terminationGracePeriodSeconds"] > drain + timeout


def test_a_changed_option_changes_the_deployment_alone() -> None:
    serving = SERVER.options.model_copy(update={"max_concurrent_requests": 64})
    changed = replace(SERVER, version=SERVER.version.model_copy(update={"serving": serving}))
    after = objects(changed)
    assert [suffix for suffix in OBJECTS if OBJECTS[suffix] != after[suffix]] == ["server"]


def test_a_rollout_frees_a_gpu_before_it_asks_for_one(deployment: dict[str, Any]) -> None:
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_the_weights_are_fetched_by_digest_to_where_tgi_looks_for_them(pod: dict[str, Any]) -> None:
    (fetch,) = pod["initContainers"]
    assert fetch["image"] == str(FETCH_IMAGE)
    assert fetch["command"] == ["python", "-m", "workloads.fetch"]
    told = arguments(fetch["args"])
    assert told.source == Reference.BUCKET_URL
    assert told.artifact == [WantedFolder(DIGEST, variables(pod["containers"][0])["MODEL_ID"])]
    assert told.keep_free > 0
    assert fetch["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_an_adapter_is_fetched_to_where_the_engine_looks_for_it() -> None:
    adapter = BucketArtifact(bucket="research", path="a/legal", digest=OTHER)
    version = SERVER.version.model_copy(update={"adapters": {"legal": adapter}})
    pod = text_generation_pod(replace(SERVER, version=version)).template()["spec"]
    (fetch,), (server,) = pod["initContainers"], pod["containers"]
    name, folder = variables(server)["LORA_ADAPTERS"].split("=")
    assert name == "legal"
    assert arguments(fetch["args"]).artifact[1] == WantedFolder(OTHER, folder)


def test_the_fetch_writes_to_the_volume_of_models_alone(pod: dict[str, Any]) -> None:
    (fetch,) = pod["initContainers"]
    assert [mount["mountPath"] for mount in fetch["volumeMounts"]] == ["/mnt/models"]
    assert not [name for name in variables(fetch) if "SECRET" in name or "TOKEN" in name]


@pytest.mark.parametrize("server", [SERVER, VLLM_SERVER], ids=["tgi", "vllm"])
def test_the_engine_s_container_gets_no_credentials(server: TextGenerationPlan) -> None:
    template = text_generation_pod(server).template()
    (container,) = template["spec"]["containers"]
    assert container["name"] == server.engine
    assert template["metadata"]["annotations"] == {"eks.amazonaws.com/skip-containers": server.engine}


def test_it_may_read_the_weights_of_its_version_and_nothing_more() -> None:
    workload = text_generation_workload(SERVER, "serving")
    assert workload.artifact_prefixes == (f"artifacts/{DIGEST}/",)
    assert workload.rules == ()


def test_a_server_whose_version_cannot_be_served_has_no_pods() -> None:
    assert objects(UNSERVED)["server"]["spec"]["replicas"] == 0
    assert OBJECTS["server"]["spec"]["replicas"] == UNSERVED.replicas == 1


def test_nobody_waits_for_the_endpoints_of_a_server_without_pods() -> None:
    annotations = objects(UNSERVED)["service"]["metadata"]["annotations"]
    assert annotations == {"pulumi.com/skipAwait": "true"}
    assert "annotations" not in OBJECTS["service"]["metadata"]


def test_a_server_without_pods_has_the_same_objects() -> None:
    assert objects(UNSERVED).keys() == OBJECTS.keys()


def test_one_port_is_open_for_requests_and_metrics() -> None:
    ports = OBJECTS["service"]["spec"]["ports"]
    assert {port["name"]: port["port"] for port in ports} == {"inference": 8080}
    policy = OBJECTS["network-policy"]["spec"]
    assert {port["port"] for rule in policy["ingress"] for port in rule["ports"]} == {8080}
    assert (SERVER.metrics_port, SERVER.metrics_port_name) == (8080, "inference")
