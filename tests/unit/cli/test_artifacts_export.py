"""`slipway artifacts export`, from a folder and from a bucket, and `inspect` of what came out."""

import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from artifacts.archives import read_archive
from artifacts.storage import Manner, Source, Target, make_client, promote
from cli import artifacts_export, main
from tests.support.exports import Checkout, make_checkout, packed_archive
from tests.support.strict_s3 import REGION, StrictS3, strict_s3

FR = "QuestionAnswering/Reader/fr"
runner = CliRunner()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    made = make_checkout(tmp_path, packed_archive())
    monkeypatch.setattr(artifacts_export, "CLONE", made.clone)
    return made


def export(*words: str | Path) -> Any:
    return runner.invoke(main.app, ["artifacts", "export", *map(str, words), "--env", "dev"])


def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str | Path, code: int = 1
) -> str:
    """What the whole command line says on standard error."""
    monkeypatch.setattr(sys, "argv", ["slipway", "artifacts", "export", *map(str, words), "--env", "dev"])
    with pytest.raises(SystemExit) as end:
        main.main()
    assert end.value.code == code
    return " ".join(capsys.readouterr().err.replace("│", " ").split())


def files(folder: Path) -> dict[str, bytes]:
    """Everything below it, hidden files too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def snapshot(config: bytes) -> Any:
    lines = dict(line.split("=", 1) for line in config.decode().splitlines())
    return json.loads(lines["model_snapshot"])


def test_an_export_has_fat_archives_and_a_snapshot_of_the_plan_and_says_how_to_start_it(
    checkout: Checkout, tmp_path: Path
) -> None:
    to = tmp_path / "out"
    result = export(FR, "--weights", checkout.weights, "--to", to)
    assert result.exit_code == 0, result.output
    assert f"torchserve --start --foreground --ncs --ts-config {to}/config.properties" in result.output
    written = files(to)
    assert sorted(written) == [
        "config.properties",
        "model-store/fr_reader.mar",
        "model-store/fr_reader_2.mar",
    ]
    assert written["model-store/fr_reader.mar"] == checkout.packed
    fat = read_archive(to / "model-store" / "fr_reader_2.mar")
    assert (fat.model, fat.version, fat.thin, fat.mark and fat.mark.weights) == (
        "fr_reader", "2", False, checkout.digest
    )  # fmt: skip
    with zipfile.ZipFile(to / "model-store" / "fr_reader_2.mar") as archive:
        inside = {name: archive.read(name) for name in archive.namelist() if name.startswith("weights/")}
    assert inside == {
        f"weights/{name}": body for name, body in files(checkout.folder(checkout.digest)).items()
    }
    assert f"model_store={to}/model-store\n" in written["config.properties"].decode()
    assert snapshot(written["config.properties"])["models"] == {
        "fr_reader": {
            "1.0": {
                "batchSize": 1, "defaultVersion": False, "marName": "fr_reader.mar", "maxBatchDelay": 100,
                "maxWorkers": 1, "minWorkers": 1, "responseTimeout": 120, "startupTimeout": 120,
            },
            "2": {
                "batchSize": 4, "defaultVersion": True, "marName": "fr_reader_2.mar", "maxBatchDelay": 20,
                "maxWorkers": 2, "minWorkers": 1, "responseTimeout": 45, "startupTimeout": 120,
            },
        }
    }  # fmt: skip


def test_two_exports_are_equal_byte_for_byte(checkout: Checkout, tmp_path: Path) -> None:
    words = (FR, "--weights", checkout.weights, "--model-store", "/srv/models", "--to")
    for name in ("one", "two"):
        assert export(*words, tmp_path / name).exit_code == 0
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert b"model_store=/srv/models\n" in files(tmp_path / "one")["config.properties"]


def test_one_version_takes_its_folder_itself_and_is_the_default_of_what_comes(
    checkout: Checkout, tmp_path: Path
) -> None:
    folder = checkout.folder(checkout.packed_digest)
    result = export(f"{FR}@1.0", "--weights", folder, "--to", tmp_path / "out")
    assert result.exit_code == 0, result.output
    (version,) = snapshot(files(tmp_path / "out")["config.properties"])["models"]["fr_reader"].values()
    assert version["defaultVersion"] is True


def test_nothing_is_replaced_without_force_and_what_is_beside_stays(
    checkout: Checkout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    to = tmp_path / "out"
    to.mkdir()
    (to / "mine.txt").write_text("x")
    (to / "config.properties").write_text("mine")
    words = (FR, "--weights", checkout.weights, "--to", to)
    told = refused(monkeypatch, capsys, *words)
    assert "config.properties is there already" in told
    assert "--force" in told
    assert files(to) == {"mine.txt": b"x", "config.properties": b"mine"}
    assert export(*words, "--force").exit_code == 0
    assert files(to)["mine.txt"] == b"x"
    assert b"model_snapshot" in files(to)["config.properties"]


@pytest.mark.parametrize("before", [True, False], ids=["folder there", "folder new"])
def test_other_weights_than_the_digest_s_are_refused_and_nothing_half_done_is_left(
    checkout: Checkout,
    tmp_path: Path,
    before: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    to = tmp_path / "deep" / "out"
    if before:
        to.mkdir(parents=True)
    (checkout.folder(checkout.digest) / "reader.json").write_text("{}")
    told = refused(monkeypatch, capsys, FR, "--weights", checkout.weights, "--to", to)
    assert f"expected {checkout.digest}" in told
    assert "found sha256:" in told
    assert "export-digest" in told
    assert to.exists() is before
    assert not before or list(to.iterdir()) == []


def test_a_packed_archive_of_another_version_is_refused_since_torchserve_would_serve_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = make_checkout(tmp_path, packed_archive(version="7"))
    monkeypatch.setattr(artifacts_export, "CLONE", made.clone)
    told = refused(monkeypatch, capsys, FR, "--weights", made.weights, "--to", tmp_path / "out")
    assert "export-version: its manifest says version '7'" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ([FR, "--to", "out"], 2, "--bucket B or --weights FOLDER"),
        ([FR, "--to", "out", "--bucket", "b", "--weights", "w"], 2, "one of them"),
        (["--to", "out", "--bucket", "b"], 2, "--server NAME"),
        (["--server", "nope", "--to", "out", "--bucket", "b"], 2, "it has cpu-"),
        (["QuestionAnswering/Raeder", "--to", "out", "--bucket", "b"], 2, "did you mean"),
        (
            ["TextGeneration/Writer", "--to", "out", "--bucket", "b"],
            1,
            "nothing of it runs on TorchServe in dev",
        ),
        (
            ["QuestionAnswering/Reader/en", "--to", "out", "--bucket", "b"],
            1,
            "its artifact's digest is unresolved",
        ),
        ([FR, "--to", "out", "--weights", "no/such"], 1, "no/such is not there"),
        ([FR, "--to", "out", "--bucket", "b", "--model-store", "here"], 1, "absolute path"),
    ],
)
def test_a_wrong_request_is_told_what_would_be_right(
    checkout: Checkout,
    words: list[str],
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    assert checkout.clone.exists()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_REGION", REGION)
    assert told in refused(monkeypatch, capsys, *words, code=code)
    assert not (tmp_path / "out").exists()


def test_a_server_is_exported_whole_or_not_at_all(
    checkout: Checkout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = (
        "--server",
        "gpu-g4dn-xlarge-torchserve-1",
        "--weights",
        checkout.weights,
        "--to",
        tmp_path / "out",
    )
    told = refused(monkeypatch, capsys, *words)
    assert "QuestionAnswering/Reader/en@1: served-artifact: its artifact's digest is unresolved" in told
    assert "nothing was written" in told
    release = checkout.clone / "model_catalog" / "releases" / "dev.yaml"
    lines = [line for line in release.read_text().splitlines() if "Reader/en" not in line]
    release.write_text("\n".join(lines))
    assert export(*words).exit_code == 0
    assert list(snapshot(files(tmp_path / "out")["config.properties"])["models"]) == ["fr_reader"]


@pytest.fixture(scope="module")
def s3() -> Iterator[StrictS3]:
    with strict_s3() as server:
        yield server


@pytest.fixture
def bucket(s3: StrictS3, checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> str:
    """With both artifacts published."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", REGION),
        ("AWS_ENDPOINT_URL", s3.url),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    unique = checkout.clone.parent.name.replace("_", "-").lower()[-40:].strip("-")
    research, environment = s3.make_bucket(f"r-{unique}"), s3.make_bucket(f"e-{unique}")
    client = make_client(region=REGION, endpoint=s3.url)
    for path in sorted(checkout.weights.rglob("*.*")):
        if path.is_file():
            s3.client().upload_file(str(path), research, path.relative_to(checkout.weights).as_posix())
    for digest, key in (
        (checkout.digest, checkout.folder(checkout.digest).name),
        (checkout.packed_digest, f"{checkout.folder(checkout.packed_digest).name}/ReaderWPS.mar"),
    ):
        promote(
            Source(client=client, bucket=research, path=key),
            Target(client=client, bucket=environment, digest=digest),
            Manner(workers=2),
        )
    return environment


