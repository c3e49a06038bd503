"""Which part of a plan replaces pods and which a running server takes over, judged by the pods and the agent's
configuration that components make of it.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pulumi
import pytest

from artifacts.agent_configuration import models_document
from artifacts.served import ServedFiles
from components import (
    ServerSite,
    TextGenerationStack,
    TextGenerationStackArgs,
    TorchServeStack,
    TorchServeStackArgs,
)
from engines import FETCH_IMAGE
from model_catalog import BucketArtifact, Environment, Smoke
from planning import Server, TextGenerationPlan, TimeSlices, TorchServePlan
from planning.changes.live import live_changes
from planning.changes.pods import PodPart, changed_parts
from quantities import Bytes
from tests.support.recording import record
from tests.unit.planning.changes.cases import CHAT, DIGEST, entry, plan
from workloads.agent import Archive

RELEASES = {"QuestionAnswering/Reader/fr": {"default": "1", "versions": ["1", "2"]}}
SERVERS = plan(entry("Reader", "en", "fr"), releases=RELEASES, llm=CHAT).servers
(TORCHSERVE,) = (server for server in SERVERS if isinstance(server, TorchServePlan))
(LANGUAGE_MODEL,) = (server for server in SERVERS if isinstance(server, TextGenerationPlan))

Edit = Callable[[Any], Any]


def resources(**said: Any) -> Edit:
    return lambda server: replace(server, resources=replace(server.resources, **said))


def models(edit: Edit) -> Edit:
    return lambda server: replace(server, models=tuple(edit(model) for model in server.models))


def triples(**said: Any) -> Edit:
    return models(lambda model: replace(model, triple=model.triple.model_copy(update=said)))


def serving(server: Any, **said: Any) -> Any:
    return server.model_copy(update={"serving": server.serving.model_copy(update=said)})


def options(name: str, value: Any) -> Edit:
    return models(lambda model: replace(model, triple=serving(model.triple, **{name: value})))


COMMON: dict[str, Edit] = {
    "name": lambda server: replace(server, name="other"),
    "environment": lambda server: replace(server, environment=Environment.PROD),
    "engine_version": lambda server: replace(server, engine_version="0"),
    "device": lambda server: replace(server, device="none"),
    "image": lambda server: replace(server, image=FETCH_IMAGE),
    "replicas": lambda server: replace(server, replicas=7),
    "pool": lambda server: replace(server, pool="other"),
    "resources: millicores": resources(millicores=7),
    "resources: memory": resources(memory=Bytes.mebibytes(7777)),
    "resources: less than a Mi": lambda server: replace(
        server, resources=replace(server.resources, memory=Bytes(server.resources.memory - 1))
    ),
    "resources: gpus": resources(gpus=0),
    "startup_budget": lambda server: replace(
        server, startup_budget=server.startup_budget + timedelta(minutes=1)
    ),
    "inference_port": lambda server: replace(server, inference_port=7),
    "metrics_port": lambda server: replace(server, metrics_port=7),
    "models: owner": models(lambda model: replace(model, owner="somebody")),
    "models: default": models(lambda model: replace(model, default=not model.default)),
    "models: path": models(lambda model: replace(model, path="/other", variant_path="/other")),
}
TORCHSERVE_EDITS: dict[str, Edit] = {
    **COMMON,
    # Whether it may read them is said to AWS.
    "artifact_prefixes": lambda server: replace(server, artifact_prefixes=("other/",)),
    # One default a variant is what TorchServe takes, so they change places.
    "models: default": models(
        lambda model: replace(model, default=not model.default) if "fr" in str(model.selector) else model
    ),
    "models: gone": lambda server: replace(server, models=server.models[:1]),
    "models: name": models(lambda model: replace(model, name=f"a{model.name}")),
    "models: version": models(lambda model: replace(model, version=f"{model.version}.1")),
    "models: archive": models(lambda model: replace(model, archive=f"a{model.archive}")),
    "models: gpu_memory_fraction": models(lambda model: replace(model, gpu_memory_fraction=0.5)),
    "models: smoke": triples(smoke=Smoke(body="{}")),
    "fixed_overrides": lambda server: replace(
        server, fixed_overrides=("QuestionAnswering/Reader/fr@1 batch_size=7",)
    ),
    "models: evaluations": triples(evaluations=()),
    **{
        f"models: {name}": options(name, value)
        for name, value in {
            "batch_size": 7,
            "min_workers": 7,
            "max_workers": 7,
            "max_batch_delay": timedelta(seconds=7),
            "response_timeout": timedelta(seconds=7),
            "startup_timeout": timedelta(seconds=7),
        }.items()
    },
}
LANGUAGE_MODEL_EDITS: dict[str, Edit] = {
    **COMMON,
    "fetch_image": lambda server: replace(server, fetch_image=server.image),
    "artifact_prefixes": lambda server: replace(server, artifact_prefixes=("other/",)),
    # The node's settings divide a GPU; what the engine is told of it is in its version.
    "share": lambda server: replace(server, share=TimeSlices(devices=2)),
    "version: serving": lambda server: replace(server, version=serving(server.version, max_num_seqs=7)),
    "version: precision": lambda server: replace(
        server, version=server.version.model_copy(update={"precision": "bfloat16"})
    ),
    "version: adapters": lambda server: replace(
        server, version=server.version.model_copy(update={"adapters": {}})
    ),
    "version: evaluations": lambda server: replace(
        server, version=server.version.model_copy(update={"evaluations": ()})
    ),
}


SERVED = {
    model.selector: ServedFiles(
        archive=Archive(f"sha256:{number:064x}", f"archives/{number}.mar"),
        weights=None,
        thin=None,
        artifact=BucketArtifact(bucket="research", path="a/b.mar", digest=DIGEST),
    )
    for number, model in enumerate(TORCHSERVE.models)
}
"""As if the files of every version lay in the bucket. An edit changes none of them."""


def told(server: TorchServePlan) -> str:
    """The agent's configuration."""
    return models_document(server, SERVED)


