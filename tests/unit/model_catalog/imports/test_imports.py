"""Files of existing users come in whole and go out as they were."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from engines import torchserve as server
from model_catalog import Catalog, CatalogError, Environment, Release, Selector, TorchServeEntry, load_catalog
from model_catalog.editing import with_release
from model_catalog.imports import (
    ENTRY_HEADER,
    RELEASE_HEADER,
    Answers,
    Arrival,
    Proposal,
    Taken,
    entry_with,
    model_of,
    prefixes,
    propose,
    release_with,
    remote_models,
    torchserve,
)
from model_catalog.imports.json_file import json_path
from model_catalog.imports.properties import read_properties
from quantities import Bytes

CASES = Path(__file__).parent / "cases"
FR = Selector.parse("QuestionAnswering/Reader/fr")
ENTRY = "entries/question_answering/reader.yaml"


def from_torchserve(text: str, **naming: Any) -> tuple[Arrival, ...]:
    configuration = torchserve.read(text, "config.json")
    (name,) = configuration.names
    return torchserve.arrivals(configuration, name, torchserve.Naming(variant=FR, **naming))


def catalog_of(
    arrivals: Sequence[Arrival], root: Path, answers: Answers | None = None
) -> tuple[Catalog, Taken]:
    """A catalog of what came in alone, run by dev."""
    taken = entry_with(None, arrivals, answers or Answers())
    release = release_with(None, arrivals)
    for name, text in (
        (ENTRY, taken.text),
        ("releases/dev.yaml", with_release(RELEASE_HEADER, FR, release)),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return load_catalog(root), taken


@pytest.mark.parametrize("case", ["torchserve_config_one_version", "torchserve_config_two_versions"])
def test_a_torchserve_configuration_comes_back_as_it_was(case: str, tmp_path: Path) -> None:
    text = (CASES / f"{case}.json").read_text()
    catalog, _ = catalog_of(from_torchserve(text), tmp_path)
    assert torchserve.exported(catalog, Environment.DEV) == json.loads(text)
    assert torchserve.exported(catalog, Environment.PROD) == {}


def test_remote_models_come_back_as_they_were(tmp_path: Path) -> None:
    text = (CASES / "remote_models.json").read_text()
    catalog, _ = catalog_of(remote_models.read(text, "remote_models.json"), tmp_path)
    assert remote_models.exported(catalog, Environment.DEV) == json.loads(text)
    (running,) = catalog.running(Environment.DEV)
    assert str(running.selector) == "QuestionAnswering/Reader/fr@20230207180600"
    assert str(running.version.artifact) == (
        "s3://production-models.example.com/RemoteModels/fr/QuestionAnswering/ReaderWPS"
    )


def test_a_lone_version_is_the_default_whatever_it_says_as_in_torchserve(tmp_path: Path) -> None:
    text = (CASES / "torchserve_config_one_version.json").read_text()
    catalog, taken = catalog_of(from_torchserve(text), tmp_path)
    (running,) = catalog.running(Environment.DEV)
    assert running.default
    assert "imported_from: {format: torchserve, default_version: false}" in taken.text


def test_options_that_the_file_leaves_out_stay_left_out(tmp_path: Path) -> None:
    text = (CASES / "torchserve_config_two_versions.json").read_text()
    catalog, _ = catalog_of(from_torchserve(text), tmp_path)
    one, two = catalog.running(Environment.DEV)
    assert (one.default, two.default) == (False, True)
    assert two.version.serving.model_fields_set == {"min_workers", "response_timeout"}
    assert isinstance(two.entry, TorchServeEntry)
    assert two.entry.archive("fr", "2") == "fr_reader_2.mar"


def test_every_assumption_is_listed_and_commented_in_the_entry(tmp_path: Path) -> None:
    text = (CASES / "torchserve_config_one_version.json").read_text()
    _, taken = catalog_of(from_torchserve(text), tmp_path)
    assert taken.text.startswith(ENTRY_HEADER)
    assert taken.text == (CASES / "one_version.entry.yaml").read_text()
    assert len(taken.assumed) == taken.text.count("# not in the imported file: ")
    assert any("owner: unassigned" in line for line in taken.assumed)


def test_what_was_answered_is_no_assumption(tmp_path: Path) -> None:
    answers = Answers(
        owner="nlp",
        description="Reads.",
        license="mit",
        device="cpu",
        weights="440MiB",
        per_request="12MiB",
        scripts=("Latn",),
    )
    archive = torchserve.Archive(digest=f"sha256:{'0' * 64}", size=Bytes.mebibytes(300))
    text = (CASES / "torchserve_config_one_version.json").read_text()
    arrivals = from_torchserve(text, bucket="models", archives={"fr_reader.mar": archive})
    catalog, taken = catalog_of(arrivals, tmp_path, answers)
    assert taken.assumed == ()
    assert "#" not in taken.text.removeprefix(ENTRY_HEADER)
    assert catalog.entries[0].owner == "nlp"
    assert catalog.entries[0].version("fr", "1.0").artifact.unresolved == ()


def test_an_archive_at_hand_gives_its_digest_and_its_size() -> None:
    archive = torchserve.Archive(digest=f"sha256:{'a' * 64}", size=Bytes.mebibytes(300))
    text = (CASES / "torchserve_config_one_version.json").read_text()
    (arrival,) = from_torchserve(text, bucket="models", archives={"fr_reader.mar": archive})
    taken = entry_with(None, [arrival], Answers())
    assert f"digest: sha256:{'a' * 64}" in taken.text
    assert "memory: {weights: 300MiB, per_request: 64MiB}" in taken.text


EXISTING = """\
# Ours.
task: QuestionAnswering
model: Reader
description: Finds answers.
owner: nlp
engine: torchserve
license: mit
memory: {weights: 440MiB, per_request: 12MiB}  # measured
languages:
  # The first one.
  en:
    scripts: [Latn]
    versions:
      "1":
        artifact: {bucket: models, path: en, digest: unresolved}
