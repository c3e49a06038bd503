import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.workloads.agent.samples import configuration, digest, spec
from workloads.agent import (
    Archive,
    Configuration,
    ConfigurationError,
    Smoke,
    Version,
    Weights,
    configuration_json,
    read_configuration,
)
from workloads.agent.limits import MOST_VERSIONS

ARCHIVE = {"digest": digest("1"), "location": "archives/1.mar"}


WEIGHTS = {"digest": digest("w"), "location": f"artifacts/{digest('w')}"}


def document(**version: Any) -> str:
    models = {"fr_reader": {"1.0": {"archive": ARCHIVE, "defaultVersion": True, **version}}}
    return json.dumps({"format": 1, "drainGraceSeconds": 60, "models": models})


def test_what_is_written_for_the_agent_is_what_it_reads() -> None:
    written = configuration("1", "2", default="2")
    assert read_configuration(configuration_json(written)) == written


def test_weights_and_the_share_of_the_gpu_are_written_and_read() -> None:
    weights = Weights(digest=digest("w"), location=f"artifacts/{digest('w')}")
    version = Version(Archive(digest("1"), "1.mar"), default=True, weights=weights, gpu_memory_fraction=0.25)
    written = Configuration({"m": {"1": version}})
    assert read_configuration(configuration_json(written)) == written
    plain = json.loads(configuration_json(written))["models"]["m"]["1"]
    assert (plain["weights"], plain["gpuMemoryFraction"]) == (WEIGHTS, 0.25)


def test_a_version_that_brings_its_own_weights_has_no_key_for_them() -> None:
    assert not {"weights", "gpuMemoryFraction"} & json.loads(document())["models"]["fr_reader"]["1.0"].keys()
    version = read_configuration(document()).models["fr_reader"]["1.0"]
    assert (version.weights, version.gpu_memory_fraction) == (None, None)


@pytest.mark.parametrize("name", [".", "..", ".hidden", "-x", "a/b", "a\\b", "", "x" * 201, "a\n"])
def test_a_name_that_is_no_safe_part_of_a_path_is_refused(name: str) -> None:
    version = Version(Archive(digest("1"), "1.mar"), default=True)
    for models in ({name: {"1": version}}, {"m": {name: version}}):
        with pytest.raises(ConfigurationError, match="becomes part of URLs and of file names"):
            Configuration(models)


def test_equal_configurations_are_written_alike() -> None:
    one = Configuration({"b": {"1": spec("1", default=True)}, "a": {"1": spec("1", default=True)}})
    other = Configuration({"a": {"1": spec("1", default=True)}, "b": {"1": spec("1", default=True)}})
    assert configuration_json(one) == configuration_json(other)


def test_a_version_has_the_keys_and_units_of_torchserve_s_own_snapshots() -> None:
    keys = {"batchSize": 4, "maxBatchDelay": 50, "maxWorkers": 2, "minWorkers": 1, "responseTimeout": 30}
    read = read_configuration(document(**keys)).models["fr_reader"]["1.0"]
    assert (read.batch_size, read.max_workers, read.min_workers) == (4, 2, 1)
    assert read.max_batch_delay == timedelta(milliseconds=50)
    assert read.response_timeout == timedelta(seconds=30)


