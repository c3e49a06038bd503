"""Adding a language is a block in an entry and a line in a release, and it touches one server's configuration."""

import shutil
from dataclasses import replace

import pytest
import yaml

from infra import program
from infra.settings import load_settings
from infra.stack_files import read_stack_config
from model_catalog import CATALOG_ROOT, Catalog, Environment, load_catalog
from planning import Plan, TorchServePlan, make_plan
from tests.support.recording import Recording, record

READER = "gpu-g4dn-xlarge-torchserve-1"
GERMAN = {"QuestionAnswering/Reader/de", "QuestionAnswering/Reader/de@1"}


@pytest.fixture(scope="module", name="with_german")
def _with_german(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    root = tmp_path_factory.mktemp("german") / "catalog"
    shutil.copytree(CATALOG_ROOT, root, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = root / "entries/question_answering/reader.yaml"
    entry = yaml.safe_load(path.read_text())
    english = entry["languages"]["en"]
    artifact = {**english["versions"]["1"]["artifact"], "path": "RemoteModels/de/QuestionAnswering/Reader"}
    entry["languages"]["de"] = {
        **english,
        "versions": {"1": {**english["versions"]["1"], "artifact": artifact}},
    }
    path.write_text(yaml.safe_dump(entry))
    with (root / "releases/sandbox.yaml").open("a") as release:
        release.write('QuestionAnswering/Reader/de: {default: "1"}\n')
    return load_catalog(root)


def planned(catalog: Catalog) -> Plan:
    settings = load_settings("sandbox", read_stack_config("sandbox"))
    return make_plan(catalog, Environment.SANDBOX, settings.pools)


def deployed(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Recording:
    monkeypatch.setattr(program, "load_catalog", lambda: catalog)
    return record(program.run, stack_name="sandbox", config=read_stack_config("sandbox"))


def reader(plan: Plan) -> TorchServePlan:
    (server,) = (server for server in plan.servers if server.name == READER)
    assert isinstance(server, TorchServePlan)
    return server


def test_the_plan_gains_that_language_s_models_and_nothing_else(with_german: Catalog) -> None:
    before, after = planned(load_catalog()), planned(with_german)
    assert set(reader(after).paths) - set(reader(before).paths) == GERMAN
    kept = tuple(m for m in reader(after).models if m.selector.language != "de")
    assert kept == reader(before).models
    # More workers ask for more room, and may take longer to start.
    same = replace(
        reader(after),
        models=kept,
        resources=reader(before).resources,
        startup_budget=reader(before).startup_budget,
    )
    assert same == reader(before)
    others = [[server for server in plan.servers if server.name != READER] for plan in (before, after)]
    assert others[0] == others[1]
    assert before.pools == after.pools


def test_the_program_changes_that_server_s_configuration_and_what_watches_it_alone(
    with_german: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = (deployed(catalog, monkeypatch) for catalog in (load_catalog(), with_german))
    inputs = [
        {resource.urn: resource.inputs for resource in recording.resources} for recording in (before, after)
    ]
    assert inputs[0].keys() == inputs[1].keys()
    changed = {urn.rpartition("::")[2] for urn in inputs[0] if inputs[0][urn] != inputs[1][urn]}
    # Prometheus learns which samples are German.
    assert changed == {f"{READER}-config", f"{READER}-monitoring-pods", f"{READER}-server"}
    old, new = (
        recording.one("kubernetes:apps/v1:Deployment", f"{READER}-server").inputs
        for recording in (before, after)
    )
    assert old["metadata"] == new["metadata"]
    assert old["spec"]["selector"] == new["spec"]["selector"]


def test_the_outputs_gain_that_language_s_endpoints(
    with_german: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = (
        deployed(catalog, monkeypatch).stack_outputs["endpoints"] for catalog in (load_catalog(), with_german)
    )
    assert after.keys() - before.keys() == GERMAN
    assert {selector: after[selector] for selector in before} == before
