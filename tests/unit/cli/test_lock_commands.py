"""`slipway plan --write` and `--repack`, and what `slipway validate` says of a lock and of a budget."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import lock_commands, main, plan_command, plans
from cli.console import CLONE
from model_catalog import CatalogError
from planning import Plan, make_plan
from planning.capacity.placement import HEADER

BASE = Path(__file__).parents[1] / "model_catalog" / "base"
LOCK = "model_catalog/placement/dev.lock"

runner = CliRunner()


@pytest.fixture(name="clone")
def _clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of the fixture catalog that was never placed."""
    shutil.copytree(BASE, tmp_path / "model_catalog", ignore=shutil.ignore_patterns("placement"))
    for path in CLONE.glob("Pulumi*.yaml"):
        shutil.copy(path, tmp_path)
    for module in (lock_commands, plan_command, plans):
        monkeypatch.setattr(module, "CLONE", tmp_path)
    for cataloged in (lock_commands, plans):
        monkeypatch.setattr(cataloged, "CATALOG", tmp_path / "model_catalog")
    return tmp_path


def run(*arguments: str, code: int = 0) -> str:
    result = runner.invoke(main.app, arguments)
    assert result.exit_code == code, result.output
    return result.output


def validated(clone: Path, *, code: int) -> str:
    return run("validate", "--catalog", str(clone / "model_catalog"), "--today", "2026-11-22", code=code)


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_writing_says_where_everything_went_and_a_second_time_that_it_is_there(clone: Path) -> None:
    first = run("plan", "--env", "dev", "--write")
    assert "QuestionAnswering/Reader/fr: nowhere → gpu-g4dn-xlarge/torchserve-1" in first.splitlines()
    assert first.splitlines()[-1] == f"wrote {LOCK}: 4 places; commit it with the change"
    written = (clone / LOCK).read_bytes()
    assert run("plan", "--env", "dev", "--write") == f"{LOCK} says so already: 4 places\n"
    assert (clone / LOCK).read_bytes() == written


