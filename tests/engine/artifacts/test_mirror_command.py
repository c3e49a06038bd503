"""`slipway artifacts mirror` as a person runs it: it prints, it writes, and it survives kill -9 in the middle."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from artifacts.hub import PIECE
from cli import edits, main
from model_catalog import BucketArtifact, load_catalog
from tests.support.fake_hub import COMMIT, Asked, FakeHub, Refusal, fake_hub
from tests.support.strict_s3 import REGION, StrictS3

REPOSITORY = Path(__file__).parents[3]
ENTRY = REPOSITORY / "model_catalog" / "entries" / "text_generation" / "mistral7_b.yaml"
SELECTOR = "TextGeneration/Mistral7B/de@1"
WEIGHTS = "mistralai/Mistral-7B-Instruct-v0.2"
ADAPTER = "UnderstandLing/Mistral-7B-Instruct-v0.2-de"
ADAPTER_COMMIT = "4d3be4bff0f0b568746f7502b134bcf921bb23a8"
FILES = {"config.json": b"{}", "model.safetensors": b"weights", "pytorch_model.bin": b"\x80\x04."}
ADAPTER_FILES = {"adapter_config.json": b'{"r": 64}', "adapter_model.safetensors": b"adapter"}
TOKEN = "hf_nobody_may_see_this"  # noqa: S105
LONG = 300.0
"""Seconds that a process may take to start or to end on a busy machine; less than the Hub asks to wait here."""

runner = CliRunner()


@dataclass
class Here:
    """Both ends, and the catalog between them."""

    hub: FakeHub
    s3: StrictS3
    bucket: str
    catalog: Path

    @property
    def to(self) -> str:
        return f"s3://{self.bucket}/hub"

    @property
    def entry(self) -> Path:
        return self.catalog / "entries" / "text_generation" / ENTRY.name

    def environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.s3.url,
            "AWS_REGION": REGION,
            "HF_ENDPOINT": self.hub.url,
            "HF_TOKEN": TOKEN,
        }


@pytest.fixture
def here(s3: StrictS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    catalog = tmp_path / "model_catalog"
    (catalog / "entries" / "text_generation").mkdir(parents=True)
    shutil.copy(ENTRY, catalog / "entries" / "text_generation")
    monkeypatch.setattr(edits, "CATALOG", catalog)
    with fake_hub() as hub:
        hub.add(WEIGHTS, dict(FILES))
        hub.add(ADAPTER, dict(ADAPTER_FILES), commit=ADAPTER_COMMIT)
        found = Here(
            hub=hub, s3=s3, bucket=s3.make_bucket(f"research-{uuid.uuid4().hex[:8]}"), catalog=catalog
        )
        for name, value in found.environment().items():
            monkeypatch.setenv(name, value)
        yield found


def mirror(*words: str) -> Any:
    return runner.invoke(main.app, ["artifacts", "mirror", *words])


def ended(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of the whole command line, which turns errors into lines."""
    monkeypatch.setattr(sys, "argv", ["slipway", "artifacts", "mirror", *words])
    with pytest.raises(SystemExit) as end:
        main.main()
    return int(str(end.value.code))


def test_what_is_printed_at_the_end_is_what_the_entry_has_to_say(here: Here) -> None:
    result = mirror(SELECTOR, "--to", here.to)
    assert result.exit_code == 0, result.output
    said = yaml.safe_load(result.stdout)
    digest = runner.invoke(main.app, ["artifacts", "digest", f"{here.to}/{WEIGHTS}/{COMMIT}"]).stdout.strip()
    assert said["artifact"] == {
        "bucket": here.bucket,
        "path": f"hub/{WEIGHTS}/{COMMIT}",
        "digest": digest,
        "mirrored_from": {"repository": WEIGHTS, "revision": COMMIT},
    }
    assert said["adapters"]["german"]["path"] == f"hub/{ADAPTER}/{ADAPTER_COMMIT}"
    assert BucketArtifact.model_validate(said["adapters"]["german"]).digest.startswith("sha256:")


def test_a_branch_is_printed_with_its_commit_and_pickles_with_the_reason(here: Here) -> None:
    printed = mirror(SELECTOR, "--to", here.to).stderr
    assert f"{WEIGHTS}: main is commit {COMMIT}" in printed
    assert "left out, as a pickle runs code when it is loaded: pytorch_model.bin" in printed


