"""Inputs that real users have, as they are, and what is right for each."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli import edits
from cli.edit_commands import import_app
from engines.torchserve import prediction_path
from model_catalog import (
    Catalog,
    Environment,
    TorchServeEntry,
    TorchServeVersion,
    check_catalog,
    load_catalog,
)
from tests.unit.model_catalog.overlay import TODAY, overlaid

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "model_catalog"
    (root / "entries").mkdir(parents=True)
    monkeypatch.setattr(edits, "CATALOG", root)
    return root


def imported(file: str, *options: str) -> Result:
    return CliRunner().invoke(
        import_app, ["torchserve", str(HERE / file), "--task", "Trial", "--env", "dev", *options, "--yes"]
    )


def served(root: Path) -> dict[str, TorchServeVersion]:
    """Path that answers → version, of what dev runs."""
    catalog: Catalog = load_catalog(root)
    found = {}
    for running in catalog.running(Environment.DEV):
        assert isinstance(running.entry, TorchServeEntry)
        assert isinstance(running.version, TorchServeVersion)
        name = running.entry.server_model_name(running.language)
        found[prediction_path(name, None if running.default else running.version_id)] = running.version
    return found


def test_a_snapshot_as_torchserve_writes_it_comes_in_and_keeps_its_model_s_name(catalog: Path) -> None:
    result = imported("snapshot.cfg", "--language", "fr")
    assert result.exit_code == 0, result.output
    versions = served(catalog)
    assert list(versions) == ["/predictions/fr_intent"]
    serving = versions["/predictions/fr_intent"].serving
    assert (serving.min_workers, serving.max_workers, serving.batch_size) == (8, 8, 1)
    assert "not taken from" in result.output
    assert "inference_address" in result.output


def test_a_config_properties_of_kubernetes_comes_in_with_both_models(catalog: Path) -> None:
    refused = imported("eks_config.properties")
    assert refused.exit_code == 2
    assert "the language of squeezenet1_1 is not known from the file; give --language" in " ".join(
        refused.output.replace("│", " ").split()
    )
    result = imported("eks_config.properties", "--language", "mul", "--rename")
    assert result.exit_code == 0, result.output
    versions = served(catalog)
    assert {path: version.serving.min_workers for path, version in versions.items()} == {
        "/predictions/mul_mnist": 5,
        "/predictions/mul_squeezenet1_1": 3,
    }


def test_a_name_that_would_change_is_refused_until_that_is_accepted(catalog: Path) -> None:
    result = imported("eks_config.properties", "--language", "mul")
    assert result.exit_code == 2
    said = " ".join(result.output.replace("│", " ").split())
    assert "squeezenet1_1 would be served as mul_squeezenet1_1" in said
    assert "give --keep-names to keep it, --rename to accept mul_squeezenet1_1" in said
    assert list(catalog.rglob("*.yaml")) == []


def test_names_that_say_no_language_are_kept_for_their_callers(catalog: Path) -> None:
    result = imported("eks_config.properties", "--language", "mul", "--keep-names")
    assert result.exit_code == 0, result.output
    assert list(served(catalog)) == ["/predictions/mnist", "/predictions/squeezenet1_1"]
    entry = (catalog / "entries" / "trial" / "mnist.yaml").read_text()
    assert "    served_name: mnist\n" in entry
    again = imported("eks_config.properties")
    assert again.exit_code == 0, again.output
    assert "known already: Trial/Mnist/mul@1.0" in again.output
    assert "nothing to change" in again.output


def test_a_name_that_language_and_model_make_is_not_written_down(catalog: Path) -> None:
    result = imported("snapshot.cfg", "--language", "fr", "--keep-names")
    assert result.exit_code == 0, result.output
    assert list(served(catalog)) == ["/predictions/fr_intent"]
    assert "served_name" not in (catalog / "entries" / "trial" / "intent.yaml").read_text()


def test_what_torchserve_0_12_writes_comes_in_and_what_has_no_effect_is_named(catalog: Path) -> None:
    result = imported("snapshot_models_0_12.json", "--language", "fr")
    assert result.exit_code == 0, result.output
    assert set(served(catalog)) == {"/predictions/fr_noop", "/predictions/fr_noop/1.2.1"}
    for said in (
        '$.fr_noop["1.2.1"].runtimeType is left out',
        '$.fr_noop["1.11"].parallelLevel is left out',
        '$.fr_noop["1.11"].minWorkers is 0: a version that is released has one worker at least',
    ):
        assert said in result.output
    assert served(catalog)["/predictions/fr_noop"].serving.min_workers == 1


def test_a_batch_delay_of_nothing_comes_in_as_0_ms(catalog: Path) -> None:
    result = imported("batch_delay_zero.json", "--language", "en")
    assert result.exit_code == 0, result.output
    (version,) = served(catalog).values()
    assert version.serving.max_batch_delay.total_seconds() == 0
    assert "max_batch_delay: 0ms" in (catalog / "entries" / "trial" / "captioner.yaml").read_text()


def test_a_name_that_begins_like_a_language_is_asked_about_and_never_burmese_by_itself(catalog: Path) -> None:
    result = imported("my_tc.json")
    assert result.exit_code == 2
    assert "the language of my_tc is not known from the file" in " ".join(
        result.output.replace("│", " ").split()
    )
    assert list(catalog.rglob("*.yaml")) == []
    result = imported("my_tc.json", "--language", "en", "--model", "MyTc", "--rename")
    assert result.exit_code == 0, result.output
    assert list(served(catalog)) == ["/predictions/en_mytc"]


def test_heads_that_do_not_divide_are_an_error_that_names_heads_and_shards(tmp_path: Path) -> None:
    changes = tmp_path / "changes" / "entries" / "text_generation"
    changes.mkdir(parents=True)
    shutil.copy(HERE / "heads_not_divisible.yaml", changes / "shards.yaml")
    (problem,) = check_catalog(overlaid(tmp_path / "changes", tmp_path), today=TODAY).problems
    assert problem.rule == "heads-divide"
    assert problem.line == 18
    assert problem.message.startswith(
        "num_shard is 3, and the 40 attention heads of the model cannot be divided"
    )