def test_an_export_from_the_bucket_is_that_of_the_same_files_here(
    checkout: Checkout, bucket: str, tmp_path: Path
) -> None:
    words = ("--model-store", "/srv/models", "--to")
    from_bucket = export(FR, "--bucket", bucket, *words, tmp_path / "bucket")
    assert from_bucket.exit_code == 0, from_bucket.output
    assert export(FR, "--weights", checkout.weights, *words, tmp_path / "here").exit_code == 0
    assert files(tmp_path / "bucket") == files(tmp_path / "here")


def test_a_file_that_was_altered_in_the_bucket_is_found_while_it_is_copied(
    checkout: Checkout,
    bucket: str,
    s3: StrictS3,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    key = f"artifacts/{checkout.packed_digest}/files/ReaderWPS.mar"
    body = bytearray(checkout.packed)
    body[-1] ^= 1
    s3.client().put_object(Bucket=bucket, Key=key, Body=bytes(body))
    told = refused(monkeypatch, capsys, FR, "--bucket", bucket, "--to", tmp_path / "out")
    assert f"s3://{bucket}/{key}: export-digest" in told
    assert not (tmp_path / "out").exists()


def test_an_export_of_what_nobody_published_says_so(
    checkout: Checkout,
    bucket: str,
    s3: StrictS3,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    s3.client().delete_object(Bucket=bucket, Key=f"artifacts/{checkout.digest}/manifest.json")
    told = refused(monkeypatch, capsys, FR, "--bucket", bucket, "--to", tmp_path / "out")
    assert "nothing is published under this digest" in told


def test_an_archive_here_is_shown_with_manifest_handler_weights_and_files(
    checkout: Checkout, tmp_path: Path
) -> None:
    assert export(FR, "--weights", checkout.weights, "--to", tmp_path).exit_code == 0
    fat = str(tmp_path / "model-store" / "fr_reader_2.mar")
    shown = runner.invoke(main.app, ["artifacts", "inspect", fat])
    assert shown.exit_code == 0, shown.output
    for told in ("model fr_reader, version 2, starts handler.py", "handler extractive_reader 1.0.0, released",
                 f"weights {checkout.digest}, inside", "weights/reader.json"):  # fmt: skip
        assert told in shown.output
    told = json.loads(runner.invoke(main.app, ["artifacts", "inspect", fat, "--format", "json"]).stdout)
    assert sorted(told) == ["digest", "files", "handler", "model", "size", "slipway", "thin", "version"]
    assert told["slipway"] == {"handler": "extractive_reader", "version": "1.0.0", "weights": checkout.digest}
    packed = runner.invoke(
        main.app, ["artifacts", "inspect", str(tmp_path / "model-store" / "fr_reader.mar")]
    )
    assert "not made by Slipway" in packed.output


def test_an_archive_that_is_none_is_exit_code_1_by_its_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.mar").write_bytes(b"no zip")
    monkeypatch.setattr(sys, "argv", ["slipway", "artifacts", "inspect", str(tmp_path / "x.mar")])
    with pytest.raises(SystemExit) as end:
        main.main()
    assert end.value.code == 1
    assert "archive-zip" in capsys.readouterr().err


def test_validate_reports_a_handler_that_nobody_released(checkout: Checkout) -> None:
    reader = checkout.clone / "model_catalog" / "entries" / "question_answering" / "reader.yaml"
    reader.write_text(
        reader.read_text().replace("extractive_reader, version: 1.0.0", "extractive_reader, version: 0.9")
    )
    result = runner.invoke(main.app, ["validate", "--catalog", str(checkout.clone / "model_catalog")])
    assert result.exit_code == 1
    assert "handler-known the handler extractive_reader has no released version '0.9'" in result.output
    assert "reader.yaml:31:18 " in result.output