def test_a_dry_run_says_what_would_be_copied_and_copies_nothing(here: Here) -> None:
    text = mirror("--repository", WEIGHTS, "--to", here.to, "--dry-run").stdout
    assert "would copy 2 of 2 files, 9 of 9 bytes; digest sha256:" in text
    assert "model.safetensors" in text
    printed = json.loads(
        mirror("--repository", WEIGHTS, "--to", here.to, "--dry-run", "--format", "json").stdout
    )
    (one,) = printed["mirrors"]
    assert (printed["dry_run"], one["copied"], one["size_copied"]) == (
        True,
        ["config.json", "model.safetensors"],
        9,
    )
    assert here.s3.client().list_objects_v2(Bucket=here.bucket)["KeyCount"] == 0


def test_the_json_names_place_commit_artifact_and_files(here: Here) -> None:
    printed = json.loads(mirror(SELECTOR, "--to", here.to, "--format", "json").stdout)
    assert [one["place"] for one in printed["mirrors"]] == ["artifact", "adapters.german"]
    one = printed["mirrors"][0]
    assert (one["revision"], one["commit"], one["left_out"]) == ("main", COMMIT, ["pytorch_model.bin"])
    assert one["artifact"]["mirrored_from"] == {"repository": WEIGHTS, "revision": COMMIT}
    assert [file["name"] for file in one["files"]] == ["config.json", "model.safetensors"]


def test_it_is_written_into_the_entry_with_all_comments_kept_and_nothing_else_changed(here: Here) -> None:
    before = here.entry.read_text()
    shown = mirror(SELECTOR, "--to", here.to, "--write")
    assert "nobody can be asked here; add --yes" in shown.output
    assert here.entry.read_text() == before
    written = mirror(SELECTOR, "--to", here.to, "--write", "--yes")
    assert written.exit_code == 0, written.output
    after = here.entry.read_text()
    assert [line for line in before.splitlines() if "#" in line] == [
        line for line in after.splitlines() if "#" in line
    ]
    (entry,) = load_catalog(here.catalog).entries
    version: Any = entry.version("de", "1")
    assert [version.artifact.bucket, version.adapters["german"].bucket] == [here.bucket, here.bucket]
    assert version.artifact.mirrored_from.revision == COMMIT
    assert entry.version("en", "1").artifact.digest == "unresolved"


def test_a_version_that_was_mirrored_can_be_mirrored_again_and_nothing_is_copied(here: Here) -> None:
    mirror(SELECTOR, "--to", here.to, "--write", "--yes")
    here.s3.counts.clear()
    again = mirror(SELECTOR, "--to", here.to, "--write", "--yes")
    assert "nothing to change" in again.stdout
    assert "copied 0 files, 0 bytes" in again.stderr
    assert {name for name in here.s3.counts if name.startswith(("PUT", "POST"))} == set()