def test_the_most_workers_are_the_fewest_where_nobody_says() -> None:
    assert read_configuration(document(minWorkers=3)).models["fr_reader"]["1.0"].max_workers == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "the configuration is refused: it is no JSON"),
        ("[" * 100_000, "the configuration is refused: it nests deeper than 32 levels"),
        ("[]", "the configuration: [] is no object"),
        ('{"format": 2, "models": {}}', "format: 2; the rule: it is 1"),
        ('{"format": 1, "models": {}, "extra": 1}', "unknown key extra"),
        ('{"format": 1}', "the configuration.models is missing"),
        ('{"format": 1, "models": {"m": {}}}', "models.m: {}; the rule: it has at least one version"),
        ('{"format": 1, "models": {"m": []}}', "models.m: [] is no object"),
        (document(defaultVersion=False), "models.fr_reader: none; the rule: it has one defaultVersion"),
        (document(batchsize=4), "models.fr_reader.1.0: unknown key batchsize"),
        (document(batchSize=0), "models.fr_reader.1.0.batchSize: 0 is no whole number of at least 1"),
        (document(batchSize="4"), "models.fr_reader.1.0.batchSize: '4' is no whole number"),
        (document(batchSize=True), "models.fr_reader.1.0.batchSize: True is no whole number"),
        (
            document(minWorkers=3, maxWorkers=1),
            "models.fr_reader.1.0.maxWorkers: 1; the rule: it is at least",
        ),
        (
            document(archive={"digest": "md5:1", "location": "x"}),
            "archive.digest: 'md5:1'; the rule: it is sha256:",
        ),
        (document(archive={**ARCHIVE, "location": ""}), "archive.location: ''; the rule: it is not empty"),
        (document(archive={"digest": digest("1")}), "archive.location is missing"),
        (
            document(weights={**WEIGHTS, "digest": "1"}),
            "models.fr_reader.1.0.weights.digest: '1'; the rule: it is sha256:",
        ),
        (
            document(weights={**WEIGHTS, "location": "artifacts/x/"}),
            "weights.location: 'artifacts/x/'; the rule: it is a prefix without a slash at its end",
        ),
        (document(weights={"digest": digest("w")}), "weights.location is missing"),
        (document(weights={**WEIGHTS, "size": 1}), "models.fr_reader.1.0.weights: unknown key size"),
        (document(gpuMemoryFraction=0), "gpuMemoryFraction: 0.0; the rule: it is above 0 and at most 1"),
        (document(gpuMemoryFraction=1.1), "gpuMemoryFraction: 1.1; the rule: it is above 0 and at most 1"),
        (document(gpuMemoryFraction=float("nan")), "refused: NaN in it is no number"),
        (document(gpuMemoryFraction="0.5"), "gpuMemoryFraction: '0.5' is no number"),
        (document(gpuMemoryFraction=10**400), "refused: a number in it is larger than 9223372036854775807"),
        (document(gpuMemoryFraction=True), "gpuMemoryFraction: True is no number"),
        (document(smoke={"text": "x"}), "models.fr_reader.1.0.smoke: unknown key text"),
        (
            document(maxBatchDelay=10**17),
            "maxBatchDelay: 100000000000000000 is no whole number of",
        ),
        (
            document(responseTimeout=10**15),
            "responseTimeout: 1000000000000000 is no whole number of at least 1 and",
        ),
        (
            document(startupTimeout=86_401),
            "startupTimeout: 86401 is no whole number of at least 1 and at most 86400",
        ),
        (document(minWorkers=1001), "minWorkers: 1001 is no whole number of at least 1 and at most 1000"),
        (document(batchSize=2**40), "batchSize: 1099511627776 is no whole number"),
        (document(batchSize=10**30), "refused: a number in it is larger than 9223372036854775807"),
        (document().replace("60", "6048000"), "drainGraceSeconds: 6048000 is no whole number"),
        (document().replace("60", "1e400"), "refused: a number in it is larger than"),
        (document(**{"\ud800": 1}), "refused: a text in it holds half a character"),
        (document(smoke={"body": "\ud800"}), "refused: a text in it holds half a character"),
        (document().replace("1.mar", "\udcff.mar"), "the configuration is refused: it is no UTF-8"),
        (
            document(smoke={"body": "", "contentType": "a\r\nX: y"}),
            "smoke.contentType: 'a\\r\\nX: y'; the rule",
        ),
        (document(archive={**ARCHIVE, "location": "x" * 1025}), "archive.location: 1025 bytes; the rule"),
        (document(archive={**ARCHIVE, "location": "a\x00b"}), "archive.location: 'a\\x00b'; the rule"),
        (document(smoke={"body": "x" * (1 << 20)}), "refused: it has more than 1048576 bytes"),
        (document(x="y" * 5000), "models.fr_reader.1.0: unknown key x"),
        (document(defaultVersion="yes"), "defaultVersion: 'yes' is neither true nor false"),
        (document().replace("fr_reader", "../etc"), "models.../etc: '../etc'; the rule: it holds letters"),
    ],
)
def test_a_document_that_is_wrong_is_refused_with_the_place_the_value_and_the_rule(
    text: str, said: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_configuration(text)
    assert said in str(refused.value)


def test_a_writer_is_refused_what_a_reader_would_be() -> None:
    version = Version(
        Archive(digest("1"), "1.mar"), default=True, max_batch_delay=timedelta(microseconds=1500)
    )
    with pytest.raises(ConfigurationError, match="whole number of milliseconds"):
        Configuration({"m": {"1": version}})


def test_more_versions_than_anybody_serves_are_refused() -> None:
    versions = {str(number): spec(str(number), default=number == 0) for number in range(MOST_VERSIONS + 1)}
    with pytest.raises(ConfigurationError, match="versions: 1001; the rule: it is at most 1000"):
        Configuration({"m": versions})


@pytest.mark.parametrize(
    "changed",
    [
        {"max_batch_delay": timedelta(hours=1, milliseconds=1)},
        {"max_batch_delay": timedelta(milliseconds=-1)},
        {"response_timeout": timedelta(days=1, seconds=1)},
        {"startup_timeout": timedelta(days=2)},
        {"max_workers": 1001},
        {"batch_size": 100_001},
        {"smoke": Smoke(body="\ud800")},
    ],
)
def test_a_writer_is_refused_a_number_or_a_text_that_a_reader_refuses(changed: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"models\.m\.1"):
        Configuration({"m": {"1": replace(spec("1", default=True), **changed)}})


def test_a_reason_is_shown_up_to_a_length() -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_configuration(document(**{"x" * 500_000: 1}))
    assert len(str(refused.value)) < 2100
