from dataclasses import replace

import pytest

from artifacts import RefusedError
from artifacts.agent_configuration import models_document
from artifacts.served import ServedFiles
from model_catalog import BucketArtifact, Environment, Selector, Smoke, load_catalog
from planning import TorchServePlan, make_plan
from tests.support.pools import POOLS
from workloads.agent import Archive, Weights, read_configuration

SERVER = next(
    server
    for server in make_plan(load_catalog(), Environment.DEV, POOLS).servers
    if isinstance(server, TorchServePlan) and len(server.models) > 1
)
WEIGHTS = Weights("sha256:" + "b" * 64, "artifacts/sha256:" + "b" * 64)


def files_of(server: TorchServePlan) -> dict[Selector, ServedFiles]:
    """As if research had left weights for every version."""
    found = {}
    for number, model in enumerate(server.models):
        digest = f"sha256:{number:064x}"
        found[model.selector] = ServedFiles(
            archive=Archive(digest, f"archives/{digest}.mar"),
            weights=WEIGHTS,
            thin=None,
            artifact=BucketArtifact(bucket="research-models", path="reader", digest=WEIGHTS.digest),
        )
    return found


def document(server: TorchServePlan) -> str:
    return models_document(server, files_of(server))


def test_the_agent_reads_in_its_configuration_what_the_plan_says() -> None:
    models = read_configuration(document(SERVER)).models
    assert {name: sorted(versions) for name, versions in models.items()} == {
        "en_reader": ["1"],
        "fr_reader": ["1.0", "2"],
    }
    for model in SERVER.models:
        said, options = models[model.name][model.version], model.options
        assert said.default is model.default
        assert (said.min_workers, said.max_workers) == (options.min_workers, options.worker_limit)
        assert (said.batch_size, said.max_batch_delay) == (options.batch_size, options.max_batch_delay)
        assert said.weights == WEIGHTS
        assert said.gpu_memory_fraction == model.gpu_memory_fraction


def test_a_version_that_leaves_answers_for_longer_than_any_request_takes() -> None:
    grace = read_configuration(document(SERVER)).drain_grace
    assert all(grace > model.options.response_timeout for model in SERVER.models)


def test_a_version_without_files_is_not_configured() -> None:
    files = files_of(SERVER)
    del files[SERVER.models[1].selector]
    models = read_configuration(models_document(SERVER, files)).models
    assert sorted(models["fr_reader"]) == ["2"]
    assert read_configuration(models_document(SERVER, {})).models == {}


def test_a_configuration_that_no_configmap_holds_is_refused_with_the_fix() -> None:
    model = SERVER.models[0]
    long = model.triple.model_copy(
        update={"smoke": Smoke.model_construct(body="x" * 950_000, content_type="a/b")}
    )
    grown = replace(SERVER, models=(replace(model, triple=long), *SERVER.models[1:]))
    with pytest.raises(RefusedError, match=rf"{SERVER.name}: configmap-size: .* Fix: shorten"):
        document(grown)