def test_an_entry_that_somebody_changed_meanwhile_is_left_alone(
    here: Here, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = here.entry.read_text().replace(ADAPTER, "owner/another-adapter")

    def edit(asked: Asked) -> None:
        if asked.host == "cdn":
            here.entry.write_text(changed)

    here.hub.hook = edit
    assert ended(monkeypatch, SELECTOR, "--to", here.to, "--write", "--yes") == 1
    assert "names other files than those that were mirrored. Fix: " in capsys.readouterr().err
    assert here.entry.read_text() == changed


def test_files_of_another_digest_than_the_catalog_s_are_not_copied(
    here: Here, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = f"sha256:{'a' * 64}"
    here.entry.write_text(here.entry.read_text().replace("digest: unresolved", f"digest: {wanted}"))
    assert ended(monkeypatch, SELECTOR, "--to", here.to) == 1
    printed = capsys.readouterr().err
    assert [part for part in (wanted, "nothing was copied", "Fix: ") if part not in printed] == []
    assert here.s3.client().list_objects_v2(Bucket=here.bucket)["KeyCount"] == 0


def test_the_token_is_in_nothing_that_is_printed(here: Here) -> None:
    here.hub.repositories[WEIGHTS].gated = True
    outcome = subprocess.run(
        [sys.executable, "-m", "cli.main", "--debug", "artifacts", "mirror", SELECTOR, "--to", here.to],
        cwd=REPOSITORY,
        env={**os.environ, **here.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode != 0
    assert "Traceback" in outcome.stderr
    assert "gated" in outcome.stderr
    assert TOKEN not in outcome.stdout + outcome.stderr
    assert {asked.authorization for asked in here.hub.of("hub")} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "name a version or --repository"),
        (["TextGeneration/Mistral7B/en"], 2, "names no single version"),
        (["--repository", "gpt2"], 2, "owner/name"),
        ([SELECTOR, "--revision", "main"], 2, "goes with --repository"),
        (["--repository", WEIGHTS, "--write"], 2, "goes with a version"),
        ([SELECTOR, "--write", "--dry-run"], 2, "without --dry-run"),
        ([SELECTOR, "--yes"], 2, "goes with --write"),
        ([SELECTOR, "--include", "*.json"], 2, "name each"),
        (["--repository", WEIGHTS, "--allow-pickles"], 2, "goes with --include"),
        (["--repository", WEIGHTS, "--include", "*.gguf"], 1, "matches none of its 3 files"),
        (["--repository", WEIGHTS, "--revision", "v9"], 1, "there is no such revision"),
        (["--repository", "mistralai/absent"], 1, "set HF_TOKEN"),
        (["--repository", WEIGHTS, "--owner", "12"], 2, "twelve digits"),
    ],
)
def test_a_wrong_request_is_told_what_would_be_right(
    here: Here,
    words: list[str],
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ended(monkeypatch, *words, "--to", here.to) == code
    shown = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert said in shown


@pytest.mark.parametrize("to", ["research/hub", "s3://", "s3://Upper/hub", "s3://research/a b"])
def test_a_wrong_destination_is_a_usage_error(here: Here, to: str) -> None:
    assert here.bucket
    assert mirror("--repository", WEIGHTS, "--to", to).exit_code == 2


def test_a_hub_that_does_not_answer_is_exit_code_3(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.hub.hook = lambda _: Refusal(429, {"Retry-After": "86400"})
    assert ended(monkeypatch, "--repository", WEIGHTS, "--to", here.to) == 3


def test_a_run_that_was_killed_goes_on_with_the_parts_that_s3_has(here: Here) -> None:
    """kill -9 while the last two of four parts are on their way: two lie there, and two are sent by the next run."""
    body = random.Random(7).randbytes(1 << 20) * (4 * PIECE >> 20)  # noqa: S311 (the same each time)
    here.hub.repositories[WEIGHTS].files = {"config.json": b"{}", "model.safetensors": body[:-5]}
    killed = threading.Event()

    def hold_back(asked: Asked) -> Refusal | None:
        first = int((asked.range or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        if asked.host == "cdn" and first >= 2 * PIECE:
            killed.wait(LONG)
        return None

    here.hub.hook = hold_back
    words = ["--repository", WEIGHTS, "--to", here.to]
    with command(here, *words) as process:
        deadline = time.monotonic() + LONG
        while parts_there(here) < 2 and time.monotonic() < deadline:
            killed.wait(0.05)
        process.kill()
        assert process.wait(LONG) == -signal.SIGKILL
    killed.set()
    assert parts_there(here) == 2
    assert here.s3.stored(here.bucket, f"hub/{WEIGHTS}/{COMMIT}/model.safetensors") is None
    here.s3.counts.clear()
    with command(here, *words) as process:
        assert process.wait(LONG) == 0
    assert (here.s3.counts["PUT uploadId"], here.s3.counts["PUT"]) == (2, 0)
    assert here.s3.stored(here.bucket, f"hub/{WEIGHTS}/{COMMIT}/model.safetensors").value == body[:-5]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_ends_it_does_not_wait_as_long_as_the_hub_asks(here: Here, number: signal.Signals) -> None:
    waiting = threading.Event()

    def throttle(asked: Asked) -> Refusal | None:
        if asked.path.endswith("config.json"):
            waiting.set()
            return Refusal(429, {"Retry-After": "500"})
        return None

    here.hub.hook = throttle
    with command(here, "--repository", WEIGHTS, "--to", here.to) as process:
        assert waiting.wait(LONG)
        process.send_signal(number)
        assert process.wait(LONG) not in (0, -signal.SIGKILL)


def parts_there(here: Here) -> int:
    """Parts that S3 holds of uploads that nobody has completed."""
    client = here.s3.client()
    return sum(
        len(client.list_parts(Bucket=here.bucket, Key=one["Key"], UploadId=one["UploadId"]).get("Parts", ()))
        for one in client.list_multipart_uploads(Bucket=here.bucket).get("Uploads", ())
    )


@contextmanager
def command(here: Here, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
    """The command as a process, which is gone at the end in any case."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "artifacts", "mirror", *words],
        cwd=REPOSITORY,
        env={**os.environ, **here.environment()},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
