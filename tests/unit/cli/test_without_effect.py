"""`validate` and `plan` say what the catalog declares and nothing acts on yet: a line a key, in every format."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import main
from cli.console import CLONE
from model_catalog import Environment, load_catalog, without_effect

BASE = Path(__file__).parents[1] / "model_catalog/base"
DECLARED = without_effect(load_catalog(), Environment.DEV)
"""The declarations of the repository's catalog, as dev runs it."""


def said(*arguments: str) -> str:
    result = CliRunner().invoke(main.app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The base catalog with a canary and a service level."""
    root = tmp_path / "model_catalog"
    shutil.copytree(BASE, root)
    for name, old, new in (
        ("releases/dev.yaml", 'default: "2"', 'default: "2"\n  canary: {"1.0": 5%}'),
        ("entries/question_answering/reader.yaml", "replicas: 1", "replicas: 1\nslo: {availability: 99%}"),
    ):
        text = (root / name).read_text()
        assert old in text
        (root / name).write_text(text.replace(old, new, 1))
    return root


def test_the_repository_s_catalog_declares_something_that_nothing_acts_on() -> None:
    assert {"drift", "preprocessing", "slo"} <= {one.kind for one in DECLARED}


def test_validate_has_a_line_a_key_and_passes(root: Path) -> None:
    lines = [
        line
        for line in said("validate", "--catalog", str(root)).splitlines()
        if line.startswith("without effect: ")
    ]
    assert [line.split(";")[0] for line in lines] == [
        "without effect: a canary of 5% is declared in dev for QuestionAnswering/Reader/fr",
        "without effect: a service level is declared for QuestionAnswering/Reader",
    ]


def test_validate_gives_programs_and_github_the_same(root: Path) -> None:
    found = json.loads(said("validate", "--catalog", str(root), "--format", "json"))["without_effect"]
    assert [(one["kind"], one["count"], one["first"]) for one in found] == [
        ("canary", 1, "QuestionAnswering/Reader/fr"),
        ("slo", 1, "QuestionAnswering/Reader"),
    ]
    notices = [
        line
        for line in said("validate", "--catalog", str(root), "--format", "github").splitlines()
        if line.startswith("::notice title=without-effect::")
    ]
    assert len(notices) == 2
    assert "a canary of 5%25 is declared" in notices[0]


def test_a_plan_says_it_of_what_its_environment_runs_in_every_format() -> None:
    text = " ".join(said("plan", "--env", "dev").split())
    markdown, page = (said("plan", "--env", "dev", "--format", form) for form in ("markdown", "html"))
    for one in DECLARED:
        assert one.message in text
        assert one.missing in markdown
        assert one.missing in page
    found = json.loads(said("plan", "--env", "dev", "--format", "json"))["without_effect"]
    assert found == [one.as_json() for one in DECLARED]
    assert json.loads(said("plan", "--env", "prod", "--format", "json"))["without_effect"] == []


def test_a_plan_of_a_selector_says_it_of_that_alone() -> None:
    told = said("plan", "LanguageIdentification/FastText", "--env", "dev", "--format", "json")
    found = json.loads(told)["without_effect"]
    assert found
    assert {one["first"] for one in found} == {"LanguageIdentification/FastText"}
    assert {one["count"] for one in found} == {1}


def test_the_pages_that_the_lines_name_are_there() -> None:
    assert [one.page for one in without_effect(load_catalog()) if not (CLONE / one.page).is_file()] == []
