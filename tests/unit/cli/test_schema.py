"""`slipway schema`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import main, schema_command
from model_catalog.json_schema import SCHEMAS, schema_text

runner = CliRunner()


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_schema_is_printed_as_it_is_committed(kind: str) -> None:
    result = runner.invoke(main.app, ["schema", kind])
    assert result.exit_code == 0
    assert result.output == schema_text(kind)
    assert json.loads(result.output)["type"] == "object"


def test_without_a_kind_there_is_nothing_to_print() -> None:
    assert runner.invoke(main.app, ["schema"]).exit_code == 2


def test_write_writes_both_and_says_what_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_command, "CLONE", tmp_path)
    (tmp_path / "model_catalog").mkdir()
    first, second = (runner.invoke(main.app, ["schema", "--write"]) for _ in range(2))
    assert first.output.splitlines() == [
        f"wrote model_catalog/schema/{kind}.schema.json" for kind in ("entry", "release")
    ]
    assert second.output.count("is as the types make it") == 2
    for kind in SCHEMAS:
        written = tmp_path / "model_catalog" / "schema" / f"{kind}.schema.json"
        assert written.read_text(encoding="utf-8") == schema_text(kind)
