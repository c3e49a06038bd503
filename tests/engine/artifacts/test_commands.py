"""`slipway artifacts` on a bucket, over HTTP."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from artifacts.storage import promote
from cli import main

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
