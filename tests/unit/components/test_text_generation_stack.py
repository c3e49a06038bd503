import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components import ServerSite, TextGenerationStack, TextGenerationStackArgs
from engines import FETCH_IMAGE
from model_catalog import BucketArtifact, Environment, load_catalog
from planning import TextGenerationPlan, make_plan
from tests.support.language_models import DIGEST, served
from tests.support.pools import POOLS
from tests.support.recording import Recording
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
TYPE = "slipway:serving:TextGenerationStack"


def stack_of(server: TextGenerationPlan, built: Callable[..., Recording]) -> Recording:
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
        copied = aws.s3.BucketObject("copied", bucket="models", opts=pulumi.ResourceOptions.merge(opts, None))
        args = TextGenerationStackArgs(server=server, site=site, artifacts=(copied,))
        TextGenerationStack("writer", args, opts)

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


def test_a_changed_option_changes_the_deployment_alone(built: Callable[..., Recording]) -> None:
    serving = SERVER.options.model_copy(update={"max_concurrent_requests": 64})
    changed = replace(SERVER, version=SERVER.version.model_copy(update={"serving": serving}))
    before, after = (
        {r.urn: r.inputs for r in stack_of(server, built).resources} for server in (SERVER, changed)
    )
    assert {urn.rpartition("::")[2] for urn in before if before[urn] != after[urn]} == {"writer-server"}


def test_a_rollout_frees_a_gpu_before_it_asks_for_one(deployment: dict[str, Any]) -> None:
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_the_weights_are_fetched_by_digest_to_where_tgi_looks_for_them(pod: dict[str, Any]) -> None:
    (fetch,) = pod["initContainers"]
    assert fetch["image"] == str(FETCH_IMAGE)
    assert fetch["command"] == ["python", "-m", "workloads.fetch"]
    told = arguments(fetch["args"])
    assert told.source == "s3://models"
    assert told.artifact == [WantedFolder(DIGEST, variables(pod["containers"][0])["MODEL_ID"])]
    assert told.keep_free > 0
    assert fetch["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_an_adapter_is_fetched_to_where_the_engine_looks_for_it(built: Callable[..., Recording]) -> None:
    adapter = BucketArtifact(bucket="research", path="a/legal", digest=OTHER)
    version = SERVER.version.model_copy(update={"adapters": {"legal": adapter}})
    recording = stack_of(replace(SERVER, version=version), built)
    pod = recording.one("kubernetes:apps/v1:Deployment").inputs["spec"]["template"]["spec"]
    (fetch,), (server,) = pod["initContainers"], pod["containers"]
    name, folder = variables(server)["LORA_ADAPTERS"].split("=")
    assert name == "legal"
    assert arguments(fetch["args"]).artifact[1] == WantedFolder(OTHER, folder)


def test_the_fetch_writes_to_the_volume_of_models_alone(pod: dict[str, Any]) -> None:
    (fetch,) = pod["initContainers"]
    assert [mount["mountPath"] for mount in fetch["volumeMounts"]] == ["/mnt/models"]
    assert not [name for name in variables(fetch) if "SECRET" in name or "TOKEN" in name]


@pytest.mark.parametrize("engine", ["tgi", "vllm"])
def test_the_engine_s_container_gets_no_credentials(built: Callable[..., Recording], engine: str) -> None:
    server = SERVER if engine == "tgi" else VLLM_SERVER
    template = stack_of(server, built).one("kubernetes:apps/v1:Deployment").inputs["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert container["name"] == engine
    assert template["metadata"]["annotations"] == {"eks.amazonaws.com/skip-containers": engine}


def test_its_pods_wait_for_the_files_that_they_fetch(built: Callable[..., Recording]) -> None:
    recording = stack_of(SERVER, built)
    copied = recording.one("aws:s3/bucketObject:BucketObject").urn
    assert copied in recording.one("kubernetes:apps/v1:Deployment").dependencies


def test_its_role_reads_the_weights_of_its_version_and_nothing_more(recording: Recording) -> None:
    policy = json.loads(recording.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    prefix = f"artifacts/{DIGEST}/"
    assert {s["Action"]: s["Resource"] for s in policy["Statement"]} == {
        "s3:GetObject": [f"arn:aws:s3:::models/{prefix}*"],
        "s3:ListBucket": "arn:aws:s3:::models",
        "kms:Decrypt": "arn:key",
    }
    (listing,) = (s for s in policy["Statement"] if s["Action"] == "s3:ListBucket")
    assert listing["Condition"] == {"StringLike": {"s3:prefix": [f"{prefix}*"]}}


@pytest.fixture(scope="module")
def unserved(built: Callable[..., Recording]) -> Recording:
    """Of the version as the repository's catalog has it, whose digest is unresolved."""
    return stack_of(UNSERVED, built)


def test_a_server_whose_version_cannot_be_served_has_no_pods(
    unserved: Recording, deployment: dict[str, Any]
) -> None:
    assert unserved.one("kubernetes:apps/v1:Deployment").inputs["spec"]["replicas"] == 0
    assert deployment["replicas"] == UNSERVED.replicas == 1


def test_nobody_waits_for_the_endpoints_of_a_server_without_pods(
    unserved: Recording, recording: Recording
) -> None:
    service = unserved.one("kubernetes:core/v1:Service").inputs["metadata"]
    assert service["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert "annotations" not in recording.one("kubernetes:core/v1:Service").inputs["metadata"]


def test_a_role_that_has_nothing_to_read_reads_nothing(unserved: Recording) -> None:
    policy = json.loads(unserved.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    assert [statement["Action"] for statement in policy["Statement"]] == ["kms:Decrypt"]


def test_all_else_of_a_server_without_pods_is_called_as_with_pods(
    unserved: Recording, recording: Recording
) -> None:
    assert {r.urn for r in unserved.resources} == {r.urn for r in recording.resources}


def test_pods_wait_for_nodes_role_and_network_policy(recording: Recording) -> None:
    dependencies = recording.one("kubernetes:apps/v1:Deployment").dependencies
    for type_, name in (
        ("aws:iam/role:Role", "node"),
        ("aws:eks/podIdentityAssociation:PodIdentityAssociation", None),
        ("aws:iam/rolePolicy:RolePolicy", None),
        ("kubernetes:networking.k8s.io/v1:NetworkPolicy", None),
    ):
        assert recording.one(type_, name).urn in dependencies, type_


def test_one_port_is_open_for_requests_and_metrics(recording: Recording) -> None:
    service = recording.one("kubernetes:core/v1:Service").inputs["spec"]
    assert {port["name"]: port["port"] for port in service["ports"]} == {"inference": 8080}
    policy = recording.one("kubernetes:networking.k8s.io/v1:NetworkPolicy").inputs["spec"]
    assert {port["port"] for rule in policy["ingress"] for port in rule["ports"]} == {8080}
    assert (SERVER.metrics_port, SERVER.metrics_port_name) == (8080, "inference")


def test_it_registers_its_url(recording: Recording) -> None:
    assert recording.outputs[recording.one(TYPE).urn] == {
        "url": "http://text-generation-writer-mul-1.serving.svc:8080"
    }


def test_all_its_parts_are_its_children(recording: Recording) -> None:
    parent = recording.one(TYPE).urn
    parts = [r for r in recording.resources if r.name.startswith("writer-")]
    assert len(parts) == 8
    assert {part.parent for part in parts} == {parent}
