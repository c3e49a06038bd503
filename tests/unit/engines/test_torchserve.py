import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from engines.torchserve import (
    CONFIG_KEYS,
    TUNABLE,
    ServedVersion,
    ServerConfig,
    ServingOptions,
    archive_name,
    model_name,
    model_snapshot,
    prediction_path,
    render_config,
    render_empty_config,
)
from model_catalog import Environment, Selector, TorchServeEntry, load_catalog

CASES = Path(__file__).parent / "cases"


def served(
    version: str = "1", *, default: bool = True, name: str = "fr_reader", **fields: Any
) -> ServedVersion:
    archive = fields.pop("archive", archive_name(name, version))
    return ServedVersion(
        name=name, version=version, archive=archive, default=default, options=ServingOptions(**fields)
    )


def properties(*versions: ServedVersion, gpus: int = 1) -> dict[str, str]:
    text = render_config(ServerConfig(model_store="/mnt/models", gpus=gpus, versions=versions))
    return dict(line.split("=", 1) for line in text.splitlines())


def test_the_repository_s_reader_gives_every_value_of_the_existing_configuration() -> None:
    case = json.loads((CASES / "torchserve_config_two_versions.json").read_text())
    catalog = load_catalog()
    french = Selector.parse("QuestionAnswering/Reader/fr")
    entry = catalog.entry(french)
    assert isinstance(entry, TorchServeEntry)
    snapshot = model_snapshot(
        ServedVersion(
            name=entry.server_model_name(version.language),
            version=version.version_id,
            archive=entry.archive(version.language, version.version_id),
            default=version.default,
            options=entry.version(version.language, version.version_id).serving,
        )
        for version in catalog.running(Environment.DEV)
        if french.matches(version.selector)
    )
    models: Any = snapshot["models"]
    assert {name: set(versions) for name, versions in models.items()} == {
        name: set(versions) for name, versions in case.items()
    }
    for name, versions in case.items():
        for version, values in versions.items():
            assert {key: models[name][version][key] for key in values} == values


def test_what_a_version_leaves_out_takes_torchserve_s_default() -> None:
    entry: Any = model_snapshot([served(min_workers=3)])["models"]
    assert entry["fr_reader"]["1"] == {
        "batchSize": 1,
        "defaultVersion": True,
        "marName": "fr_reader_1.mar",
        "maxBatchDelay": 100,
        "maxWorkers": 3,
        "minWorkers": 3,
        "responseTimeout": 120,
        "startupTimeout": 120,
    }


def test_the_model_count_is_the_number_of_versions_because_zero_starts_an_empty_server() -> None:
    config = properties(served("1", default=False), served("2"), served("1", name="de_reader"))
    assert json.loads(config["model_snapshot"])["modelCount"] == 3


def test_the_configuration_is_the_same_whatever_the_order_of_versions() -> None:
    first, second = served("1", default=False), served("2")
    assert properties(first, second) == properties(second, first)


def test_only_keys_that_torchserve_knows_are_written_one_to_a_line() -> None:
    config = properties(served())
    assert set(config) <= CONFIG_KEYS
    assert list(config) == sorted(config)


def test_the_management_api_and_grpc_listen_on_loopback_alone() -> None:
    config = properties(served())
    assert config["management_address"] == "http://127.0.0.1:8081"
    assert config["grpc_management_address"] == config["grpc_inference_address"] == "127.0.0.1"


def test_predictions_and_metrics_can_be_reached_from_outside_the_pod() -> None:
    config = properties(served())
    assert config["inference_address"] == "http://0.0.0.0:8080"
    assert (config["metrics_address"], config["metrics_mode"]) == ("http://0.0.0.0:8082", "prometheus")


def test_nothing_can_be_loaded_or_changed_from_outside_the_configuration() -> None:
    config = properties(served())
    assert config["allowed_urls"] == "file:///mnt/models/.*"
    for key in ("enable_envvars_config", "enable_model_api", "install_py_dep_per_model"):
        assert config[key] == "false", key


def test_a_server_for_an_agent_has_no_models_takes_them_and_is_otherwise_the_same() -> None:
    text = render_empty_config(model_store="/mnt/models", gpus=1)
    empty = dict(line.split("=", 1) for line in text.splitlines())
    whole = properties(served())
    assert whole.keys() - empty.keys() == {"model_snapshot"}
    assert empty.keys() - whole.keys() == {"vmargs"}
    assert {key for key in empty.keys() & whole.keys() if empty[key] != whole[key]} == {"enable_model_api"}
    assert empty["enable_model_api"] == "true"


def test_java_takes_a_gibibyte_and_not_a_quarter_of_what_its_workers_were_promised() -> None:
    (arguments,) = (
        line.removeprefix("vmargs=").split()
        for line in render_empty_config(model_store="/mnt/models", gpus=1).splitlines()
        if line.startswith("vmargs=")
    )
    assert arguments == ["-Xmx1g", "-XX:+ExitOnOutOfMemoryError"]


def test_a_server_without_gpu_is_told_to_use_none() -> None:
    assert properties(served(), gpus=0)["number_of_gpu"] == "0"


@pytest.mark.parametrize(
    ("versions", "message"),
    [
        ((), "without models"),
        ((served("1"), served("2")), "2 default versions"),
        ((served(default=False),), "0 default versions"),
        ((served("1"), served("1", default=False, archive="b.mar")), "version listed twice"),
        ((served("1", archive="a.mar"), served("2", default=False, archive="a.mar")), "archive listed twice"),
    ],
)
def test_what_torchserve_would_accept_and_get_wrong_is_refused(
    versions: tuple[ServedVersion, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ServerConfig(model_store="/mnt/models", gpus=1, versions=versions)


def test_a_value_that_a_properties_file_would_read_as_an_escape_is_refused() -> None:
    config = ServerConfig(model_store="/mnt/mod\\els", gpus=1, versions=(served(),))
    with pytest.raises(ValueError, match="backslash"):
        render_config(config)


@pytest.mark.parametrize(
    "fields",
    [
        {"min_workers": 0},
        {"min_workers": 3, "max_workers": 1},
        {"batch_size": -4},
        {"response_timeout": timedelta(milliseconds=2500)},
        {"startup_timeout": timedelta(0)},
        {"max_batch_delay": timedelta(microseconds=1)},
        {"batchSize": 4},
    ],
)
def test_options_that_torchserve_would_silently_replace_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ServingOptions(**fields)


def test_every_option_may_be_tuned_in_a_release_since_none_changes_an_answer() -> None:
    assert set(ServingOptions.model_fields) == TUNABLE


@pytest.mark.parametrize(
    ("language", "model", "name"),
    [("fr", "Reader", "fr_reader"), ("zh-Hant", "Reader", "zh_hant_reader"), ("fr", "a.b-c", "fr_a_b_c")],
)
def test_a_variant_is_served_under_word_characters_only(language: str, model: str, name: str) -> None:
    assert model_name(language, model) == name


def test_a_url_names_a_version_or_leaves_it_to_the_server() -> None:
    assert prediction_path("fr_reader") == "/predictions/fr_reader"
    assert prediction_path("fr_reader", "1.0") == "/predictions/fr_reader/1.0"
