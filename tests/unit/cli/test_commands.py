"""The command line: what it prints, and what it exits with."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import catalog_commands, doctor, main
from cli.console import CLONE
from cli.doctor import Finding
from model_catalog import CATALOG_ROOT, CatalogError, Problem
from sandbox.errors import SandboxError

runner = CliRunner()


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["slipway", *arguments])
    with pytest.raises(SystemExit) as ended:
        main.main()
    return int(ended.value.code or 0)


def test_validate_counts_what_each_environment_runs() -> None:
    result = runner.invoke(main.app, ["validate"])
    assert result.exit_code == 0
    assert "sandbox  5 versions on 3 servers in 3 pools" in result.output
    assert "fine: 3 entries, 5 versions" in result.output


def test_show_as_json_has_one_row_a_version_in_order() -> None:
    result = runner.invoke(main.app, ["show", "--env", "sandbox", "--format", "json"])
    shown = json.loads(result.output)
    assert shown["environment"] == "sandbox"
    assert [(row["selector"], row["default"]) for row in shown["versions"]] == [
        ("LanguageIdentification/FastText/mul@1", True),
        ("QuestionAnswering/Reader/en@1", True),
        ("QuestionAnswering/Reader/fr@1.0", False),
        ("QuestionAnswering/Reader/fr@2", True),
        ("TextGeneration/Writer/mul@1", True),
    ]


def test_show_takes_any_left_part_of_a_selector() -> None:
    for selector in ("QuestionAnswering", "QuestionAnswering/Reader", "QuestionAnswering/Reader/fr@2"):
        assert runner.invoke(main.app, ["show", selector]).exit_code == 0


@pytest.mark.parametrize("selector", ["QuestionAnswering/Reder", "question", "A/B/c@"])
def test_a_selector_that_names_nothing_is_a_usage_error_that_says_what_there_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], selector: str
) -> None:
    assert run_main(monkeypatch, "show", selector) == 2
    assert "selector" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            CatalogError(
                [Problem(file="a.yaml", line=3, column=5, rule="one-default", message="two", fix="Keep one")]
            ),
            1,
            "a.yaml:3:5 one-default two. Keep one",
        ),
        (SandboxError("the sandbox is not running. Run `make up`."), 3, "Run `make up`"),
        (RuntimeError("a bug"), 3, "Run it again with --debug"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_a_failure_is_lines_without_a_traceback_and_an_exit_code_of_its_kind(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    said: str,
) -> None:
    def fail(_: Path) -> None:
        raise error

    monkeypatch.setattr(catalog_commands, "load_catalog", fail)
    assert run_main(monkeypatch, "validate") == code
    printed = capsys.readouterr().err
    assert said in printed
    assert "Traceback" not in printed


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(catalog_commands, "load_catalog", fail)
    monkeypatch.setattr(sys, "argv", ["slipway", "--debug", "validate"])
    monkeypatch.setenv("SLIPWAY_DEBUG", "")
    with pytest.raises(RuntimeError, match="a bug"):
        main.main()


def test_doctor_exits_3_and_names_the_fix_when_something_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = [Finding("python", "ok", "3.11"), Finding("go", "missing", "not on PATH", "install Go")]
    monkeypatch.setattr(doctor, "_examine", lambda: iter(findings))
    result = runner.invoke(main.app, ["doctor"])
    assert result.exit_code == 3
    assert "install Go" in result.output


def test_doctor_as_json_is_a_list_of_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_examine", lambda: iter([Finding("python", "ok", "3.11")]))
    result = runner.invoke(main.app, ["doctor", "--format", "json"])
    assert json.loads(result.output) == [{"subject": "python", "state": "ok", "found": "3.11", "fix": ""}]


def test_sandbox_env_of_a_sandbox_that_does_not_run_makes_eval_fail(tmp_path: Path) -> None:
    ran = subprocess.run(  # noqa: S603 (this interpreter, this module)
        [sys.executable, "-c", f"{_CODE.format(clone=str(tmp_path))}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout == "false\n"
    assert "slipway sandbox start" in ran.stderr
    assert ran.returncode == 3


_CODE = (
    "import sys; from pathlib import Path; import cli.sandbox_commands as c; c.CLONE = Path({clone!r});"
    "from cli import main; sys.argv = ['slipway', 'sandbox', 'env']; main.main()"
)


def test_the_catalog_of_the_checkout_is_the_one_that_is_read() -> None:
    assert CLONE / "model_catalog" == CATALOG_ROOT
