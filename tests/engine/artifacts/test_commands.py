"""`slipway artifacts` on a bucket, over HTTP."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from artifacts.storage import promote
from cli import edits, main

MODEL_CATALOG = Path(__file__).parents[2] / "unit" / "model_catalog"

runner = CliRunner()


@pytest.fixture(autouse=True)
def _endpoint(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", place.s3.url)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")


def artifacts(*words: str) -> Any:
    return runner.invoke(main.app, ["artifacts", *words])


def test_what_is_published_is_shown_with_its_files_and_whether_it_is_whole(place: Any) -> None:
    promote(place.source, place.target, place.manner())
    for command in ("inspect", "verify"):
        result = artifacts(command, place.target.digest, "--bucket", place.target.bucket)
        assert result.exit_code == 0, result.output
        assert "7 files" in result.output
        assert "whole: as it was published" in result.output


@pytest.mark.parametrize("command", ["inspect", "verify"])
def test_a_tampered_file_is_exit_code_3_and_named_in_both_formats(place: Any, command: str) -> None:
    promote(place.source, place.target, place.manner())
    place.tamper("config.json", b"[]")
    words = [command, place.target.digest, "--bucket", place.target.bucket]
    text, told = artifacts(*words), artifacts(*words, "--format", "json")
    assert (text.exit_code, told.exit_code) == (3, 3)
    assert "config.json was altered" in text.output
    told = json.loads(told.stdout)
    assert (told["whole"], told["missing"], told["altered"], told["additional"]) == (
        False,
        [],
        ["config.json"],
        [],
    )
    assert sorted(told) == [
        "additional", "altered", "digest", "files", "kind", "missing", "place", "size", "source", "whole",
    ]  # fmt: skip


def test_the_digest_of_a_place_in_s3_is_what_its_promotion_needs(place: Any) -> None:
    result = artifacts("digest", str(place.source))
    assert (result.exit_code, result.stdout) == (0, f"{place.target.digest}\n")


FR = "QuestionAnswering/Reader/fr"
NOTES = "# what nobody wants to lose"


@pytest.fixture
def entry(place: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The entry of a version, with a handler, whose artifact is the source and has no digest yet."""
    root = tmp_path / "model_catalog"
    shutil.copytree(MODEL_CATALOG / "base", root)
    entry = root / "entries" / "question_answering" / "reader.yaml"
    (found,) = (line for line in entry.read_text().splitlines() if "fr/QuestionAnswering/Reader.mar" in line)
    indent = found[: len(found) - len(found.lstrip())]
    lines = [
        "artifact:",
        f"  bucket: {place.source.bucket}",
        f"  path: {place.source.path}",
        f"  digest: unresolved  {NOTES}",
        "handler: {name: extractive_reader, version: 1.0.0}",
        "smoke: {body: hello, content_type: text/plain}",
    ]
    entry.write_text(entry.read_text().replace(found, "\n".join(f"{indent}{line}" for line in lines), 1))
    monkeypatch.setattr(edits, "CATALOG", root)
    return entry


def test_the_digest_of_a_version_s_files_goes_into_its_entry_and_nothing_else_changes(
    place: Any, entry: Path
) -> None:
    before = entry.read_text()
    shown = artifacts("digest", f"{FR}@2", "--write")
    assert "nobody can be asked here; add --yes" in shown.output
    assert entry.read_text() == before
    written = artifacts("digest", f"{FR}@2", "--write", "--yes")
    assert written.exit_code == 0, written.output
    assert f"{FR}@2: 7 files" in written.output
    assert entry.read_text() == before.replace(
        f"digest: unresolved  {NOTES}", f"digest: {place.target.digest}  {NOTES}"
    )
    assert "so already" in artifacts("digest", f"{FR}@2", "--write", "--yes").output


def test_a_version_that_has_another_digest_is_left_as_it_is(
    place: Any, entry: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = f"sha256:{'0' * 64}"
    entry.write_text(entry.read_text().replace(f"digest: unresolved  {NOTES}", f"digest: {other}"))
    before = entry.read_text()
    monkeypatch.setattr(sys, "argv", ["slipway", "artifacts", "digest", f"{FR}@2", "--write", "--yes"])
    with pytest.raises(SystemExit) as end:
        main.main()
    assert end.value.code == 1
    told = capsys.readouterr().err
    assert [part for part in (other, place.target.digest, "new version") if part not in told] == []
    assert entry.read_text() == before


def test_files_without_a_way_to_load_them_get_no_digest(
    entry: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entry.write_text(entry.read_text().replace("handler: {name: extractive_reader, version: 1.0.0}\n", "\n"))
    before = entry.read_text()
    monkeypatch.setattr(sys, "argv", ["slipway", "artifacts", "digest", f"{FR}@2", "--write", "--yes"])
    with pytest.raises(SystemExit):
        main.main()
    assert "archive-or-handler" in capsys.readouterr().err
    assert entry.read_text() == before