def test_a_lock_that_another_command_has_written_since_the_plan_is_not_overwritten(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("plan", "--env", "dev", "--write")
    stale = (clone / LOCK).read_text()
    (clone / LOCK).unlink()

    def meanwhile(*arguments: Any) -> Plan:
        made = make_plan(*arguments)
        (clone / LOCK).write_text(stale)
        return made

    monkeypatch.setattr(plans, "make_plan", meanwhile)
    result = runner.invoke(main.app, ["plan", "--env", "dev", "--write"])
    assert isinstance(result.exception, CatalogError | SystemExit)
    assert result.exit_code == 1
    assert (clone / LOCK).read_text() == stale


def test_a_lock_is_lines_of_selector_and_place_sorted(clone: Path) -> None:
    run("plan", "--env", "dev", "--write")
    lines = (clone / LOCK).read_text().removeprefix(HEADER).splitlines()
    assert lines == sorted(lines)
    assert lines[0] == "LanguageIdentification/FastText/mul  cpu-m6i-2xlarge/torchserve-1"


def test_a_plan_without_write_leaves_no_file(clone: Path) -> None:
    said = run("plan", "--env", "dev")
    assert "Its lock is behind" in said
    assert not (clone / LOCK).parent.exists()


def test_a_lock_that_is_behind_fails_validation_until_it_is_written(clone: Path) -> None:
    said = validated(clone, code=1)
    assert "placement/dev.lock:1:1 placement-lock the lock is behind the catalog: " in said
    assert "LanguageIdentification/FastText/mul has no line there and goes to cpu-m6i-2xlarge" in said
    assert "Run `slipway plan --env dev --write` and commit the file" in said
    for environment in ("dev", "sandbox"):
        run("plan", "--env", environment, "--write")
    assert validated(clone, code=0).splitlines()[-1].startswith("fine: ")


def test_what_is_released_no_more_makes_a_lock_stale_and_writing_drops_its_line(clone: Path) -> None:
    run("plan", "--env", "dev", "--write")
    release = clone / "model_catalog/releases/dev.yaml"
    kept = [line for line in release.read_text().splitlines() if not line.startswith("TextGeneration/")]
    release.write_text("\n".join(kept) + "\n")
    assert (
        "TextGeneration/Writer/mul@1 is at gpu-g4dn-xlarge there and is nothing that is placed now"
        in validated(clone, code=1)
    )
    assert "TextGeneration/Writer/mul@1: gpu-g4dn-xlarge → nowhere" in run("plan", "--env", "dev", "--write")


def test_a_lock_that_is_no_lock_is_refused_at_its_line(clone: Path) -> None:
    (clone / LOCK).parent.mkdir()
    (clone / LOCK).write_text("<<<<<<< HEAD\nQuestionAnswering/Reader/fr  gpu-g4dn-xlarge/torchserve-1\n")
    assert "placement/dev.lock:1:1 placement-lock a merge conflict is not resolved" in validated(
        clone, code=1
    )


@pytest.mark.parametrize("content", [b"\xff\xfe", None], ids=["not UTF-8", "a link"])
def test_a_lock_that_cannot_be_read_is_refused(clone: Path, content: bytes | None, tmp_path: Path) -> None:
    path = clone / LOCK
    path.parent.mkdir()
    if content is None:
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.write_bytes(content)
    assert "placement-lock the lock is" in validated(clone, code=1)


def test_a_repack_says_what_it_saves_and_moves_and_how_to_take_it(clone: Path) -> None:
    (clone / LOCK).parent.mkdir()
    apart = (
        "QuestionAnswering/Reader/en  gpu-g4dn-xlarge/torchserve-1\n"
        "QuestionAnswering/Reader/fr  gpu-g4dn-xlarge/torchserve-2\n"
    )
    (clone / LOCK).write_text(apart)
    said = run("plan", "--env", "dev", "--repack").splitlines()
    assert said[0] == "dev: a full repack would save $0.5260 an hour, $383.98 a month"
    assert said[1:3] == ["  1 fewer g4dn.xlarge", "  1 model would move, 2 servers stop or restart"]
    assert said[-1] == "Take it: slipway plan --env dev --repack --write"
    found = json.loads(run("plan", "--env", "dev", "--repack", "--format", "json"))
    assert (found["usd_per_hour"], found["gpus"], found["nodes"]) == ("-0.526", -1, {"g4dn.xlarge": -1})
    assert (clone / LOCK).read_text() == apart
    run("plan", "--env", "dev", "--repack", "--write")
    assert run("plan", "--env", "dev", "--repack") == "dev: a full repack would change nothing\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--repack", "--format", "markdown"),
        ("QuestionAnswering", "--write"),
        ("QuestionAnswering", "--repack"),
    ],
)
def test_what_does_not_go_together_is_a_usage_error(clone: Path, arguments: tuple[str, ...]) -> None:
    assert clone.exists()
    assert runner.invoke(main.app, ["plan", *arguments]).exit_code == 2


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("5000", "Within the budget of $5,000.00 a month: 76% of it is left."),
        ("1000", "a month above the budget of $1,000.00 a month"),
    ],
)
def test_a_plan_says_how_it_stands_with_its_budget(clone: Path, amount: str, said: str) -> None:
    add_budget(clone, amount)
    assert said in " ".join(run("plan", "--env", "dev").split())
    assert said in run("plan", "--env", "dev", "--format", "markdown").replace("\\", "")


def test_a_plan_above_its_budget_fails_validation_with_the_amount_and_the_place(clone: Path) -> None:
    for environment in ("dev", "sandbox"):
        run("plan", "--env", environment, "--write")
    add_budget(clone, "5000")
    validated(clone, code=0)
    rewrite(clone / "model_catalog/releases/dev.yaml", "5000", "1000")
    said = validated(clone, code=1)
    assert (
        "releases/dev.yaml:1:25 budget dev's nodes cost $1,188.44 a month, $188.44 above its budget" in said
    )
    assert "eu-west-1's is unknown" in said
    assert "or let lead raise it" in said


@pytest.mark.parametrize("amount", ["0", "-1", "many"])
def test_a_budget_that_is_no_amount_is_refused_at_its_place(clone: Path, amount: str) -> None:
    add_budget(clone, amount)
    assert "releases/dev.yaml:1:25 invalid-value" in validated(clone, code=1)


def add_budget(clone: Path, amount: str) -> None:
    release = clone / "model_catalog/releases/dev.yaml"
    release.write_text(
        f"budget: {{usd_per_month: {amount}, reason: agreed, by: lead}}\n" + release.read_text()
    )


def test_a_repack_that_is_written_prints_a_document_and_says_elsewhere_what_it_wrote(clone: Path) -> None:
    arguments = ("plan", "--env", "dev", "--repack", "--write", "--format", "json")
    result = runner.invoke(main.app, arguments)
    assert json.loads(result.stdout)["environment"] == "dev"
    assert f"wrote {LOCK}" in result.stderr
    assert (clone / LOCK).exists()
