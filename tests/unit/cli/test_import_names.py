"""An imported name that language and model would not make is kept, given up or refused."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from cli import edits
from cli.edit_commands import import_app

MNIST = {"mnist": {"1": {"marName": "mnist.mar", "defaultVersion": True}}}


@pytest.fixture(autouse=True)
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "model_catalog"
    (root / "entries").mkdir(parents=True)
    monkeypatch.setattr(edits, "CATALOG", root)
    return root


def imported(folder: Path, models: object, *options: str) -> Result:
    file = folder / "models.json"
    file.write_text(json.dumps(models))
    arguments = ["torchserve", str(file), "--task", "Vision", "--language", "mul", *options]
    return CliRunner().invoke(import_app, arguments)


def words(result: Result) -> str:
    return " ".join(result.output.replace("│", " ").split())


def test_to_keep_and_to_give_up_names_at_once_is_a_usage_error(tmp_path: Path) -> None:
    result = imported(tmp_path, MNIST, "--keep-names", "--rename", "--yes")
    assert result.exit_code == 2
    assert "--rename and --keep-names say opposite things" in words(result)


def test_a_name_that_no_url_should_hold_is_refused_with_its_place(tmp_path: Path) -> None:
    result = imported(tmp_path, {"a b": MNIST["mnist"]}, "--model", "Ab", "--keep-names", "--yes")
    assert result.exit_code == 1
    assert 'models.json:1:2 import-format $["a b"] cannot be kept as a name. Start with a letter' in str(
        result.exception
    )


def test_one_variant_has_one_name(tmp_path: Path) -> None:
    assert imported(tmp_path, MNIST, "--keep-names", "--yes").exit_code == 0
    other = {"digits": {"2": MNIST["mnist"]["1"]}}
    result = imported(tmp_path, other, "--model", "Mnist", "--keep-names", "--yes")
    assert result.exit_code == 1
    assert "would keep the name digits for Vision/Mnist/mul, which is served as mnist" in str(
        result.exception
    )


@pytest.mark.parametrize(
    ("answers", "name"),
    [([True], "served_name: mnist"), ([False, True], None), ([False, False], "refused")],
    ids=["kept", "given up", "neither"],
)
def test_at_a_terminal_the_name_is_asked_for(
    tmp_path: Path, catalog: Path, monkeypatch: pytest.MonkeyPatch, answers: list[bool], name: str | None
) -> None:
    asked: list[str] = []

    def confirm(question: str, **_: object) -> bool:
        asked.append(question)
        return answers[len(asked) - 1] if len(asked) <= len(answers) else True

    monkeypatch.setattr(edits, "at_terminal", lambda: True)
    monkeypatch.setattr(typer, "confirm", confirm)
    monkeypatch.setattr(typer, "prompt", lambda _question, default="", **_: default or "")
    result = imported(tmp_path, MNIST)
    assert asked[0] == "mnist would be served as mul_mnist. Keep mnist for its callers?"
    entry = catalog / "entries" / "vision" / "mnist.yaml"
    if name == "refused":
        assert result.exit_code == 2
        assert not entry.exists()
    else:
        assert result.exit_code == 0, result.output
        assert ("served_name: mnist" in entry.read_text()) is (name is not None)
