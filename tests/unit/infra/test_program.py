"""The whole program, once for each checked-in stack file."""

import json
import os
from functools import cache
from pathlib import Path

import pulumi
import pytest

from infra import program
from infra.stack_files import read_stack_config
from planning import node_group_quotas
from tests.support.recording import Recorded, Recording, record

STACKS = ("dev", "prod", "sandbox", "sandbox-platform", "sandbox-serving")
SNAPSHOTS = Path(__file__).parent / "snapshots"


def is_artifact(resource: Recorded) -> bool:
    """A file of a bucket, and of this project's own provider."""
    return resource.type.startswith("slipway:index:")


def is_component(resource: Recorded) -> bool:
    return resource.type.startswith("slipway:") and not is_artifact(resource)


@cache
def recorded(stack: str, *, preview: bool = False) -> Recording:
    references = {}
    if stack == "sandbox-serving":
        references["organization/slipway/sandbox-platform"] = recorded("sandbox-platform").stack_outputs
    return record(
        program.run,
        stack_name=stack,
        config=read_stack_config(stack),
        preview=preview,
        stack_references=references,
    )


@pytest.fixture(scope="module", params=STACKS)
def recording(request: pytest.FixtureRequest) -> Recording:
    stack: str = request.param
    return recorded(stack)


@pytest.mark.parametrize("stack", STACKS)
def test_resources_keep_their_urns(stack: str) -> None:
    """A changed URN replaces the resource: give it an alias. SLIPWAY_WRITE_SNAPSHOTS=1 writes the new list."""
    urns = sorted(resource.urn for resource in recorded(stack).resources)
    path = SNAPSHOTS / f"{stack}.urns.json"
    if os.environ.get("SLIPWAY_WRITE_SNAPSHOTS"):
        path.write_text(json.dumps(urns, indent=2) + "\n")
    assert urns == json.loads(path.read_text())


def test_every_resource_is_of_a_provider_that_the_program_made(recording: Recording) -> None:
    made = {r.name: r.urn for r in recording.resources if r.type.startswith("pulumi:providers:")}
    artifacts = {"slipway"} if any(map(is_artifact, recording.resources)) else set()
    assert set(made) == {"aws", "kubernetes"} | artifacts
    for resource in recording.resources:
        if resource.custom and not resource.type.startswith("pulumi:"):
            package = resource.type.split(":")[0]
            assert resource.provider.startswith(f"{made[package]}::"), resource.urn


def test_every_component_registers_its_outputs_once(recording: Recording) -> None:
    components = sorted(r.urn for r in recording.resources if is_component(r))
    registered = sorted(urn for urn in recording.output_registrations if "pulumi:pulumi:Stack" not in urn)
    assert registered == components


def test_every_part_of_a_component_is_its_child_and_bears_its_name(recording: Recording) -> None:
    components = {r.urn: r.name for r in recording.resources if is_component(r)}
    artifacts = {r.name for r in recording.resources if is_artifact(r)}
    top = {
        "aws",
        "kubernetes",
        "serving",
        "serving-default-deny",
        "slipway",
        *artifacts,
        *components.values(),
    }
    for resource in recording.resources:
        if resource.parent in components:
            assert resource.name.startswith(f"{components[resource.parent]}-"), resource.urn
        elif resource.type != "pulumi:pulumi:Stack":
            assert resource.name in top, resource.urn


def test_every_aws_resource_is_tagged_with_environment_and_project(recording: Recording) -> None:
    provider = recording.one("pulumi:providers:aws")
    tags = json.loads(provider.inputs["defaultTags"])["tags"]
    assert tags["slipway:project"] == "slipway"
    assert tags["slipway:environment"] in STACKS


NOT_RESTRICTED = {"slipway-node-metrics"}
"""Each with its reason in docs/monitoring.md."""


def test_every_namespace_enforces_the_restricted_standard_but_for_the_listed_exceptions(
    recording: Recording,
) -> None:
    enforced = {
        r.inputs["metadata"]["name"]: r.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for r in recording.of_type("kubernetes:core/v1:Namespace")
    }
    assert enforced
    lax = {name for name, standard in enforced.items() if standard != "restricted"}
    assert lax <= NOT_RESTRICTED


def test_no_secret_is_needed_and_none_is_exported(recording: Recording) -> None:
    assert {resource.urn: resource.secrets for resource in recording.resources if resource.secrets} == {}
    if "kubeconfig" in recording.stack_outputs:
        kubeconfig = json.loads(recording.stack_outputs["kubeconfig"])
        assert set(kubeconfig["users"][0]["user"]) == {"exec"}


@pytest.mark.parametrize(("stack", "protected"), [("dev", False), ("sandbox", False), ("prod", True)])
def test_what_holds_data_is_protected_in_prod_alone(stack: str, protected: bool) -> None:
    recording = recorded(stack)
    for type_ in ("aws:s3/bucket:Bucket", "aws:eks/cluster:Cluster", "aws:ec2/vpc:Vpc"):
        assert recording.one(type_).protect is protected, type_


