"""What an attempt has left is gone on with, if it is what it should be."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.workloads.artifacts.artifacts_on_disk import Bucket, objects, tree
from workloads.artifacts.downloads import Downloads, incoming_name
from workloads.artifacts.fetching import Fetch, has_digest, remove_leftovers
from workloads.artifacts.manifest import ArtifactFile
from workloads.artifacts.port import ContentError, SourceError

FILES = {"config.json": b'{"a": 1}', "shards/1.safetensors": bytes(range(250)) * 40}
LARGE = "shards/1.safetensors"
WEIGHTS, OBJECTS = objects(FILES)


def key(name: str) -> str:
    return f"{WEIGHTS.location}/files/{name}"


def bucket_with(**changed: bytes | list[bytes | BaseException]) -> Bucket:
    """`large`: what is in the place of the large file."""
    return Bucket({**OBJECTS, **({key(LARGE): changed["large"]} if changed else {})})


def fetch(tmp_path: Path, bucket: Bucket) -> Fetch:
    return Fetch(bucket, WEIGHTS.digest, WEIGHTS.location, tmp_path / "model")


def incoming(tmp_path: Path, name: str = LARGE) -> Path:
    return tmp_path / "model.part/incoming" / incoming_name(ArtifactFile(name, 0, ""))


def left(tmp_path: Path, content: bytes) -> Path:
    path = incoming(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_a_file_goes_on_where_the_attempt_before_it_stopped(tmp_path: Path) -> None:
    bucket = bucket_with(large=[FILES[LARGE][:4000], SourceError("503 Slow Down")])
    with pytest.raises(SourceError, match="503"):
        fetch(tmp_path, bucket).run()
    assert incoming(tmp_path).read_bytes() == FILES[LARGE][:4000]
    bucket.held.update(OBJECTS)
    again = fetch(tmp_path, bucket)
    again.run()
    assert [start for place, start in bucket.starts if place == key(LARGE)] == [0, 4000]
    assert tree(tmp_path / "model") == FILES
    assert again.progress.done == again.progress.of == sum(map(len, FILES.values()))


def test_a_file_that_came_to_its_end_before_a_kill_is_not_asked_for_again(tmp_path: Path) -> None:
    left(tmp_path, FILES[LARGE])
    bucket = bucket_with()
    fetch(tmp_path, bucket).run()
    assert key(LARGE) not in bucket.asked
    assert tree(tmp_path / "model") == FILES


def test_what_was_left_and_is_wrong_is_begun_anew_in_the_same_attempt(tmp_path: Path) -> None:
    left(tmp_path, b"\0" * 5000)
    bucket = bucket_with()
    one = fetch(tmp_path, bucket)
    one.run()
    assert [start for place, start in bucket.starts if place == key(LARGE)] == [5000, 0]
    assert tree(tmp_path / "model") == FILES
    assert one.progress.done == one.progress.of


def test_a_source_that_does_not_know_parts_gives_the_whole_file_after_all(tmp_path: Path) -> None:
    left(tmp_path, FILES[LARGE][:5000])
    bucket = bucket_with()
    original = bucket.read

    def read(location: str, start: int = 0) -> Iterator[bytes]:
        assert start in (0, 5000)
        return original(location)

    bucket.read = read  # type: ignore[method-assign]
    fetch(tmp_path, bucket).run()
    assert tree(tmp_path / "model") == FILES


def test_a_wrong_object_is_refused_after_one_new_beginning_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    left(tmp_path, FILES[LARGE][:5000])
    bucket = bucket_with(large=b"x" * len(FILES[LARGE]))
    with pytest.raises(ContentError, match=f"{LARGE} has {len(FILES[LARGE])} bytes and the SHA-256"):
        fetch(tmp_path, bucket).run()
    assert [start for place, start in bucket.starts if place == key(LARGE)] == [5000, 0]
    assert not incoming(tmp_path).exists()


def nowhere(path: Path) -> None:
    path.symlink_to(path.parents[3] / "elsewhere")


def too_long(path: Path) -> None:
    path.write_bytes(FILES[LARGE] + b"more")


@pytest.mark.parametrize("put", [Path.mkdir, os.mkfifo, nowhere, too_long, Path.touch])
def test_whatever_else_lies_where_a_file_is_collected_is_removed_first(
    tmp_path: Path, put: Callable[[Path], object]
) -> None:
    path = incoming(tmp_path)
    path.parent.mkdir(parents=True)
    put(path)
    bucket = bucket_with()
    fetch(tmp_path, bucket).run()
    assert [start for place, start in bucket.starts if place == key(LARGE)] == [0]
    assert tree(tmp_path / "model") == FILES
    assert not (tmp_path.parent / "elsewhere").exists()


@pytest.mark.parametrize("put", [Path.mkdir, os.mkfifo, nowhere])
def test_what_takes_a_file_s_place_before_it_is_opened_is_neither_written_through_nor_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put: Callable[[Path], object]
) -> None:
    original = Downloads.run

    def run(self: Downloads, files: list[ArtifactFile], at_once: int) -> None:
        put(incoming(tmp_path))
        original(self, files, at_once)

    monkeypatch.setattr(Downloads, "run", run)
    with pytest.raises(OSError, match=incoming(tmp_path).name):
        fetch(tmp_path, bucket_with()).run()
    assert not (tmp_path.parent / "elsewhere").exists()


def test_what_is_no_part_of_the_artifact_is_removed_from_what_is_collected(tmp_path: Path) -> None:
    other = left(tmp_path, FILES[LARGE][:10]).with_name("half")
    other.write_bytes(b"half")
    bucket = bucket_with(large=[SourceError("503")])
    with pytest.raises(SourceError):
        fetch(tmp_path, bucket).run()
    assert not other.exists()
    assert incoming(tmp_path).stat().st_size == 10


def test_only_a_folder_itself_has_a_digest(tmp_path: Path) -> None:
    fetch(tmp_path, bucket_with()).run()
    assert has_digest(tmp_path / "model", WEIGHTS.digest)
    (tmp_path / "link").symlink_to(tmp_path / "model")
    assert not has_digest(tmp_path / "link", WEIGHTS.digest)
    assert not has_digest(tmp_path / "gone", WEIGHTS.digest)
    (tmp_path / "model/config.json").write_bytes(b'{"a": 2}')
    assert not has_digest(tmp_path / "model", WEIGHTS.digest)


def test_leftovers_of_deletions_go_and_what_a_fetch_has_begun_stays(tmp_path: Path) -> None:
    for name in ("model.12.gone", "model", "model.part", "other.part"):
        (tmp_path / name).mkdir()
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "other.part"]
