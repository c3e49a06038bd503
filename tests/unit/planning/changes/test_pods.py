"""Which part of a plan replaces pods, and which a running server takes over."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from artifacts.agent_configuration import models_document
from artifacts.served import ServedFiles
from engines import FETCH_IMAGE
from model_catalog import BucketArtifact, Environment, Smoke
from planning import Server, TextGenerationPlan, TimeSlices, TorchServePlan
from planning.changes import pods
from planning.changes.live import live_changes
from planning.changes.pods import PodPart, changed_parts
from planning.workload import torchserve_pod
from quantities import Bytes
from tests.unit.planning.changes.cases import CHAT, DIGEST, entry, plan
from workloads.agent import Archive

RELEASES = {"QuestionAnswering/Reader/fr": {"default": "1", "versions": ["1", "2"]}}
SERVERS = plan(entry("Reader", "en", "fr"), releases=RELEASES, llm=CHAT).servers
(TORCHSERVE,) = (server for server in SERVERS if isinstance(server, TorchServePlan))
(LANGUAGE_MODEL,) = (server for server in SERVERS if isinstance(server, TextGenerationPlan))

Edit = Callable[[Any], Any]
Parts = tuple[PodPart, ...]
NONE: Parts = ()


def of(**said: Any) -> Edit:
    return lambda server: replace(server, **said)


def resources(**said: Any) -> Edit:
    return lambda server: replace(server, resources=replace(server.resources, **said))


def models(edit: Edit) -> Edit:
    return lambda server: replace(server, models=tuple(edit(model) for model in server.models))


def triples(**said: Any) -> Edit:
    return models(lambda model: replace(model, triple=model.triple.model_copy(update=said)))


def version(**said: Any) -> Edit:
    return lambda server: replace(server, version=server.version.model_copy(update=said))


def serving(server: Any, **said: Any) -> Any:
    return server.model_copy(update={"serving": server.serving.model_copy(update=said)})


def options(name: str, value: Any) -> Edit:
    return models(lambda model: replace(model, triple=serving(model.triple, **{name: value})))


def later(seconds: int) -> Edit:
    return lambda server: replace(server, startup_budget=server.startup_budget + timedelta(seconds=seconds))


def owner(server: Any) -> Any:
    return models(lambda model: replace(model, owner="somebody"))(server)


COMMON: dict[str, tuple[Edit, Parts]] = {
    "environment": (of(environment=Environment.PROD), (PodPart.IDENTITY,)),
    "engine_version": (of(engine_version="0"), (PodPart.IDENTITY,)),
    "device": (of(device="none"), NONE),
    "image": (of(image=FETCH_IMAGE), (PodPart.IMAGE,)),
    "replicas": (of(replicas=7), NONE),
    "pool": (of(pool="other"), (PodPart.POOL,)),
    "resources: millicores": (resources(millicores=777), (PodPart.RESOURCES,)),
    "resources: memory": (resources(memory=Bytes.mebibytes(7777)), (PodPart.RESOURCES,)),
    "resources: less than a Mi": (
        lambda server: resources(memory=Bytes(server.resources.memory - 1))(server),
        NONE,
    ),
    "resources: gpus": (resources(gpus=0), (PodPart.RESOURCES,)),
    "models: path": (models(lambda model: replace(model, path="/other", variant_path="/other")), NONE),
    "image and pool": (of(image=FETCH_IMAGE, pool="other"), (PodPart.IMAGE, PodPart.POOL)),
}
TORCHSERVE_EDITS: dict[str, tuple[Edit, Parts]] = {
    **COMMON,
    # Whether it may read them is said to AWS.
    "artifact_prefixes": (of(artifact_prefixes=("other/",)), NONE),
    "fixed_overrides": (
        of(fixed_overrides=("QuestionAnswering/Reader/fr@1 batch_size=7",)),
        (PodPart.SETTINGS,),
    ),
    # Its probes ask the agent, and wait as long for any server.
    "startup_budget": (later(60), NONE),
    "models: owner": (owner, NONE),
    # One default a variant is what TorchServe takes, so they change places.
    "models: default": (
        models(
            lambda model: replace(model, default=not model.default) if "fr" in str(model.selector) else model
        ),
        NONE,
    ),
    "models: gone": (lambda server: replace(server, models=server.models[:1]), NONE),
    "models: name": (models(lambda model: replace(model, name=f"a{model.name}")), NONE),
    "models: version": (models(lambda model: replace(model, version=f"{model.version}.1")), NONE),
    "models: archive": (models(lambda model: replace(model, archive=f"a{model.archive}")), NONE),
    "models: gpu_memory_fraction": (models(lambda model: replace(model, gpu_memory_fraction=0.5)), NONE),
    "models: smoke": (triples(smoke=Smoke(body="{}")), NONE),
    "models: evaluations": (triples(evaluations=("another",)), NONE),
    **{
        f"models: {name}": (options(name, value), NONE)
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
LANGUAGE_MODEL_EDITS: dict[str, tuple[Edit, Parts]] = {
    **COMMON,
    "artifact_prefixes": (of(artifact_prefixes=("other/",)), NONE),
    "fetch_image": (lambda server: replace(server, fetch_image=server.image), (PodPart.IMAGE,)),
    "models: default": (models(lambda model: replace(model, default=not model.default)), NONE),
    "models: owner": (owner, (PodPart.IDENTITY,)),
    # The node's settings divide a GPU; what the engine is told of it is in its version.
    "share": (of(share=TimeSlices(devices=2)), NONE),
    "startup_budget": (later(60), (PodPart.STARTUP,)),
    "startup_budget: less than a probe's period": (later(-1), NONE),
    "version: serving": (
        lambda server: replace(server, version=serving(server.version, max_num_seqs=7)),
        (PodPart.MODELS,),
    ),
    "version: artifact": (
        version(artifact=BucketArtifact(bucket="research", path="chat/2", digest=DIGEST)),
        (PodPart.MODELS,),
    ),
    "version: precision": (version(precision="bfloat16"), (PodPart.MODELS,)),
    "version: adapters": (version(adapters={}), (PodPart.MODELS,)),
    "version: evaluations": (version(evaluations=("another",)), NONE),
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


@pytest.mark.parametrize(
    ("server", "edit", "parts"),
    [
        pytest.param(server, edit, parts, id=f"{server.engine}: {name}")
        for server, edits in ((TORCHSERVE, TORCHSERVE_EDITS), (LANGUAGE_MODEL, LANGUAGE_MODEL_EDITS))
        for name, (edit, parts) in edits.items()
    ],
)
def test_the_parts_of_a_pod_that_differ_are_called_as_people_know_them(
    server: Server, edit: Edit, parts: Parts
) -> None:
    edited = edit(server)
    assert edited != server
    assert changed_parts(server, edited) == changed_parts(edited, server) == parts


def test_another_text_of_a_file_that_pods_read_at_their_start_replaces_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = iter(("number_of_gpu=1", "number_of_gpu=2"))
    monkeypatch.setattr(
        pods, "torchserve_pod", lambda server: replace(torchserve_pod(server), files={"a": next(texts)})
    )
    assert changed_parts(TORCHSERVE, TORCHSERVE) == (PodPart.RESOURCES,)


# TorchServe never scales between min_workers and max_workers, so the latter alone changes nothing.
@pytest.mark.parametrize("name", sorted(TORCHSERVE_EDITS.keys() - {"models: max_workers"}))
def test_what_a_running_server_takes_over_is_what_its_agent_is_told(name: str) -> None:
    edit, _ = TORCHSERVE_EDITS[name]
    edited = edit(TORCHSERVE)
    assert (live_changes(TORCHSERVE, edited) is not None) is (told(edited) != told(TORCHSERVE))
