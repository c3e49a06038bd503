"""Adding a language is a block in an entry and a line in a release, and it touches one ConfigMap in the cluster."""

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
from workloads.agent import Archive, read_configuration

READER = "gpu-g4dn-xlarge-torchserve-1"
DIGEST = f"sha256:{'d' * 64}"
GERMAN = {"QuestionAnswering/Reader/de", "QuestionAnswering/Reader/de@1"}


@pytest.fixture(scope="module", name="with_german")
def _with_german(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    root = tmp_path_factory.mktemp("german") / "catalog"
    shutil.copytree(CATALOG_ROOT, root, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = root / "entries/question_answering/reader.yaml"
    entry = yaml.safe_load(path.read_text())
    english = entry["languages"]["en"]
    path_of_mar = "RemoteModels/de/QuestionAnswering/Reader/de_reader_1.mar"
    artifact = {"bucket": "research-models", "path": path_of_mar, "digest": DIGEST}
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


def test_the_program_copies_its_files_and_changes_one_configmap_and_what_watches_it_alone(
    with_german: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = (
        {one.urn.rpartition("::")[2]: one.inputs for one in deployed(catalog, monkeypatch).resources}
        for catalog in (load_catalog(), with_german)
    )
    assert after.keys() - before.keys() == {"question-answering-reader-de-dddddddddddd"}
    assert before.keys() <= after.keys()
    changed = {name for name in before if before[name] != after[name]}
    # Prometheus learns which samples are German.
    assert changed == {f"{READER}-models", f"{READER}-monitoring-pods"}
    old, new = (
        read_configuration(side[f"{READER}-models"]["data"]["models.json"]) for side in (before, after)
    )
    assert {name: new.models[name] for name in old.models} == old.models
    assert new.models["de_reader"]["1"].archive == Archive(
        DIGEST, f"artifacts/{DIGEST}/files/de_reader_1.mar"
    )


def test_the_outputs_gain_that_language_s_endpoints(
    with_german: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = (
        deployed(catalog, monkeypatch).stack_outputs["endpoints"] for catalog in (load_catalog(), with_german)
    )
    assert after.keys() - before.keys() == GERMAN
    assert {selector: after[selector] for selector in before} == before
