"""`slipway artifacts` without a storage: digests of files here, and requests that are wrong."""

import hashlib
import json
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from artifacts import NotPublishedError
from artifacts.storage import Findings, Target, digest_path
from cli import artifacts_commands, main

CATALOGS = Path(__file__).parents[1] / "model_catalog"
DIGEST = f"sha256:{'a' * 64}"

runner = CliRunner()


def ended(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of the whole command line, which turns errors into lines."""
    monkeypatch.setattr(sys, "argv", ["slipway", *words])
    with pytest.raises(SystemExit) as end:
        main.main()
    return int(str(end.value.code))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reader").mkdir()
    (tmp_path / "reader" / "weights.bin").write_bytes(b"hello")
    return tmp_path / "reader"


def test_a_digest_is_printed_alone_so_that_a_script_can_take_it(folder: Path) -> None:
    result = runner.invoke(main.app, ["artifacts", "digest", str(folder)])
    assert (result.exit_code, result.stdout) == (0, f"{digest_path(folder).digest}\n")


def test_the_json_of_a_digest_lists_its_files(folder: Path) -> None:
    result = runner.invoke(main.app, ["artifacts", "digest", str(folder), "--format", "json"])
    assert json.loads(result.stdout) == {
        "digest": digest_path(folder).digest,
        "kind": "tree",
        "size": 5,
        "read": 5,
        "files": [{"name": "weights.bin", "size": 5, "sha256": hashlib.sha256(b"hello").hexdigest()}],
    }


def test_another_digest_than_expected_is_exit_code_1_with_both_and_the_fix(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = f"sha256:{'0' * 64}"
    assert ended(monkeypatch, "artifacts", "digest", str(folder), "--expect", wanted) == 1
    told = capsys.readouterr().err
    assert [part for part in (wanted, digest_path(folder).digest, "Fix: ") if part not in told] == []
    assert "Traceback" not in told


def test_the_expected_digest_is_exit_code_0(folder: Path) -> None:
    digest = digest_path(folder).digest
    assert runner.invoke(main.app, ["artifacts", "digest", str(folder), "--expect", digest]).exit_code == 0


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["digest", "no/such/folder"], 1, "is not there. Fix: "),
        (["digest", "s3://bucket"], 2, "s3://bucket/key"),
        (["digest", ".", "--expect", "abc"], 2, "64 hex digits"),
        (["digest", ".", "--yes"], 2, "--write"),
        (["digest", "QuestionAnswering/Reader/fr", "--write"], 2, "names no single version"),
        (
            ["digest", "QuestionAnswering/Reader/fr@2", "--write", "--format", "json"],
            2,
            "without --format json",
        ),
        (["digest", "TextGeneration/Mixtral/en@1", "--write"], 1, "on the Hub"),
        (["inspect", "sha256:abc", "--bucket", "b"], 2, "64 hex digits"),
        (["inspect", "QuestionAnswering/Reader/fr", "--bucket", "b"], 2, "names no single version"),
        (["inspect", "QuestionAnswering/Raeder/fr@1.0", "--bucket", "b"], 2, "did you mean"),
        (["inspect", f"sha256:{'0' * 64}"], 2, "--bucket"),
    ],
)
def test_a_wrong_request_is_told_what_would_be_right(
    words: list[str],
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ended(monkeypatch, "artifacts", *words) == code
    shown = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert told in shown


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in which the French reader's first version has a digest, and the second has none."""
    shutil.copytree(CATALOGS / "base", tmp_path / "clone" / "model_catalog")
    reader = tmp_path / "clone" / "model_catalog" / "entries" / "question_answering" / "reader.yaml"
    text = reader.read_text()
    assert "ReaderWPS.mar, digest: unresolved" in text
    reader.write_text(text.replace("ReaderWPS.mar, digest: unresolved", f'ReaderWPS.mar, digest: "{DIGEST}"'))
    monkeypatch.setattr(artifacts_commands, "CLONE", tmp_path / "clone")
    return tmp_path / "clone"


def test_a_selector_stands_for_the_digest_that_the_catalog_says(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(target: Target) -> Findings:
        asked.append(target.digest)
        raise NotPublishedError(str(target))

    monkeypatch.setattr("artifacts.storage.check", answer)
    assert clone.exists()
    selector = "QuestionAnswering/Reader/fr@1.0"
    assert ended(monkeypatch, "artifacts", "inspect", selector, "--bucket", "b", "--region", "eu-west-1") == 1
    assert asked == [DIGEST]


def test_a_version_whose_digest_nobody_has_computed_is_said_to_be_unresolved(
    clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clone.exists()
    assert ended(monkeypatch, "artifacts", "inspect", "QuestionAnswering/Reader/fr@2", "--bucket", "b") == 1
    assert "digest is unresolved" in capsys.readouterr().err