"""


def test_an_existing_entry_gets_the_version_and_keeps_every_line() -> None:
    text = (CASES / "torchserve_config_one_version.json").read_text()
    taken = entry_with(EXISTING, from_torchserve(text, bucket="models"), Answers(scripts=("Latn",)))
    assert [line for line in EXISTING.splitlines() if line not in taken.text.splitlines()] == []
    assert "license" not in taken.text.partition("  fr:")[2]
    assert "language_from: caller" in taken.text


def test_importing_twice_is_importing_once() -> None:
    arrivals = from_torchserve((CASES / "torchserve_config_two_versions.json").read_text())
    once = entry_with(EXISTING, arrivals, Answers())
    twice = entry_with(once.text, arrivals, Answers())
    assert twice.text == once.text
    assert twice.known == ("QuestionAnswering/Reader/fr@1.0", "QuestionAnswering/Reader/fr@2")
    remote = remote_models.read((CASES / "remote_models.json").read_text(), "r.json")
    once = entry_with(None, remote, Answers())
    assert entry_with(once.text, remote, Answers()).text == once.text


def test_where_a_known_version_would_be_copied_to_elsewhere_is_said_and_not_taken_over() -> None:
    text = (CASES / "remote_models.json").read_text()
    once = entry_with(None, remote_models.read(text, "r.json"), Answers())
    other = text.replace("develop-models", "staging-models")
    again = entry_with(once.text, remote_models.read(other, "r.json"), Answers())
    assert again.text == once.text
    (known,) = again.known
    assert known.startswith(
        "QuestionAnswering/Reader/fr@20230207180600; what else the file says is not taken over"
    )
    assert known.endswith("{target_bucket: staging-models.example.com}")


def test_a_version_that_is_known_with_other_values_is_refused_by_json_path() -> None:
    text = (CASES / "torchserve_config_one_version.json").read_text()
    once = entry_with(None, from_torchserve(text), Answers())
    changed = text.replace('"batchSize": 1', '"batchSize": 4')
    with pytest.raises(
        CatalogError, match=r'fr_reader\["1.0"\] says serving.batch_size 4 .* and the catalog 1'
    ):
        entry_with(once.text, from_torchserve(changed), Answers())
    remote = (CASES / "remote_models.json").read_text()
    once = entry_with(None, remote_models.read(remote, "r.json"), Answers())
    with pytest.raises(CatalogError, match="ReaderOther"):
        entry_with(
            once.text, remote_models.read(remote.replace("ReaderWPS", "ReaderOther"), "r.json"), Answers()
        )


def test_a_model_that_another_engine_serves_is_not_mixed_in() -> None:
    text = (CASES / "torchserve_config_one_version.json").read_text()
    with pytest.raises(CatalogError, match="which tgi serves"):
        entry_with(EXISTING.replace("torchserve", "tgi"), from_torchserve(text), Answers())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"fr_reader": }', "config.json:1:15 json-syntax"),
        ("[]", r"\$ is \[\]"),
        ('{"fr_reader": {}}', r"\$.fr_reader is {}"),
        ('{"fr_reader": {"1": {"a": 1}, "1": {}}}', "duplicate-key"),
        (
            '{"fr_reader":\n {"1.0": {"jobQueueSize": 100}}}',
            r'config.json:2:11 .*\$.fr_reader\["1.0"\].jobQueueSize',
        ),
        ('{"fr_reader": {"1": {"marName": "a.tar"}}}', r'\$.fr_reader\["1"\].marName is "a.tar"'),
        ('{"fr_reader": {"1": {"minWorkers": -1}}}', "minWorkers is -1. Write a whole number from 1"),
        ('{"fr_reader": {"1": {"responseTimeout": 0}}}', "responseTimeout is 0. Write a whole number from 1"),
        ('{"fr_reader": {"1": {"runtimeType": "LSP"}}}', "runtimeType is not python"),
        ('{"fr_reader": {"1": {"parallelLevel": 4}}}', "parallelLevel is 4: a worker would spread"),
        (
            "inference_address=http://0.0.0.0:8080",
            "config.json:1:1 import-format it is neither JSON nor a properties",
        ),
        (
            "models={}\nmodels={}",
            "config.json:2:1 duplicate-key models is given twice, and was already on line 1",
        ),
        (
            '# c\n  models = {"a": \\\n   {"1": {"batch": 1}}}',
            r"config.json:3:11 import-format \$.a\[.*batch is not a key",
        ),
        (
            'model_snapshot={\\n "models"\\: {"a"\\: {"1"\\: {"marName"\\: 3}}}}',
            r"config.json:1:58 .*marName is 3",
        ),
        ('{"modelCount": 1, "models": {}}', r"\$.models is {}"),
        ('{"modelCount": 1, "models": {"a": {"1": {"x": 1}}}}', r"\$.models.a\[.*\].x is not a key"),
        ('{"fr_reader": {"1": {"minWorkers": true}}}', "minWorkers is true"),
        ('{"fr_reader": {"1": {"minWorkers": 2, "maxWorkers": 1}}}', "max_workers 1 is below min_workers 2"),
        ('{"fr_reader": {"1": {"defaultVersion": "no"}}}', 'defaultVersion is "no"'),
        ('{"fr_reader": {"a b": {"minWorkers": 1}}}', "cannot be a version"),
        (
            '{"fr_reader": {"1": {"minWorkers": 1}, "2": {"minWorkers": 1}}}',
            "names 0 default versions among 1, 2",
        ),
        ("[" * 100_000, "json-syntax"),
    ],
)
def test_a_torchserve_file_that_would_lose_something_is_refused_where_it_says_it(
    text: str, said: str
) -> None:
    with pytest.raises(CatalogError, match=said):
        from_torchserve(text)


def remote(**changes: Any) -> str:
    value = json.loads((CASES / "remote_models.json").read_text())
    value["QuestionAnswering"]["Reader"]["fr"].update(changes)
    return json.dumps(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (remote(author="x"), r"\$.QuestionAnswering.Reader.fr.author is not a key that can be imported"),
        (remote(version=None), r"fr.version is null"),
        (remote(version="2"), 'fr.version is text, "2". Write it as a number'),
        (remote(model_config={"source_bucket_name": "B", "source_path": "x"}), 'source_bucket_name is "B"'),
        (remote(model_config={"source_bucket_name": "bucket"}), "model_config.source_path is missing"),
        ('{"question": {"Reader": {"fr": {"version": 1, "model_config": {"a": 1}}}}}', "model_config.a"),
        (remote().replace('"QuestionAnswering"', '"questions"'), "cannot be a version"),
    ],
)
def test_a_remote_models_file_that_would_lose_something_is_refused(text: str, said: str) -> None:
    with pytest.raises(CatalogError, match=said):
        remote_models.read(text, "remote_models.json")


@pytest.mark.parametrize("name", ["my_tc", "fr_reader", "zh_hant_reader", "mnist", "squeezenet1_1", "no_one"])
def test_a_name_alone_is_no_evidence_of_a_language(name: str) -> None:
    assert propose(name, ()) == Proposal()


@pytest.mark.parametrize(
    ("name", "language", "model"),
    [
        ("fr_reader", "fr", "Reader"),
        ("zh_hant_reader", "zh-Hant", "Reader"),
        ("zh_hant_reader", "zh", "Hant_Reader"),
        ("no_question_reader", "no", "Question_Reader"),
    ],
)
def test_a_model_s_name_is_what_keeps_the_served_name_in_its_language(
    name: str, language: str, model: str
) -> None:
    assert language in prefixes(name)
    assert model_of(name, language) == model
    assert server.model_name(language, model) == name


@pytest.mark.parametrize("name", ["mnist", "squeezenet1_1", "Reader", "fr_", "fr__x"])
def test_a_model_that_cannot_keep_its_name_is_called_like_it(name: str) -> None:
    assert server.model_name("mul", model_of(name, "mul")) == f"mul_{name.lower()}"


def test_an_entry_that_serves_the_language_under_the_name_decides_task_and_spelling() -> None:
    catalog = load_catalog()
    expected = Proposal(task="QuestionAnswering", model="Reader", language="fr")
    assert propose("fr_reader", catalog.entries) == expected
    assert propose("de_reader", catalog.entries) == Proposal()


@pytest.mark.parametrize(
    ("text", "properties"),
    [
        ("# c\n! c\n\n", {}),
        ("a=1\nb:2\nc 3\r\nd\te", {"a": "1", "b": "2", "c": "3", "d": "e"}),
        ("a = x = y ", {"a": "x = y "}),
        (r"a\=b\:c=d\=e", {"a=b:c": "d=e"}),
        ("a=1\\\n   2\\\n  # no comment", {"a": "12# no comment"}),
        ("a=1\\\\\nb=2", {"a": "1\\", "b": "2"}),
        (r"a=\u00e9\n\x\uZZ", {"a": "é\nxuZZ"}),
        ("a", {"a": ""}),
        ("a=\\", {"a": ""}),
    ],
)
def test_properties_are_read_as_java_reads_them(text: str, properties: dict[str, str]) -> None:
    assert {one.key: one.value for one in read_properties(text)} == properties


MODELS = (
    '{"a": {"1": {"marName": "a-1.mar", "defaultVersion": true}, '
    '"2": {"marName": "a-2.mar", "defaultVersion": false}}}'
)


@pytest.mark.parametrize(
    ("text", "default"),
    [
        (MODELS, "1"),
        (f'{{"name": "x.cfg", "modelCount": 2, "models": {MODELS}}}', "1"),
        (f'{{"models": {MODELS}}}', "1"),
        (f"models={MODELS}", "1"),
        (f"load_models=all\nmodels={MODELS}", "1"),
        (f"load_models=a-2.mar, a-1.mar\nmodels={MODELS}", "2"),
        (f"load_models=a=a-2.mar\nmodels={MODELS}", "2"),
        (f'load_models=a-2.mar\nmodel_snapshot={{"modelCount": 2, "models": {MODELS}}}', "1"),
    ],
)
def test_the_default_is_the_one_that_torchserve_takes(text: str, default: str) -> None:
    """As measured: docs/facts/torchserve.md, section 3."""
    (found,) = (arrival.selector.version for arrival in from_torchserve(text) if arrival.default)
    assert found == default


def test_a_model_that_is_called_models_is_no_snapshot() -> None:
    (arrival,) = from_torchserve('{"models": {"1": {"marName": "a.mar"}}}')
    assert arrival.selector.version == "1"


def test_what_a_properties_file_says_of_all_models_holds_where_a_version_says_nothing() -> None:
    head = "default_workers_per_model=3\ndefault_response_timeout=30\n"
    (arrival,) = from_torchserve(head + 'models={"a": {"1": {"minWorkers": 0, "maxWorkers": 4}}}')
    assert arrival.says["serving"] == {"min_workers": 3, "max_workers": 4, "response_timeout": "30s"}
    (arrival,) = from_torchserve(
        head + 'model_snapshot={"modelCount": 1, "models": {"a": {"1": {"minWorkers": 2}}}}'
    )
    assert arrival.says["serving"] == {"min_workers": 2}


def test_exports_of_the_repository_s_catalog_hold_what_runs() -> None:
    catalog = load_catalog()
    shown = torchserve.exported(catalog, Environment.SANDBOX, FR)
    assert list(shown) == ["fr_reader"]
    assert {version: keys["defaultVersion"] for version, keys in shown["fr_reader"].items()} == {
        "1.0": False,
        "2": True,
    }
    assert shown["fr_reader"]["1.0"]["responseTimeout"] == 120  # the entry says it for all its versions
    models = remote_models.exported(catalog, Environment.SANDBOX, FR, target_bucket="sandbox-models")
    assert models["QuestionAnswering"]["Reader"]["fr"] == {
        "version": 2,
        "model_config": {
            "source_bucket_name": "research-models",
            "source_path": "RemoteModels/fr/QuestionAnswering/Reader",
            "target_bucket_name": "sandbox-models",
            "target_path": "Deployments/RemoteModels/fr/QuestionAnswering/Reader/",
        },
    }


@pytest.mark.parametrize(
    ("location", "path"),
    [((), "$"), (("fr_reader", "1.0"), '$.fr_reader["1.0"]'), (('a"b',), '$["a\\"b"]')],
)
def test_a_json_path_can_be_read_back(location: Iterable[str], path: str) -> None:
    assert json_path(tuple(location)) == path


def test_the_default_of_the_file_becomes_the_release_s_and_the_one_before_the_way_back() -> None:
    arrivals = from_torchserve((CASES / "torchserve_config_two_versions.json").read_text())
    before = Release.model_validate({str(FR): {"default": "0"}}).root[FR]
    after = release_with(before, arrivals)
    assert (after.default, after.rollback) == ("2", "0")
    assert set(after.versions) == {"0", "1.0", "2"}
