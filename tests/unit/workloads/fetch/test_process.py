"""`python -m workloads.fetch` as the process that it is in a pod, against a server that speaks S3's GET."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.s3 import Bucket
from tests.unit.workloads.artifacts.artifacts_on_disk import objects, tree
from workloads.fetch import WantedFolder

REPOSITORY = Path(__file__).parents[4]
FILES = {
    "config.json": b'{"a": 1}',
    "model-00001.safetensors": bytes(range(256)) * (4 << 12),
    "model-00002.safetensors": bytes(range(255, -1, -1)) * (1 << 10),
}
LARGE = "model-00001.safetensors"
WEIGHTS, OBJECTS = objects(FILES)
MANIFEST = f"{WEIGHTS.location}/manifest.json"


def key(name: str) -> str:
    return f"{WEIGHTS.location}/files/{name}"


@pytest.fixture(name="s3")
def _s3() -> Iterator[Bucket]:
    with Bucket() as bucket:
        bucket.objects.update(OBJECTS)
        yield bucket


def started(s3: Bucket, folder: Path, *more: str) -> subprocess.Popen[str]:
    wanted = WantedFolder(WEIGHTS.digest, str(folder))
    command = ["-m", "workloads.fetch", "--source", f"s3://{s3.name}", "--artifact", wanted.argument, *more]
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, *command],
        cwd=REPOSITORY,
        env={**os.environ, **s3.environment, "HOME": str(folder.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ran(s3: Bucket, folder: Path, *more: str) -> tuple[int, list[dict[str, Any]]]:
    """Its exit code and its log."""
    process = started(s3, folder, *more)
    output, _ = process.communicate(timeout=60)
    return process.returncode, [json.loads(line) for line in output.splitlines()]


def test_it_fetches_once_and_a_second_run_reads_the_disk_alone(s3: Bucket, tmp_path: Path) -> None:
    code, log = ran(s3, tmp_path / "chat")
    assert (code, log[-1]["message"]) == (0, "fetched and checked")
    assert tree(tmp_path / "chat") == FILES
    asked = len(s3.asked)
    code, log = ran(s3, tmp_path / "chat")
    assert (code, log[-1]["message"]) == (0, "there already, and hashed again")
    assert len(s3.asked) == asked


def tampered(s3: Bucket) -> None:
    s3.objects[key(LARGE)] = b"\1" + s3.objects[key(LARGE)][1:]


def short(s3: Bucket) -> None:
    s3.objects[key(LARGE)] = s3.objects[key(LARGE)][:-1]


def missing(s3: Bucket) -> None:
    del s3.objects[key(LARGE)]


def altered_manifest(s3: Bucket) -> None:
    s3.objects[MANIFEST] = s3.objects[MANIFEST].replace(b"model-00002", b"model-00003")


def no_manifest(s3: Bucket) -> None:
    del s3.objects[MANIFEST]


def nonsense_for_a_manifest(s3: Bucket) -> None:
    s3.objects[MANIFEST] = b"<html>"


@pytest.mark.parametrize(
    ("break_it", "rule", "file"),
    [
        (tampered, "artifact-checked", key(LARGE)),
        (short, "artifact-checked", key(LARGE)),
        (missing, "artifact-published", key(LARGE)),
        (altered_manifest, "artifact-checked", MANIFEST),
        (no_manifest, "artifact-published", MANIFEST),
        (nonsense_for_a_manifest, "artifact-checked", MANIFEST),
    ],
)
def test_what_is_not_as_it_was_published_ends_it_with_file_rule_and_fix_and_no_folder(
    s3: Bucket, tmp_path: Path, break_it: Callable[[Bucket], None], rule: str, file: str
) -> None:
    break_it(s3)
    code, log = ran(s3, tmp_path / "chat")
    assert code == 1
    said = log[-1]
    assert (said["level"], said["rule"]) == ("error", rule)
    assert file in said["message"]
    assert "pulumi refresh" in said["fix"]
    assert not (tmp_path / "chat").exists()


@pytest.mark.parametrize("name", ["../../escaped", "/escaped", "a/../../escaped", "a\\..\\escaped", "a\nb"])
def test_a_manifest_whose_names_lead_elsewhere_is_refused_though_its_lines_give_its_digest(
    s3: Bucket, tmp_path: Path, name: str
) -> None:
    hostile = json.loads(OBJECTS[MANIFEST])
    hostile["files"][0]["name"] = name
    lines = sorted(hostile["files"], key=lambda file: file["name"].encode())
    digest = _tree_digest([(file["sha256"], file["size"], file["name"]) for file in lines])
    s3.objects[f"artifacts/{digest}/manifest.json"] = json.dumps({**hostile, "digest": digest}).encode()
    code, log = ran(
        s3, tmp_path / "volume/models/chat", "--artifact", f"{digest}={tmp_path}/volume/models/hostile"
    )
    assert code == 1
    assert (log[-1]["rule"], log[-1]["artifact"]) == ("artifact-checked", digest)
    assert "names files that no artifact has" in log[-1]["message"]
    assert {path.name for path in tmp_path.rglob("*escaped*")} == set()


def _tree_digest(lines: list[tuple[str, int, str]]) -> str:
    from hashlib import sha256

    text = "slipway-tree-1\n" + "".join(f"{digest} {size} {name}\n" for digest, size, name in lines)
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def test_a_disk_without_room_is_said_with_the_fix_before_a_file_is_asked_for(
    s3: Bucket, tmp_path: Path
) -> None:
    code, log = ran(s3, tmp_path / "chat", "--keep-free", str(1 << 60))
    assert (code, log[-1]["rule"]) == (3, "disk-room")
    assert f"{tmp_path} is full" in log[-1]["message"]
    assert "NODE_DISK_GIB" in log[-1]["fix"]
    assert s3.asked == [MANIFEST]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("end", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
def test_killed_amid_a_file_it_goes_on_where_it_was_and_asks_for_nothing_twice(
    s3: Bucket, tmp_path: Path, end: signal.Signals, code: int
) -> None:
    s3.halting.add(key(LARGE))
    process = started(s3, tmp_path / "chat")
    half, small = len(FILES[LARGE]) // 2, len(FILES) - 1
    while _begun(tmp_path) < half or len(_whole(tmp_path)) < small:
        assert process.poll() is None, process.communicate()[0]
    process.send_signal(end)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == code, output
    assert not (tmp_path / "chat").exists()
    s3.halting.clear()
    s3.sent.clear()
    assert ran(s3, tmp_path / "chat")[0] == 0
    assert tree(tmp_path / "chat") == FILES
    assert sorted(s3.sent) == [(key(LARGE), len(FILES[LARGE]) - half), (MANIFEST, len(OBJECTS[MANIFEST]))]


def _begun(tmp_path: Path) -> int:
    most = 0
    for path in tmp_path.glob("chat.part/incoming/*"):
        with suppress(FileNotFoundError):  # it was whole, and is in its place meanwhile
            most = max(most, path.stat().st_size)
    return most


def _whole(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("chat.part/whole/*"))


def test_a_connection_that_breaks_in_the_middle_is_gone_on_with_by_the_same_run(
    s3: Bucket, tmp_path: Path
) -> None:
    s3.cutting.add(key(LARGE))
    process = started(s3, tmp_path / "chat")
    assert process.stdout is not None
    lines = [json.loads(process.stdout.readline()) for _ in range(3)]
    while lines[-1]["message"] != "the source fails":
        lines.append(json.loads(process.stdout.readline()))
    s3.cutting.clear()
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert tree(tmp_path / "chat") == FILES
    assert 0 < s3.sent[-1][1] < len(FILES[LARGE])


def test_wrong_arguments_are_refused_with_the_rule(s3: Bucket, tmp_path: Path) -> None:
    process = started(s3, tmp_path / "chat", "--artifact", "unresolved=/m")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "'unresolved' is no digest; the rule: sha256: and 64 hex digits" in output
