"""Weights whose files have no end, whose manifests are large, and whose folders others have been in."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.workloads.agent.test_weights import FILES, WEIGHTS, begun, key, made
from tests.unit.workloads.artifacts.artifacts_on_disk import objects, tree
from workloads.artifacts import fetching
from workloads.artifacts.port import ContentError


def test_a_file_that_does_not_end_is_left_at_the_first_byte_too_many(tmp_path: Path) -> None:
    given = 0

    def endless(_: str) -> Iterator[bytes]:
        nonlocal given
        while True:
            given += 1000
            assert given < 100_000, "it reads on and on"
            yield b"w" * 1000

    store, bucket = made(tmp_path)
    original = bucket.read

    def read(location: str, start: int = 0) -> Iterator[bytes]:
        return endless(location) if location.endswith("weights.bin") else original(location, start)

    bucket.read = read  # type: ignore[method-assign]
    with pytest.raises(ContentError, match="has more than the 9000 bytes"):
        store.fetch(WEIGHTS)
    assert given == 10_000
    assert begun(tmp_path, "weights.bin") == 0


def test_large_manifests_are_dealt_with_one_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two lists of 99,000 files did not fit the agent's memory."""
    monkeypatch.setattr(fetching, "LARGE_MANIFEST", 10)
    other, held = objects({"other.bin": b"o" * 100})
    store, bucket = made(tmp_path)
    bucket.held.update(held)
    gate = bucket.gates[key("weights.bin")] = threading.Event()
    first = threading.Thread(target=store.fetch, args=(WEIGHTS,))
    second = threading.Thread(target=store.fetch, args=(other,))
    first.start()
    while key("weights.bin") not in bucket.asked:
        first.join(0.01)
    second.start()
    while f"{other.location}/manifest.json" not in bucket.asked:
        second.join(0.01)
    second.join(0.2)
    assert f"{other.location}/files/other.bin" not in bucket.asked
    gate.set()
    first.join()
    second.join()
    assert set(store.present()) == {WEIGHTS.digest, other.digest}


def test_a_link_among_the_files_is_no_file_of_the_artifact(tmp_path: Path) -> None:
    store, _ = made(tmp_path)
    store.fetch(WEIGHTS)
    file = store.path(WEIGHTS.digest) / "weights.bin"
    (tmp_path / "elsewhere").write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(tmp_path / "elsewhere")
    assert not store.verify(WEIGHTS.digest)


@pytest.mark.parametrize("name", ["incoming", "whole"])
def test_a_part_that_something_else_took_the_place_of_is_made_anew(tmp_path: Path, name: str) -> None:
    store, _ = made(tmp_path)
    part = tmp_path / f"{store.path(WEIGHTS.digest).name}.part"
    part.mkdir()
    (part / name).symlink_to(tmp_path / "nowhere")
    (part / "manifest.json").mkdir()
    store.fetch(WEIGHTS)
    assert tree(store.path(WEIGHTS.digest)) == FILES
