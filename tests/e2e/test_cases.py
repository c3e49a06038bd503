"""Configuration files as people have them: imported, planned, written for the agent, served, and read back."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from sandbox.serving.runtime import TorchServeRuntime
from tests.e2e import archives, planned
from tests.e2e.load import Load
from tests.e2e.servers import get
from tests.e2e.site import Site

CASES: Final = Path(__file__).with_name("cases")
MODEL: Final = "fr_reader"
DOCUMENTED: Final = {"batchSize": 1, "maxBatchDelay": 100, "minWorkers": 1, "responseTimeout": 120}
"""What TorchServe's documentation gives a version that does not say (management_api.md); the most workers are the
fewest."""


def asked_for(case: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Version → the settings that it has to have."""
    said = {version: {**DOCUMENTED, **keys} for version, keys in case[MODEL].items()}
    names = (*DOCUMENTED, "maxWorkers")
    return {
        version: {name: {"maxWorkers": keys["minWorkers"], **keys}[name] for name in names}
        for version, keys in said.items()
    }


def told(site: Site, version: str = "") -> list[dict[str, Any]]:
    """How TorchServe's management API describes the model."""
    status, body = get(site.torchserve.management, f"/models/{MODEL}{version}")
    assert status == 200
    found: list[dict[str, Any]] = json.loads(body)
    return found


@pytest.mark.parametrize(
    ("name", "default"), [("torchserve_config_one_version", "1.0"), ("torchserve_config_two_versions", "2")]
)
def test_a_configuration_that_is_imported_and_planned_is_what_torchserve_serves(
    runtime: TorchServeRuntime, tmp_path: Path, name: str, default: str
) -> None:
    case = json.loads((CASES / f"{name}.json").read_text())
    with Site(runtime) as site:
        at_hand = tmp_path / "archives"
        at_hand.mkdir()
        contents = {keys["marName"]: archives.build("fr", version) for version, keys in case[MODEL].items()}
        planned.promote(contents, at_hand, site.source)
        planned.imported(CASES / f"{name}.json", tmp_path / "model_catalog", at_hand)
        site.write(planned.configuration(tmp_path / "model_catalog"))
        site.until_serving(fr_reader=default)
        for version in case[MODEL]:
            site.until_state(MODEL, version, "servable")

        described = told(site, "/all")
        wanted = asked_for(case)
        assert {
            found["modelVersion"]: {key: found[key] for key in wanted[found["modelVersion"]]}
            for found in described
        } == wanted
        for found in described:
            assert [worker["status"] for worker in found["workers"]] == ["READY"]
        assert told(site)[0]["modelVersion"] == default
        with Load(site.torchserve.inference, [MODEL]) as load:
            load.more(20)
        assert {answer.text for answer in load.answers} == {f"fr|{default}|a"}


def test_a_model_answers_under_the_name_that_its_entry_keeps(
    runtime: TorchServeRuntime, tmp_path: Path
) -> None:
    kept = "Squeeze-net.1_1"
    with Site(runtime) as site:
        at_hand = tmp_path / "archives"
        at_hand.mkdir()
        planned.promote({"squeeze.mar": archives.build("en", "1.0")}, at_hand, site.source)
        case = tmp_path / "models.json"
        case.write_text(json.dumps({kept: {"1.0": {"marName": "squeeze.mar"}}}))
        planned.imported(case, tmp_path / "model_catalog", at_hand, "--keep-names")
        site.write(planned.configuration(tmp_path / "model_catalog"))
        site.until_serving(**{kept: "1.0"})
        with Load(site.torchserve.inference, [kept]) as load:
            load.more(20)
        assert {answer.text for answer in load.answers} == {"en|1.0|a"}
        assert load.failures() == []
