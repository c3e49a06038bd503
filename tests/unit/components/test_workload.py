"""What of a workload the deployment adds: order, references, its role; of both kinds of server."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components import Workload, WorkloadArgs, WorkloadSite
from model_catalog import Environment, load_catalog
from planning import TorchServePlan, make_plan
from planning.workload import Reference, WorkloadSpec, text_generation_workload, torchserve_workload
from tests.support.language_models import served
from tests.support.pools import POOLS
from tests.support.recording import Recording

SPECS = {
    server.name: torchserve_workload(server, "serving", "{}")
    if isinstance(server, TorchServePlan)
    else text_generation_workload(served(server), "serving")
    for server in make_plan(load_catalog(), Environment.DEV, POOLS).servers
}
READER = SPECS["gpu-g4dn-xlarge-torchserve-1"]
WRITER = SPECS["text-generation-writer-mul-1"]
TYPES = {
    READER.name: "slipway:serving:TorchServeStack",
    WRITER.name: "slipway:serving:TextGenerationStack",
}
DEPLOYMENT, SERVICE = "kubernetes:apps/v1:Deployment", "kubernetes:core/v1:Service"


def deployed(spec: WorkloadSpec, built: Callable[..., Recording]) -> Recording:
    def make(opts: pulumi.ResourceOptions) -> None:
        top = pulumi.ResourceOptions.merge(opts, None)
        node = aws.iam.Role("node", assume_role_policy="{}", opts=top)
        copied = aws.iam.Role("copied", assume_role_policy="{}", opts=top)
        site = WorkloadSite(
            namespace="serving",
            region="eu-west-1",
            cluster_name="main",
            bucket_name="models",
            bucket_arn="arn:aws:s3:::models",
            key_arn="arn:key",
            after=(node,),
        )
        Workload("own", WorkloadArgs(spec=spec, site=site, artifacts=(copied,)), opts)

    return built(make)


@pytest.fixture(scope="module")
def of(built: Callable[..., Recording]) -> Callable[[WorkloadSpec], Recording]:
    recordings = cache(lambda name: deployed(SPECS[name], built))
    return lambda spec: recordings(spec.name)


Of = Callable[[WorkloadSpec], Recording]
EACH = pytest.mark.parametrize("spec", [READER, WRITER], ids=lambda spec: spec.name)


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for part in value.values() for text in texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in texts(part)]
    return [value] if isinstance(value, str) else []


@EACH
def test_every_reference_is_filled_in(spec: WorkloadSpec, of: Of) -> None:
    for resource in of(spec).resources:
        assert not set(texts(resource.inputs)) & set(Reference), resource.name


def test_a_text_that_looks_like_a_reference_stays_as_it_is(built: Callable[..., Recording]) -> None:
    text = {"models.json": Reference.BUCKET.value}
    recording = deployed(replace(READER, live_files={"models": text}), built)
    assert recording.one("kubernetes:core/v1:ConfigMap", "own-models").inputs["data"] == text


def test_the_agent_is_told_the_bucket_and_its_pod_names_the_configmap_that_pulumi_has_named(of: Of) -> None:
    pod = of(READER).one(DEPLOYMENT).inputs["spec"]["template"]["spec"]
    arguments = pod["initContainers"][0]["args"]
    assert arguments[arguments.index("--source") + 1] == "s3://models"
    assert {"name": "config", "configMap": {"name": "own-config-0a1b2c3"}} in pod["volumes"]
    assert pod["serviceAccountName"] == READER.name


def test_the_fetch_of_weights_has_bucket_and_region(of: Of) -> None:
    (fetch,) = of(WRITER).one(DEPLOYMENT).inputs["spec"]["template"]["spec"]["initContainers"]
    assert fetch["args"][:2] == ["--source", "s3://models"]
    assert {"name": "AWS_REGION", "value": "eu-west-1"} in fetch["env"]


def test_pods_wait_for_the_files_that_they_fetch(of: Of) -> None:
    copied = of(WRITER).one("aws:iam/role:Role", "copied").urn
    assert copied in of(WRITER).one(DEPLOYMENT).dependencies


def test_a_role_that_has_nothing_to_read_reads_nothing(built: Callable[..., Recording]) -> None:
    recording = deployed(replace(WRITER, artifact_prefixes=()), built)
    policy = json.loads(recording.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    assert [statement["Action"] for statement in policy["Statement"]] == ["kms:Decrypt"]


@EACH
def test_its_role_reads_what_it_serves_and_nothing_more(spec: WorkloadSpec, of: Of) -> None:
    policy = json.loads(of(spec).one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    assert {s["Action"]: s["Resource"] for s in policy["Statement"]} == {
        "s3:GetObject": [f"arn:aws:s3:::models/{prefix}*" for prefix in spec.artifact_prefixes],
        "s3:ListBucket": "arn:aws:s3:::models",
        "kms:Decrypt": "arn:key",
    }
    listing = next(s for s in policy["Statement"] if s["Action"] == "s3:ListBucket")
    assert listing["Condition"] == {
        "StringLike": {"s3:prefix": [f"{prefix}*" for prefix in spec.artifact_prefixes]}
    }


@EACH
def test_only_this_server_s_account_in_this_cluster_may_take_its_role(spec: WorkloadSpec, of: Of) -> None:
    trust = json.loads(of(spec).one("aws:iam/role:Role", "own-role").inputs["assumeRolePolicy"])
    (statement,) = trust["Statement"]
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert sorted(statement["Action"]) == ["sts:AssumeRole", "sts:TagSession"], "Pod Identity needs both"
    assert statement["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-name": "main",
        "aws:RequestTag/kubernetes-namespace": "serving",
        "aws:RequestTag/kubernetes-service-account": spec.name,
    }


def test_the_agent_s_account_has_the_agent_s_role_in_its_namespace(of: Of) -> None:
    recording = of(READER)
    binding = recording.one("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding").inputs
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": READER.name, "namespace": "serving"}]
    assert binding["roleRef"]["name"] == "own-agent-role-0a1b2c3"


@EACH
def test_pods_wait_for_nodes_role_and_network_policy(spec: WorkloadSpec, of: Of) -> None:
    dependencies = of(spec).one(DEPLOYMENT).dependencies
    for type_, name in (
        ("aws:iam/role:Role", "node"),
        ("aws:eks/podIdentityAssociation:PodIdentityAssociation", None),
        ("aws:iam/rolePolicy:RolePolicy", None),
        ("kubernetes:networking.k8s.io/v1:NetworkPolicy", None),
    ):
        assert of(spec).one(type_, name).urn in dependencies, type_


def test_the_agent_s_pod_waits_for_its_configuration_and_the_right_to_read_it(of: Of) -> None:
    dependencies = of(READER).one(DEPLOYMENT).dependencies
    for type_, name in (
        ("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", None),
        ("kubernetes:core/v1:ConfigMap", "own-models"),
    ):
        assert of(READER).one(type_, name).urn in dependencies, type_


def test_the_agent_learns_of_files_once_they_are_there(of: Of) -> None:
    models = of(READER).one("kubernetes:core/v1:ConfigMap", "own-models")
    assert of(READER).one("aws:iam/role:Role", "copied").urn in models.dependencies


@EACH
def test_the_service_waits_for_the_pods_it_stands_for(spec: WorkloadSpec, of: Of) -> None:
    assert of(spec).one(DEPLOYMENT).urn in of(spec).one(SERVICE).dependencies


@EACH
def test_pulumi_waits_as_long_as_kubernetes_does(spec: WorkloadSpec, of: Of) -> None:
    deployment = of(spec).one(DEPLOYMENT)
    seconds = deployment.inputs["spec"]["progressDeadlineSeconds"]
    assert seconds == spec.deadline.total_seconds() > 900
    timeouts = deployment.request.customTimeouts
    assert (timeouts.create, timeouts.update) == (f"{seconds}s", f"{seconds}s")


@EACH
def test_the_policy_that_was_read_archives_is_not_replaced(spec: WorkloadSpec, of: Of) -> None:
    policy = of(spec).one("aws:iam/rolePolicy:RolePolicy").request
    assert [alias.spec.name for alias in policy.aliases] == ["own-read-archives"]


@EACH
def test_it_registers_its_url(spec: WorkloadSpec, of: Of) -> None:
    recording = of(spec)
    urn = recording.one(TYPES[spec.name]).urn
    assert recording.outputs[urn] == {"url": f"http://{spec.name}.serving.svc:8080"}


@EACH
def test_all_its_parts_are_its_children(spec: WorkloadSpec, of: Of) -> None:
    recording = of(spec)
    parts = [r for r in recording.resources if r.name.startswith("own-")]
    assert len(parts) == {READER.name: 12, WRITER.name: 8}[spec.name]
    assert {part.parent for part in parts} == {recording.one(TYPES[spec.name]).urn}


SCALER = {
    "apiVersion": "keda.sh/v1alpha1",
    "kind": "ScaledObject",
    "metadata": {"namespace": Reference.NAMESPACE},
    "spec": {"scaleTargetRef": {"name": Reference.DEPLOYMENT}},
}


def test_a_workload_that_has_nothing_to_serve_is_not_scaled_up(built: Callable[..., Recording]) -> None:
    recording = deployed(replace(WRITER, replicas=0, scaler=SCALER), built)
    assert recording.one(DEPLOYMENT).inputs["spec"]["replicas"] == 0
    assert recording.of_type("kubernetes:keda.sh/v1alpha1:ScaledObject") == []


def test_where_a_scaler_owns_the_number_of_replicas_the_deployment_has_none(
    built: Callable[..., Recording],
) -> None:
    recording = deployed(replace(READER, scaler=SCALER), built)
    assert "replicas" not in recording.one(DEPLOYMENT).inputs["spec"]
    made = recording.one("kubernetes:keda.sh/v1alpha1:ScaledObject", "own-scaler").inputs
    assert made["spec"] == {"scaleTargetRef": {"name": "own-server-0a1b2c3"}}
