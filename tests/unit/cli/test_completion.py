"""What a shell proposes: commands, options, environments and selectors."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import main, selectors

BASE = Path(__file__).parents[1] / "model_catalog" / "base"
BASH = shutil.which("bash")

runner = CliRunner()


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(BASE, tmp_path / "model_catalog")
    monkeypatch.setattr(selectors, "CLONE", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("incomplete", "proposed"),
    [
        ("", ["LanguageIdentification", "QuestionAnswering", "TextGeneration"]),
        ("Q", ["QuestionAnswering/Reader/en", "QuestionAnswering/Reader/fr"]),
        ("QuestionAnswering/Reader/f", ["QuestionAnswering/Reader/fr@1.0", "QuestionAnswering/Reader/fr@2"]),
        ("QuestionAnswering/Reader/fr@2", ["QuestionAnswering/Reader/fr@2"]),
        ("T", ["TextGeneration/Writer/mul@1"]),
        ("QuestionAnswering/Reader/de", []),
    ],
)
@pytest.mark.usefixtures("clone")
def test_a_selector_is_proposed_part_by_part_until_one_is_to_be_chosen(
    incomplete: str, proposed: list[str]
) -> None:
    assert selectors.complete_selector(incomplete) == proposed


@pytest.mark.parametrize(
    "text", ["task: [", "", "7", "\x00", "task: Search\nmodel: Ranker\nlanguages: {no: 7}"]
)
def test_an_entry_that_is_being_written_hides_itself_alone(clone: Path, text: str) -> None:
    reader = clone / "model_catalog" / "entries" / "question_answering" / "reader.yaml"
    reader.write_text(text)
    assert selectors.complete_selector("") == ["LanguageIdentification", "TextGeneration"]


def test_no_catalog_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors, "CLONE", tmp_path)
    assert selectors.complete_selector("Q") == []


def test_norwegian_and_a_version_1_10_stay_as_they_are_written(clone: Path) -> None:
    entry = clone / "model_catalog" / "entries" / "ranker.yaml"
    entry.write_text("task: Search\nmodel: Ranker\nlanguages: {no: {versions: {1.10: {}}}}\n")
    assert selectors.complete_selector("S") == ["Search/Ranker/no@1.10"]


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_each_shell_has_a_script(shell: str) -> None:
    result = runner.invoke(main.app, ["completion", shell])
    assert result.exit_code == 0
    assert f"_SLIPWAY_COMPLETE=complete_{shell}" in result.output


def test_another_shell_is_a_usage_error() -> None:
    assert runner.invoke(main.app, ["completion", "tcsh"]).exit_code == 2


@pytest.mark.parametrize(
    ("line", "proposed"),
    [
        ("slipway va", {"validate"}),
        ("slipway show --env ", {"dev", "prod", "sandbox"}),
        ("slipway show QuestionAnswering/Reader/fr@", {"1.0", "2"}),
    ],
)
@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_bash_proposes_what_may_follow_though_it_splits_words_at_the_sign_before_a_version(
    line: str, proposed: set[str], tmp_path: Path
) -> None:
    command = tmp_path / "slipway"
    command.write_text(f"#!{sys.executable}\nfrom cli.main import main\n\nmain()\n")
    command.chmod(0o755)
    script = (
        'eval "$(slipway completion bash)"; COMP_LINE="$1"; COMP_POINT=${#1}; '
        "COMP_WORDBREAKS=$' \\t\\n\"\\'><=;|&(:@'; _slipway slipway; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    ran = subprocess.run(  # noqa: S603 (bash, and our own script)
        [str(BASH), "--norc", "-c", script, "bash", line],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(Path.cwd())},
    )
    assert proposed <= set(ran.stdout.split())
    assert ran.stderr == ""
