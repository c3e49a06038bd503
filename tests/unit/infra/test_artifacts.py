"""What the servers of a plan are served from: decided before the first resource, declared once for each digest."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from artifacts import RefusedError
from artifacts.archives import HandlerCode
from artifacts.planned import plan_artifacts, released_handlers
from infra.artifacts import build_artifacts
from infra.platform import Platform
from model_catalog import Catalog, EntryFile, Environment, Release, load_catalog
from planning import Plan, TorchServePlan, make_plan
from tests.support.pools import POOLS
from tests.support.recording import Recording, record
from workloads.agent import Weights, read_configuration

DIGEST = f"sha256:{'a' * 64}"
OTHER = f"sha256:{'b' * 64}"
HANDLER = {"name": "reader", "version": "1.0.0"}
HANDLERS = {
    ("reader", version): HandlerCode(name="reader", version=version, files={"handler.py": version.encode()})
    for version in ("1.0.0", "1.0.1")
}


def version(digest: str = DIGEST, path: str = "models/reader", **fields: Any) -> dict[str, Any]:
    return {
        "artifact": {"bucket": "research-models", "path": path, "digest": digest},
        "license": "apache-2.0",
        "memory": {"weights": "400MiB", "per_request": "8MiB"},
        **fields,
    }


def planned(versions: Mapping[str, dict[str, Any]], default: str = "1", model: str = "Reader") -> Plan:
    entry = EntryFile.model_validate(
        {
            "task": "QuestionAnswering",
            "model": model,
            "description": "As in tests.",
            "owner": "team",
            "engine": "torchserve",
            "languages": {"fr": {"scripts": ["Latn"], "versions": dict(versions)}},
        }
    ).root
    release = {f"QuestionAnswering/{model}/fr": {"default": default, "versions": sorted(versions)}}
    catalog = Catalog(entries=(entry,), releases={Environment.DEV: Release.model_validate(release)})
    return make_plan(catalog, Environment.DEV, POOLS)


def configured(plan: Plan) -> dict[str, list[str]]:
    (server,) = plan_artifacts(plan, HANDLERS).servers.values()
    return {name: sorted(versions) for name, versions in read_configuration(server.models).models.items()}


def built(plan: Plan) -> tuple[Recording, dict[str, tuple[str, ...]]]:
    artifacts = plan_artifacts(plan, HANDLERS)
    needed: dict[str, tuple[str, ...]] = {}

    def program() -> None:
        platform = Platform(
            region="eu-west-1",
            bucket_name=pulumi.Output.from_input("models"),
            bucket_arn=pulumi.Output.from_input("arn:aws:s3:::models"),
            key_arn=pulumi.Output.from_input("arn:aws:kms:key"),
            cluster_name=pulumi.Output.from_input("main"),
            kubeconfig=pulumi.Output.from_input("{}"),
        )
        for name, resources in build_artifacts(artifacts, platform).items():
            needed[name] = tuple(resource._name for resource in resources)

    return record(program, stack_name="dev", config={}), needed


def test_a_handler_patch_is_a_new_archive_beside_the_weights_that_are_there() -> None:
    patched = planned({"1": version(handler=HANDLER), "2": version(handler={**HANDLER, "version": "1.0.1"})})
    recording, needed = built(patched)
    found = {one.name: one.inputs for one in recording.resources if one.type.startswith("slipway:index:")}
    assert set(found) == {
        "question-answering-reader-fr-1-archive",
        "question-answering-reader-fr-2-archive",
        f"question-answering-reader-{'a' * 12}",
    }
    copied = found[f"question-answering-reader-{'a' * 12}"]
    assert (copied["sourceBucket"], copied["sourcePath"]) == ("research-models", "models/reader")
    assert {one["kmsKeyArn"] for one in found.values()} == {"arn:aws:kms:key"}
    assert {one["bucket"] for one in found.values()} == {"models"}
    assert [sorted(names) for names in needed.values()] == [sorted(found)]
    (server,) = plan_artifacts(patched, HANDLERS).servers.values()
    one, two = read_configuration(server.models).models["fr_reader"].values()
    assert one.weights == two.weights == Weights(DIGEST, f"artifacts/{DIGEST}")
    assert one.archive != two.archive


def test_the_copies_are_made_in_the_stack_s_region() -> None:
    recording, _ = built(planned({"1": version(handler=HANDLER)}))
    assert recording.one("pulumi:providers:slipway").inputs["region"] == "eu-west-1"


def test_a_stack_that_serves_nothing_yet_has_no_provider_of_artifacts() -> None:
    recording, needed = built(planned({"1": version("unresolved")}))
    assert not [one for one in recording.resources if "slipway:" in one.type and "Stack" not in one.type]
    assert list(needed.values()) == [()]


def test_the_name_of_a_copy_does_not_change_as_versions_that_share_it_come_and_go() -> None:
    both = planned({"1": version(handler=HANDLER), "2": version(handler={**HANDLER, "version": "1.0.1"})})
    later = planned({"2": version(handler={**HANDLER, "version": "1.0.1"})}, default="2")
    names = [
        {one.name for one in built(plan)[0].resources if one.type == "slipway:index:ModelArtifact"}
        for plan in (both, later)
    ]
    assert names[0] == names[1]


def test_a_version_without_digest_is_left_out_and_the_warning_says_what_to_run() -> None:
    plan = planned({"1": version(handler=HANDLER), "2": version("unresolved", path="models/two")})
    assert configured(plan) == {"fr_reader": ["1"]}
    warning = plan_artifacts(plan, HANDLERS).warning
    assert warning is not None
    assert "QuestionAnswering/Reader/fr@2" in warning
    assert "slipway artifacts digest s3://research-models/models/two" in warning


def test_where_the_default_has_no_digest_the_variant_is_left_out_whole() -> None:
    plan = planned({"1": version("unresolved"), "2": version(OTHER, handler=HANDLER)})
    assert configured(plan) == {}
    recording, _ = built(plan)
    assert not [one for one in recording.resources if one.type.startswith("slipway:index:")]


def test_nothing_is_said_where_everything_is_served() -> None:
    assert plan_artifacts(planned({"1": version(handler=HANDLER)}), HANDLERS).warning is None


@pytest.mark.parametrize("environment", list(Environment))
def test_the_program_serves_what_the_plan_says_is_served(environment: Environment) -> None:
    plan = make_plan(load_catalog(), environment, POOLS)
    for server in plan.servers:
        if isinstance(server, TorchServePlan):
            files = plan_artifacts(plan, released_handlers()).servers[server.name].files
            assert set(files) == {model.selector for model in server.models if not model.not_served}


def test_a_handler_that_was_never_released_is_an_error_before_the_first_resource() -> None:
    plan = planned({"1": version(handler={**HANDLER, "version": "9.9.9"})})
    with pytest.raises(RefusedError, match=r"QuestionAnswering/Reader/fr@1: handler-known: .* Fix: "):
        plan_artifacts(plan, HANDLERS)


def test_the_handlers_that_the_catalog_names_are_released() -> None:
    assert {("language_identification", "1.0.0"), ("sentence_embedding", "1.0.0")} <= set(released_handlers())


def test_a_research_bucket_of_another_region_and_account_is_read_there_and_of_nobody_else() -> None:
    elsewhere = version(handler=HANDLER)
    elsewhere["artifact"] |= {"region": "us-east-1", "account": "210987654321"}
    recording, _ = built(planned({"1": elsewhere}))
    copied = recording.one("slipway:index:ModelArtifact").inputs
    assert (copied["sourceRegion"], copied["sourceOwner"]) == ("us-east-1", "210987654321")


def language_model(digest: str = DIGEST, **adapters: str) -> dict[str, Any]:
    """A version of one, and the digest of each of its adapters."""
    return {
        "artifact": {"bucket": "research-models", "path": "models/chat", "digest": digest},
        "license": "apache-2.0",
        "precision": "float16",
        "memory": {"weights": "3GiB", "per_request": "100MiB"},
        "adapters": {
            name: {"bucket": "research-models", "path": f"adapters/{name}", "digest": found}
            for name, found in adapters.items()
        },
        "serving": {"max_model_len": 4096, "max_num_seqs": 64},
    }


def chatting(*versions: dict[str, Any], default: str = "1") -> Plan:
    numbered = {str(number): version for number, version in enumerate(versions, 1)}
    entry = EntryFile.model_validate(
        {
            "task": "TextGeneration",
            "model": "Chat",
            "description": "As in tests.",
            "owner": "team",
            "engine": "vllm",
            "languages": {"en": {"scripts": ["Latn"], "versions": numbered}},
        }
    ).root
    release = {"TextGeneration/Chat/en": {"default": default, "versions": sorted(numbered)}}
    catalog = Catalog(entries=(entry,), releases={Environment.DEV: Release.model_validate(release)})
    return make_plan(catalog, Environment.DEV, POOLS)


CHAT_COPY, OTHER_COPY = f"text-generation-chat-{'a' * 12}", f"text-generation-chat-{'b' * 12}"


def test_weights_of_a_language_model_and_of_its_adapters_are_copied_by_digest_for_their_server() -> None:
    recording, needed = built(chatting(language_model(DIGEST, legal=OTHER)))
    copies = {one.name: one.inputs for one in recording.of_type("slipway:index:ModelArtifact")}
    assert {name: (copy["sourcePath"], copy["digest"]) for name, copy in copies.items()} == {
        CHAT_COPY: ("models/chat", DIGEST),
        OTHER_COPY: ("adapters/legal", OTHER),
    }
    assert {name: sorted(copies) for name, copies in needed.items()} == {
        "text-generation-chat-en-1": [CHAT_COPY, OTHER_COPY]
    }
    assert [one for one in recording.resources if one.type == "slipway:index:ThinArchive"] == []


def test_versions_that_share_a_digest_share_the_copy() -> None:
    recording, needed = built(chatting(language_model(DIGEST), language_model(OTHER, legal=DIGEST)))
    assert {one.name for one in recording.of_type("slipway:index:ModelArtifact")} == {CHAT_COPY, OTHER_COPY}
    assert {name: sorted(copies) for name, copies in needed.items()} == {
        "text-generation-chat-en-1": [CHAT_COPY],
        "text-generation-chat-en-2": [CHAT_COPY, OTHER_COPY],
    }


@pytest.mark.parametrize(
    "version",
    [language_model("unresolved"), language_model(DIGEST, legal="unresolved")],
    ids=["own", "adapter"],
)
def test_nothing_is_copied_for_a_language_model_that_cannot_be_served_and_the_warning_says_why(
    version: dict[str, Any],
) -> None:
    plan = chatting(version, language_model(OTHER))
    recording, needed = built(plan)
    assert {one.name for one in recording.of_type("slipway:index:ModelArtifact")} == {OTHER_COPY}
    assert needed == {"text-generation-chat-en-1": (), "text-generation-chat-en-2": (OTHER_COPY,)}
    warning = plan_artifacts(plan, HANDLERS).warning
    assert warning is not None
    (line,) = warning.splitlines()[1:]
    assert "TextGeneration/Chat/en@1: served-artifact: its " in line
    assert "so it is not served, and TextGeneration/Chat/en with it: it is the default. Fix: " in line
    assert "`slipway artifacts digest s3://research-models/" in line


def test_a_model_on_the_hub_is_told_with_the_command_that_brings_it_into_a_bucket() -> None:
    hub = {"repository": "a/b", "revision": "unresolved", "digest": "unresolved"}
    warning = plan_artifacts(chatting({**language_model(), "artifact": hub}), HANDLERS).warning
    assert warning is not None
    command = "slipway artifacts mirror TextGeneration/Chat/en@1 --to s3://BUCKET/PREFIX --write"
    assert f"Fix: `{command}` brings it into a research bucket" in warning
