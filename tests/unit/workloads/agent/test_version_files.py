"""What a worker's adapter reads about its version."""

import errno
import json
import os
from pathlib import Path

import pytest

from tests.unit.workloads.agent.samples import MODEL, digest, key
from tests.unit.workloads.artifacts.artifacts_on_disk import Bucket
from workloads.agent import Archive, Version, Weights, journal, version_files
from workloads.agent.archives import archive_file
from workloads.agent.disk import Disk
from workloads.agent.state import InForce, Memory
from workloads.artifacts.port import DiskFullError

KEY = key("1.0")
WEIGHTS = Weights(digest("w"), f"artifacts/{digest('w')}")
SPEC = Version(Archive(KEY.digest, "1.mar"), weights=WEIGHTS, gpu_memory_fraction=0.25)


@pytest.fixture(name="disk")
def _disk(tmp_path: Path) -> Disk:
    return Disk.at(tmp_path, Bucket())


def test_a_file_says_where_the_weights_lie_and_what_share_of_the_gpu_a_worker_has(
    disk: Disk, tmp_path: Path
) -> None:
    disk.version_files.write(KEY, SPEC)
    path = tmp_path / "versions" / MODEL / "1.0.json"
    assert json.loads(path.read_text()) == {
        "format": 1,
        "gpuMemoryFraction": 0.25,
        "weights": str(tmp_path / "weights" / WEIGHTS.digest.replace(":", "-")),
    }
    assert disk.version_files.present() == {(MODEL, "1.0"): InForce(WEIGHTS.digest, 0.25)}


def test_the_weights_folder_is_absolute_wherever_the_agent_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Disk.at(Path("store"), Bucket()).version_files.write(KEY, SPEC)
    written = json.loads((tmp_path / "store/versions" / MODEL / "1.0.json").read_text())
    assert written["weights"].startswith(f"{tmp_path}/store/weights/sha256-")


def test_a_version_without_either_has_a_file_that_says_so(disk: Disk, tmp_path: Path) -> None:
    disk.version_files.write(KEY, Version(SPEC.archive))
    written = json.loads((tmp_path / "versions" / MODEL / "1.0.json").read_text())
    assert written == {"format": 1, "gpuMemoryFraction": None, "weights": None}


def test_a_file_is_replaced_where_it_says_something_else_and_only_there(disk: Disk, tmp_path: Path) -> None:
    path = tmp_path / "versions" / MODEL / "1.0.json"
    disk.version_files.write(KEY, SPEC)
    first = path.stat().st_ino
    disk.version_files.write(KEY, SPEC)
    disk.version_files.write_missing(KEY, Version(SPEC.archive))
    assert path.stat().st_ino == first
    disk.version_files.write(KEY, Version(SPEC.archive, gpu_memory_fraction=0.5))
    assert disk.version_files.present() == {(MODEL, "1.0"): InForce(None, 0.5)}


def test_a_missing_file_is_written_and_a_removed_one_leaves_nothing(disk: Disk, tmp_path: Path) -> None:
    disk.version_files.write_missing(KEY, SPEC)
    disk.version_files.write_missing(key("2"), SPEC)
    disk.version_files.remove(MODEL, "1.0")
    assert set(disk.version_files.present()) == {(MODEL, "2")}
    disk.version_files.remove(MODEL, "2")
    disk.version_files.remove(MODEL, "2")
    assert list((tmp_path / "versions").iterdir()) == []


def test_a_file_that_nobody_can_read_says_nothing_and_what_was_left_half_is_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "versions" / MODEL
    folder.mkdir(parents=True)
    (folder / "1.0.json").write_text("{")
    (folder / "2.json.part").write_text('{"format"')
    disk = Disk.at(tmp_path, Bucket())
    assert disk.version_files.present() == {(MODEL, "1.0"): InForce()}
    assert [path.name for path in folder.iterdir()] == ["1.0.json"]


def test_an_agent_starts_and_turns_whatever_the_code_in_a_worker_left_on_the_volume(tmp_path: Path) -> None:
    """A worker runs a model's own code, and writes to the same volume."""
    told, held = tmp_path / "versions" / MODEL, tmp_path / "weights"
    for folder in (told / "1.json", told / "1.json.part", tmp_path / "x.part/y", held / "x.gone/y"):
        folder.mkdir(parents=True)
    for loop in (told / "2.json", tmp_path / archive_file(KEY.digest), held / "y.gone"):
        loop.symlink_to(loop.name)
    for pipe in (told / "5.json", tmp_path / "agent.json", tmp_path / "agent.json.part"):
        os.mkfifo(pipe)
    (told / "3.json").write_text("[" * 10_000)
    (told / "4.json").write_text(f'{{"weights": null, "gpuMemoryFraction": 1{"0" * 400}}}')
    (held / WEIGHTS.digest.replace(":", "-")).write_bytes(b"no folder")
    disk = Disk.at(tmp_path, Bucket())
    (told / "6.json").write_text(" " * (1 << 20))
    versions = ("1", "2", "3", "4", "5", "6")
    assert disk.version_files.present() == {(MODEL, version): InForce() for version in versions}
    assert disk.archives.present() == {}
    assert journal.load(tmp_path / "agent.json", 10.0) == Memory()
    assert journal.replace_file(tmp_path / "agent.json", "{}")
    (tmp_path / "agent.json").unlink()
    for version in versions:
        disk.version_files.write(key(version), SPEC)
        disk.version_files.remove(MODEL, version)
    assert not disk.weights.verify(WEIGHTS.digest)
    disk.archives.discard(KEY.digest)
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []


def test_a_full_disk_is_told_apart_from_other_errors(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(version_files, "_replace", full)
    with pytest.raises(DiskFullError, match="is full"):
        disk.version_files.write(KEY, SPEC)