def pods(server: Server) -> Any:
    """The pod template, and what it mounts under a name that changes with it."""

    def program() -> None:
        site = ServerSite(
            namespace="serving",
            region="eu-west-1",
            cluster_name="main",
            bucket_name="models",
            bucket_arn="arn:aws:s3:::models",
            key_arn="arn:key",
        )
        opts = pulumi.ResourceOptions()
        if isinstance(server, TorchServePlan):
            TorchServeStack(
                "server", TorchServeStackArgs(server=server, models=told(server), site=site), opts
            )
        else:
            TextGenerationStack("server", TextGenerationStackArgs(server=server, site=site), opts)

    recording = record(program)
    template = recording.one("kubernetes:apps/v1:Deployment").inputs["spec"]["template"]
    files = recording.of_type("kubernetes:core/v1:ConfigMap")
    return template, [one.inputs["data"] for one in files if one.inputs.get("immutable")]


@pytest.mark.parametrize(
    ("server", "edit"),
    [
        pytest.param(server, edit, id=f"{server.engine}: {name}")
        for server, edits in ((TORCHSERVE, TORCHSERVE_EDITS), (LANGUAGE_MODEL, LANGUAGE_MODEL_EDITS))
        for name, edit in edits.items()
    ],
)
def test_a_server_restarts_exactly_where_its_pods_or_files_differ(server: Server, edit: Edit) -> None:
    edited = edit(server)
    assert bool(changed_parts(server, edited)) is (pods(server) != pods(edited))


@pytest.mark.parametrize(
    ("server", "edits"), [(TORCHSERVE, TORCHSERVE_EDITS), (LANGUAGE_MODEL, LANGUAGE_MODEL_EDITS)]
)
def test_every_field_of_a_plan_is_asked_about(server: Server, edits: dict[str, Edit]) -> None:
    asked = {name.partition(":")[0] for name in edits}
    assert {field.name for field in fields(server)} - asked == {"engine"}


@pytest.mark.parametrize(
    ("edit", "parts"),
    [
        ("image", [PodPart.IMAGE]),
        ("resources: memory", [PodPart.RESOURCES]),
        ("resources: gpus", [PodPart.RESOURCES]),
        ("pool", [PodPart.POOL]),
        ("name", [PodPart.IDENTITY]),
        ("fixed_overrides", [PodPart.SETTINGS]),
        ("startup_budget", []),
        ("models: default", []),
        ("models: gone", []),
        ("models: version", []),
        ("models: batch_size", []),
        ("models: min_workers", []),
        ("models: smoke", []),
    ],
)
def test_torchserve_s_pods_are_image_resources_pool_identity_and_what_cannot_change_as_they_run(
    edit: str, parts: list[PodPart]
) -> None:
    assert list(changed_parts(TORCHSERVE, TORCHSERVE_EDITS[edit](TORCHSERVE))) == parts


# TorchServe never scales between min_workers and max_workers, so the latter alone changes nothing.
@pytest.mark.parametrize("name", sorted(TORCHSERVE_EDITS.keys() - {"models: max_workers"}))
def test_what_a_running_server_takes_over_is_what_its_agent_is_told(name: str) -> None:
    edited = TORCHSERVE_EDITS[name](TORCHSERVE)
    assert (live_changes(TORCHSERVE, edited) is not None) is (told(edited) != told(TORCHSERVE))
