"""The command line: what it prints, and what it exits with."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import doctor, main, validate_command
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
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(validate_command, "check_catalog", fail)
    assert run_main(monkeypatch, "validate") == code
    printed = capsys.readouterr().err
    assert said in printed
    assert "Traceback" not in printed


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(validate_command, "check_catalog", fail)
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


def test_every_command_teaches_with_an_example() -> None:
    commands = [command.callback for command in main.app.registered_commands if command.callback is not None]
    assert len(commands) >= 9
    for command in commands:
        result = runner.invoke(main.app, [command.__name__, "--help"])
        assert (
            f"Example: slipway {command.__name__}" in result.output or "slipway completion" in result.output
        )