def test_the_outputs_say_what_serves_what_and_where() -> None:
    outputs = recorded("dev").stack_outputs
    servers = outputs["servers"]
    assert {name: server["pool"] for name, server in servers.items()} == {
        "cpu-m6i-2xlarge-torchserve-1": "cpu-m6i-2xlarge",
        "gpu-g4dn-xlarge-torchserve-1": "gpu-g4dn-xlarge",
        "text-generation-writer-mul-1": "gpu-g4dn-xlarge",
    }
    writing = servers["text-generation-writer-mul-1"]
    model = writing["models"]["TextGeneration/Writer/mul@1"]
    assert (writing["engine"], writing["namespace"]) == ("tgi 3.3.5", "slipway-serving")
    assert (model["default"], model["path"]) == (True, "/generate")
    assert "`slipway artifacts mirror TextGeneration/Writer/mul@1 --to s3://" in model["not_served"]
    answering = servers["gpu-g4dn-xlarge-torchserve-1"]
    assert answering["engine"] == "torchserve 0.12.0"
    said = {selector: (model["default"], model["path"]) for selector, model in answering["models"].items()}
    assert said == {
        "QuestionAnswering/Reader/en@1": (True, "/predictions/en_reader/1"),
        "QuestionAnswering/Reader/fr@1.0": (False, "/predictions/fr_reader/1.0"),
        "QuestionAnswering/Reader/fr@2": (True, "/predictions/fr_reader/2"),
    }
    assert all("digest is unresolved" in model["not_served"] for model in answering["models"].values())
    identifier = servers["cpu-m6i-2xlarge-torchserve-1"]["models"]["LanguageIdentification/FastText/mul@1"]
    assert identifier == {"default": True, "path": "/predictions/mul_fasttext/1"}
    identifier, reader, writer = (f"http://{name}.slipway-serving.svc:8080" for name in sorted(servers))
    assert outputs["endpoints"] == {
        "LanguageIdentification/FastText/mul": f"{identifier}/predictions/mul_fasttext",
        "LanguageIdentification/FastText/mul@1": f"{identifier}/predictions/mul_fasttext/1",
        "QuestionAnswering/Reader/en": f"{reader}/predictions/en_reader",
        "QuestionAnswering/Reader/en@1": f"{reader}/predictions/en_reader/1",
        "QuestionAnswering/Reader/fr": f"{reader}/predictions/fr_reader",
        "QuestionAnswering/Reader/fr@1.0": f"{reader}/predictions/fr_reader/1.0",
        "QuestionAnswering/Reader/fr@2": f"{reader}/predictions/fr_reader/2",
        "TextGeneration/Writer/mul": f"{writer}/generate",
        "TextGeneration/Writer/mul@1": f"{writer}/generate",
    }
    assert (outputs["environment"], outputs["region"]) == ("dev", "eu-west-1")
    assert {"bucket", "cluster_name", "kubeconfig"} <= set(outputs)


def test_two_stacks_hold_what_one_stack_holds_and_nothing_twice() -> None:
    """So that `pulumi state move` between the forms changes nothing (docs/platform-and-serving.md)."""

    def made(stack: str) -> set[str]:
        shared = ("pulumi:pulumi:Stack", "pulumi:providers:")
        return {
            resource.urn.partition("::")[2]
            for resource in recorded(stack).resources
            if not resource.type.startswith(shared)
        }

    platform, serving = made("sandbox-platform"), made("sandbox-serving")
    assert platform & serving == set()
    assert platform | serving == made("sandbox")


def test_a_platform_alone_says_nothing_of_servers_and_servers_alone_nothing_of_the_platform() -> None:
    common = {"environment", "region"}
    platform = {"bucket", "cluster_name", "kubeconfig", "platform"}
    serving = {"endpoints", "servers"}
    assert set(recorded("sandbox-platform").stack_outputs) == common | platform
    assert set(recorded("sandbox-serving").stack_outputs) == common | serving
    assert set(recorded("sandbox").stack_outputs) == common | platform | serving


def test_prod_builds_its_platform_and_serves_nothing_yet() -> None:
    outputs = recorded("prod").stack_outputs
    assert (outputs.get("servers", {}), outputs.get("endpoints", {})) == ({}, {})


def test_a_first_preview_already_names_every_resource() -> None:
    """Counts and keys must not hang on values that only exist after an update."""
    assert {r.urn for r in recorded("dev", preview=True).resources} == {
        r.urn for r in recorded("dev").resources
    }


def test_a_group_larger_than_eks_takes_is_refused_before_the_first_resource(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []
    monkeypatch.setattr(program, "_aws_provider", lambda _: made.append("the first resource"))
    config = {**read_stack_config("dev"), "slipway:systemNodes": "450"}
    with pytest.raises(pulumi.RunError, match=r"at most 450 nodes .*: system-m6i-large 451"):
        record(program.run, stack_name="dev", config=config)
    assert made == []


@pytest.mark.parametrize(
    ("stack", "quota", "warned"), [("dev", 2, True), ("dev", 3, False), ("sandbox-serving", 2, False)]
)
def test_more_groups_than_eks_takes_are_warned_of_by_the_stack_that_makes_them(
    stack: str, quota: int, warned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(node_group_quotas, "GROUPS_A_CLUSTER", quota)
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    references = {"organization/slipway/sandbox-platform": recorded("sandbox-platform").stack_outputs}
    record(program.run, stack_name=stack, config=read_stack_config(stack), stack_references=references)
    assert [line for line in said if "node groups" in line] == [
        line for line in said if line.startswith("the plan has 3 node groups, and EKS takes 2 a cluster")
    ]
    assert any("node groups" in line for line in said) is warned
