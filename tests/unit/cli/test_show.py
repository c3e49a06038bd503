"""`slipway show`: what runs, and every setting of a version with who says it."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import main, show_command
from cli.effective import Setting, effective_settings, origin_text, plain
from model_catalog import Checked, Environment, Selector
from model_catalog.loader import check_texts
from planning import Plan, PlanningError

CATALOGS = Path(__file__).parents[1] / "model_catalog"
READER = "QuestionAnswering/Reader/fr@1.0"

runner = CliRunner()


def test_json_has_one_row_a_version_in_order() -> None:
    shown = json.loads(runner.invoke(main.app, ["show", "--env", "dev", "--format", "json"]).output)
    assert shown["environment"] == "dev"
    selectors = [row["selector"] for row in shown["versions"]]
    assert selectors == sorted(selectors)
    assert READER in selectors
    assert "effective" not in shown


def test_a_version_that_is_not_served_says_why_and_what_prints_what_is_missing() -> None:
    why = (
        "not served: its artifact's digest is unresolved; `slipway artifacts digest "
        "s3://research-models/RemoteModels/fr/QuestionAnswering/ReaderWPS` prints it"
    )
    text = runner.invoke(main.app, ["show", READER, "--env", "dev"]).output
    assert f"{READER} is {why}\n" in text
    shown = json.loads(runner.invoke(main.app, ["show", READER, "--env", "dev", "--format", "json"]).output)
    assert [row["not_served"] for row in shown["versions"]] == [why]


@pytest.mark.parametrize(
    "selector", ["QuestionAnswering", "QuestionAnswering/Reader", "QuestionAnswering/Reader/fr"]
)
def test_a_broad_selector_shows_what_runs_of_it_and_settings_on_demand(selector: str) -> None:
    rows = runner.invoke(main.app, ["show", selector, "--env", "dev"])
    settings = runner.invoke(main.app, ["show", selector, "--env", "dev", "--effective"])
    assert (rows.exit_code, settings.exit_code) == (0, 0)
    assert "serving.batch_size" not in rows.output
    assert "serving.batch_size" in settings.output


def test_a_selector_of_one_version_shows_each_setting_with_its_place() -> None:
    result = runner.invoke(main.app, ["show", READER, "--env", "dev"])
    assert result.exit_code == 0
    (line,) = (line for line in result.output.splitlines() if line.startswith("archive "))
    archive, value, origin, place = line.split()
    assert (archive, value, origin) == ("archive", "fr_reader.mar", "version")
    file, _, number = place.rpartition(":")
    assert "archive: fr_reader.mar" in Path(file).read_text().splitlines()[int(number) - 1]


def test_settings_as_json_are_a_list_for_each_version() -> None:
    result = runner.invoke(main.app, ["show", READER, "--env", "prod", "--format", "json"])
    (shown,) = json.loads(result.output)["effective"]
    assert shown["selector"] == READER
    assert {tuple(setting) for setting in shown["settings"]} == {
        ("key", "value", "origin", "file", "line", "override")
    }


def checked(folder: str = "valid.every_key") -> Checked:
    texts: dict[str, bytes] = {}
    for root in (CATALOGS / "base", CATALOGS / "catalogs" / folder):
        texts |= {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.yaml")}
    found = check_texts(texts, date(2026, 11, 22))
    assert found.errors == ()
    return found


def settings_of(selector: str, environment: Environment = Environment.DEV) -> dict[str, Setting]:
    found = effective_settings(checked(), Selector.parse(selector), environment)
    assert len({setting.key for setting in found}) == len(found)
    return {setting.key: setting for setting in found}


@pytest.mark.parametrize(
    ("key", "value", "origin", "line"),
    [
        ("serving.response_timeout", "20s", "version", "response_timeout: 20s"),
        ("serving.startup_timeout", "3m", "version", "startup_timeout: 180s"),
        ("handler.name", "digest", "language", "handler:"),
        ("memory.measured.date", "2026-10-01", "language", "memory:"),
        ("license", "apache-2.0", "entry", "license: apache-2.0"),
        ("scripts", ["Latn"], "language", "scripts: [Latn]"),
        ("slo.availability", "99.5%", "entry", "slo:"),
        ("drift.window", "12h", "entry", "window: 12h"),
        ("evaluations.0.metrics.rouge", 41.5, "version", "metrics: {rouge: 41.5"),
        ("accepts.1.rule", "batching-waits", "entry", "rule: batching-waits"),
    ],
)
def test_a_setting_says_which_level_gives_it_and_where(key: str, value: Any, origin: str, line: str) -> None:
    setting = settings_of("Summarization/Digest/fr@1.10")[key]
    assert (setting.value, setting.origin) == (value, origin)
    assert setting.file == "model_catalog/entries/summarization/digest.yaml"
    path = CATALOGS / "catalogs" / "valid.every_key" / setting.file.partition("/")[2]
    assert line in path.read_text().splitlines()[(setting.line or 0) - 1]


def test_steps_are_shown_in_their_order_as_they_are_written() -> None:
    steps = settings_of("Summarization/Digest/fr@1.10")["preprocessing"].value
    assert steps[0] == {"normalize_unicode": {"form": "NFKC"}}
    assert steps[-1] == {"truncate": {"characters": 512}}


def test_what_nobody_says_is_a_default_without_a_place() -> None:
    setting = settings_of("Summarization/Digest/fr@2")["serving.batch_size"]
    assert (setting.value, setting.origin, setting.file) == (1, "default", None)


def test_an_override_says_until_when_by_whom_and_why() -> None:
    setting = settings_of("Summarization/Digest/fr@1.10")["serving.batch_size"]
    assert (setting.value, origin_text(setting)) == (4, "override until 2027-06-30 (sre: As in tests.)")
    assert setting.file == "model_catalog/releases/dev.yaml"
    assert setting.as_json()["override"] == {"until": "2027-06-30", "by": "sre", "reason": "As in tests."}


def test_an_override_holds_for_its_environment_and_its_versions_alone() -> None:
    assert settings_of("Summarization/Digest/fr@2")["serving.batch_size"].origin == "default"
    elsewhere = settings_of("Summarization/Digest/fr@1.10", Environment.SANDBOX)
    assert elsewhere["serving.batch_size"].origin == "version"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "not set"), (True, "true"), ([], "[]"), (["a", {"b": 1}], "[a, {b: 1}]"), (0.01, "0.01")],
)
def test_a_value_prints_as_a_person_would_write_it(value: Any, text: str) -> None:
    assert plain(value) == text


def test_what_a_terminal_would_act_on_is_shown_as_json_writes_it() -> None:
    assert plain("two\n::error::lines") == '"two\\n::error::lines"'
    assert plain("a\u202eb") == '"a\\u202eb"'
    assert plain("où :x: [red]") == "où :x: [red]"


@pytest.mark.parametrize(
    ("selector", "advice"),
    [
        ("QuestionAnswering/Reader/fr@3", "QuestionAnswering/Reader/fr has no version '3'; it has 1.0, 2"),
        ("QuestionAnswering/Raeder/fr", "did you mean QuestionAnswering/Reader/fr"),
        ("QuestionAnswring", "did you mean QuestionAnswering?"),
        ("questionanswering/reader", "'questionanswering/reader' is not a selector; did you mean"),
        ("Zzz", "Zzz is in no entry; the tasks are FeatureExtraction, LanguageIdentification"),
        ("***", "write Task/Model/lang@version"),
    ],
)
def test_a_selector_that_names_nothing_is_answered_with_the_few_that_look_like_it(
    selector: str, advice: str
) -> None:
    result = runner.invoke(main.app, ["show", selector, "--env", "dev"], env={"COLUMNS": "400"})
    assert result.exit_code == 2
    assert advice in " ".join(result.output.replace("│", " ").split())
    assert len(result.output) < 3000


def test_settings_are_shown_where_there_is_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> Plan:
        raise PlanningError("server x does not fit its GPU")

    monkeypatch.setattr(show_command, "plan_of", none)
    shown = runner.invoke(main.app, ["show", "QuestionAnswering/Reader/fr@2", "--env", "dev"])
    assert shown.exit_code == 0
    assert "serving.response_timeout" in shown.output
    assert isinstance(
        runner.invoke(main.app, ["show", "QuestionAnswering", "--env", "dev"]).exception, PlanningError
    )
