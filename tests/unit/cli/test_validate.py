"""`slipway validate`: everything at once, in three formats."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import main, validate_command
from planning import PlanningError

CATALOGS = Path(__file__).parents[1] / "model_catalog"
NO_LICENSE = ("license: apache-2.0\n", "")

runner = CliRunner()


def catalog(folder: Path, *replacements: tuple[str, str]) -> Path:
    """The base catalog with its reader changed."""
    root = folder / "catalog"
    shutil.copytree(CATALOGS / "base", root)
    reader = root / "entries" / "question_answering" / "reader.yaml"
    text = reader.read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    reader.write_text(text)
    return root


def line_of(path: Path, key: str) -> int:
    return 1 + next(
        number
        for number, line in enumerate(path.read_text().splitlines())
        if line.strip().startswith(f"{key}:")
    )


def test_a_right_catalog_is_counted_for_each_environment() -> None:
    result = runner.invoke(main.app, ["validate"])
    assert result.exit_code == 0
    lines = [line for line in result.output.splitlines() if not line.startswith("without effect: ")]
    assert [line.split()[0] for line in lines] == ["dev", "prod", "sandbox", "fine:"]
    assert all("versions on" in line for line in lines[:3])
    assert lines[-1].startswith("fine: ")


def test_all_problems_come_at_once_each_with_its_place_rule_and_fix(tmp_path: Path) -> None:
    root = catalog(tmp_path, NO_LICENSE, ("replicas: 1", "replicas: none"))
    result = runner.invoke(main.app, ["validate", "--catalog", str(root)])
    assert result.exit_code == 1
    reader = root / "entries" / "question_answering" / "reader.yaml"
    *problems, total = result.output.splitlines()
    assert total == "wrong: 4 errors, 2 accepted warnings"
    assert problems[0] == (
        f"{reader}:{line_of(reader, 'replicas')}:11 invalid-value 'none' is not a whole number above 0. "
        "Write digits alone, as in 8"
    )
    assert [line.split()[1] for line in problems[1:]] == ["missing-key"] * 3


def test_the_plans_are_left_out_while_the_catalog_is_wrong(tmp_path: Path) -> None:
    result = runner.invoke(main.app, ["validate", "--catalog", str(catalog(tmp_path, NO_LICENSE))])
    assert "servers in" not in result.output


def test_json_is_one_object_of_problems_accepted_warnings_and_environments(tmp_path: Path) -> None:
    root = catalog(
        tmp_path, ("- {rule: engine-supported", "- {rule: license-known"), ("apache-2.0", "no-such")
    )
    result = runner.invoke(main.app, ["validate", "--catalog", str(root), "--format", "json"])
    assert result.exit_code == 0
    said = json.loads(result.output)
    assert list(said) == ["problems", "accepted", "without_effect", "environments"]
    assert [(problem["rule"], problem["severity"]) for problem in said["problems"]] == [
        ("engine-supported", "warning")
    ]
    assert list(said["problems"][0]) == ["file", "line", "column", "rule", "message", "fix", "severity"]
    assert "license-known" in {problem["rule"] for problem in said["accepted"]}
    assert said["environments"]["dev"] == {"versions": 5, "servers": 3, "pools": 3}


def test_warnings_alone_let_a_catalog_pass_and_accepted_ones_are_listed_on_demand(tmp_path: Path) -> None:
    arguments = ["validate", "--catalog", str(catalog(tmp_path))]
    short, long = runner.invoke(main.app, arguments), runner.invoke(main.app, [*arguments, "--verbose"])
    assert (short.exit_code, long.exit_code) == (0, 0)
    assert short.output.splitlines()[-1].endswith("; 3 accepted warnings")
    assert " engine-supported accepted: " not in short.output
    assert long.output.count(" engine-supported accepted: ") == 3


def test_what_holds_until_a_day_is_judged_by_the_day_that_is_given(tmp_path: Path) -> None:
    root = str(catalog(tmp_path))
    before = runner.invoke(main.app, ["validate", "--catalog", root, "--today", "2027-06-30"])
    after = runner.invoke(main.app, ["validate", "--catalog", root, "--today", "2027-07-01"])
    assert (before.exit_code, after.exit_code) == (0, 1)
    assert "decision-expired" in after.output


@pytest.mark.parametrize("day", ["tomorrow", "2026-02-31"])
def test_a_day_that_is_none_is_a_usage_error(day: str) -> None:
    assert runner.invoke(main.app, ["validate", "--today", day]).exit_code == 2


def test_a_folder_without_a_catalog_is_refused(tmp_path: Path) -> None:
    result = runner.invoke(main.app, ["validate", "--catalog", str(tmp_path)])
    assert result.exit_code == 1
    assert f"{tmp_path}:1:1 catalog-exists" in result.output


def test_github_gets_an_annotation_for_each_finding(tmp_path: Path) -> None:
    root = catalog(tmp_path, NO_LICENSE)
    result = runner.invoke(main.app, ["validate", "--catalog", str(root), "--format", "github"])
    assert result.exit_code == 1
    reader = root / "entries" / "question_answering" / "reader.yaml"
    assert result.output.splitlines()[0] == (
        f"::error file={reader},line={line_of(reader, 'artifact')},col=9,title=missing-key::"
        "'license' is missing. Add license:"
    )


def test_an_environment_without_a_plan_says_why_in_every_format(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PlanningError("no pool has 100% of it,\nadd one")

    monkeypatch.setattr(validate_command, "plan_of", refuse)
    text = runner.invoke(main.app, ["validate"])
    assert text.exit_code == 1
    assert "prod     has no plan: no pool has 100% of it," in text.output
    github = runner.invoke(main.app, ["validate", "--format", "github"])
    assert "::error title=plan::dev: no pool has 100%25 of it,%0Aadd one" in github.output.splitlines()
    said = json.loads(runner.invoke(main.app, ["validate", "--format", "json"]).output)
    assert said["environments"]["dev"] == {"error": "no pool has 100% of it,\nadd one"}


def test_a_file_s_name_cannot_pass_for_a_line_of_the_report(tmp_path: Path) -> None:
    root = catalog(tmp_path)
    for name in ("a\n::error title=x::mine.yaml", "\x1b[31mred.yaml", "b\udcff.yaml"):
        (root / "entries" / "question_answering" / name).write_text("x")
    result = runner.invoke(main.app, ["validate", "--catalog", str(root)])
    assert result.exit_code == 1
    assert r"/a\n::error title=x::mine.yaml:1:1 " in result.output
    assert r"/\x1b[31mred.yaml:1:1 " in result.output
    assert r"/b\udcff.yaml:1:1 " in result.output
    assert "\x1b" not in result.output
    assert not any(line.startswith("::") for line in result.output.splitlines())
