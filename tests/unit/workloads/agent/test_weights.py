import errno
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from artifacts.digest import Kind
from tests.unit.workloads.artifacts.artifacts_on_disk import Bucket, objects, tree
from workloads.agent import Weights, weights
from workloads.agent.disk import Disk
from workloads.agent.weights import WeightsStore
from workloads.artifacts import fetching
from workloads.artifacts.downloads import begun_bytes, incoming_name
from workloads.artifacts.manifest import ArtifactFile
from workloads.artifacts.port import ContentError, DiskFullError, SourceError

FILES = {"config.json": b'{"a": 1}', "onnx/model.bin": b"m" * 5000, "weights.bin": b"w" * 9000, "empty": b""}
WEIGHTS, OBJECTS = objects(FILES)
NAMES = sorted([*(f"files/{name}" for name in FILES), "manifest.json"])
SIZE = sum(map(len, FILES.values()))


def key(name: str) -> str:
    return f"{WEIGHTS.location}/files/{name}"


def made(tmp_path: Path, **changed: bytes | list[bytes | BaseException]) -> tuple[WeightsStore, Bucket]:
    """`changed`: what is in a file's place; __ stands for a slash and _ for a dot."""
    names = {name.replace("__", "/").replace("_", "."): content for name, content in changed.items()}
    bucket = Bucket({**OBJECTS, **{key(name): content for name, content in names.items()}})
    return WeightsStore(tmp_path, bucket), bucket


def begun(tmp_path: Path, name: str) -> int:
    """Bytes of the file that an attempt has left."""
    (part,) = [*tmp_path.glob("*.part"), tmp_path / "none.part"][:1]
    return begun_bytes(part / "incoming" / incoming_name(ArtifactFile(name, 0, "")))


def test_weights_come_whole_and_once(tmp_path: Path) -> None:
    store, bucket = made(tmp_path)
    store.fetch(WEIGHTS)
    store.fetch(WEIGHTS)
    assert tree(store.path(WEIGHTS.digest)) == FILES
    assert store.present() == {WEIGHTS.digest: SIZE}
    assert bucket.names() == NAMES
    assert [path.name for path in tmp_path.iterdir()] == [WEIGHTS.digest.replace(":", "-")]


def test_an_artifact_of_one_file_comes_under_its_name(tmp_path: Path) -> None:
    one, held = objects({"model.safetensors": b"w" * 100}, Kind.FILE)
    store = WeightsStore(tmp_path, Bucket({**held}))
    store.fetch(one)
    assert tree(store.path(one.digest)) == {"model.safetensors": b"w" * 100}
    assert store.verify(one.digest)


def test_until_the_last_file_is_checked_nothing_is_visible(tmp_path: Path) -> None:
    store, bucket = made(tmp_path)
    gate = bucket.gates[key("config.json")] = threading.Event()
    thread = threading.Thread(target=store.fetch, args=(WEIGHTS,))
    thread.start()
    while store.progress(WEIGHTS.digest)[0] < SIZE - len(FILES["config.json"]):
        gate.wait(0.01)
    assert store.present() == {}
    assert store.begun() == {WEIGHTS.digest}
    assert not store.path(WEIGHTS.digest).exists()
    assert store.progress(WEIGHTS.digest)[1] == SIZE
    gate.set()
    thread.join()
    assert store.present() == {WEIGHTS.digest: SIZE}
    assert store.begun() == frozenset()
    assert store.progress(WEIGHTS.digest) == (0, 0)


def test_several_files_come_at_once_and_never_more_than_allowed(tmp_path: Path) -> None:
    many, held = objects({f"{number}.bin": bytes([number]) * 100 for number in range(20)})
    bucket = Bucket({**held})
    bucket.gates.update({location: threading.Event() for location in held if "/files/" in location})
    thread = threading.Thread(target=WeightsStore(tmp_path, bucket, at_once=3).fetch, args=(many,))
    thread.start()
    while bucket.together < 3:
        threading.Event().wait(0.01)
    for gate in bucket.gates.values():
        gate.set()
    thread.join()
    assert bucket.together == 3


@pytest.mark.parametrize(
    ("content", "expected", "said", "left"),
    [
        ([SourceError("no such key", missing=True)], SourceError, "no such key", 0),
        ([b"w" * 10, SourceError("503 Slow Down")], SourceError, "503", 10),
        (b"x" * 9000, ContentError, "weights.bin has 9000 bytes and the SHA-256 .* its manifest says", 0),
        (b"w" * 8999, ContentError, "weights.bin has 8999 bytes", 0),
        (
            [b"w" * 9000, b"w", SourceError("read on")],
            ContentError,
            "weights.bin has more than the 9000 bytes",
            0,
        ),
        ([b"w" * 9000, b"w" * 9000], ContentError, "weights.bin has more than the 9000 bytes", 0),
        ([b"w" * 9000, b"w", SourceError("read on")], ContentError, "has more than the 9000 bytes", 0),
        ([b"w", OSError(errno.ENOSPC, "No space left on device")], DiskFullError, "is full", 0),
        ([b"w", OSError(errno.EIO, "I/O error")], OSError, "I/O error", 0),
    ],
)
def test_a_file_that_fails_leaves_nothing_to_see_and_says_why(
    tmp_path: Path,
    content: bytes | list[bytes | BaseException],
    expected: type[Exception],
    said: str,
    left: int,
) -> None:
    """A source that fails leaves what had come; whatever else fails leaves nothing of the file."""
    store, _ = made(tmp_path, weights_bin=content)
    with pytest.raises(expected, match=said):
        store.fetch(WEIGHTS)
    assert store.present() == {}
    assert begun(tmp_path, "weights.bin") == left


def test_what_was_finished_is_not_fetched_again_by_the_same_agent_nor_by_the_next(tmp_path: Path) -> None:
    store, bucket = made(tmp_path, config_json=[SourceError("503 Slow Down")])
    with pytest.raises(SourceError):
        store.fetch(WEIGHTS)
    finished = {name.partition("/whole/")[2] for name in tree(tmp_path)}
    assert finished >= {"weights.bin", "onnx/model.bin"}
    (next(tmp_path.glob("*.part")) / "incoming/half").write_bytes(b"half")
    bucket.asked.clear()
    bucket.held.update(OBJECTS)
    WeightsStore(tmp_path, bucket).fetch(WEIGHTS)
    assert set(bucket.names()) == {"manifest.json", *(f"files/{name}" for name in FILES.keys() - finished)}
    assert tree(store.path(WEIGHTS.digest)) == FILES


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("after", [0, 1])
def test_whichever_file_it_dies_at_nothing_half_is_seen_and_the_next_attempt_ends_it(
    tmp_path: Path, name: str, after: int
) -> None:
    store, bucket = made(tmp_path)
    bucket.held[key(name)] = [*([FILES[name][:1]] * after), SystemExit()]  # ends a thread without a word
    with pytest.raises(SourceError, match="did not come whole"):
        store.fetch(WEIGHTS)
    assert store.present() == {}
    bucket.held.update(OBJECTS)
    WeightsStore(tmp_path, bucket).fetch(WEIGHTS)
    assert tree(store.path(WEIGHTS.digest)) == FILES
    assert all(bucket.asked.count(key(other)) == 1 for other in FILES.keys() - {name})


def test_what_does_not_belong_to_the_artifact_is_not_taken_over(tmp_path: Path) -> None:
    store, _ = made(tmp_path)
    whole = tmp_path / f"{store.path(WEIGHTS.digest).name}.part/whole"
    (whole / "config.json/old").mkdir(parents=True)
    (whole / "config.json/old/file").write_bytes(b"of another manifest")
    (whole / "weights.bin").write_bytes(b"cut")
    store.fetch(WEIGHTS)
    assert tree(store.path(WEIGHTS.digest)) == FILES


def test_a_missing_file_ends_the_others_amid_their_bytes(tmp_path: Path) -> None:
    store, bucket = made(tmp_path, config_json=[SourceError("no such key", missing=True)])
    bucket.held[key("weights.bin")] = [b"w" * 4500, b"w" * 4500]
    gate = bucket.gates[key("weights.bin")] = threading.Event()
    failed: list[Exception] = []

    def fetch() -> None:
        try:
            store.fetch(WEIGHTS)
        except SourceError as error:
            failed.append(error)

    thread = threading.Thread(target=fetch)
    thread.start()
    while key("config.json") not in bucket.asked:
        gate.wait(0.01)
    gate.wait(0.1)
    gate.set()
    thread.join()
    assert "no such key" in str(failed[0])
    assert not list(tmp_path.glob("*.part/whole/weights.bin"))


def test_a_fetch_that_nobody_needs_any_more_ends_amid_its_bytes(tmp_path: Path) -> None:
    store, bucket = made(tmp_path)
    for name in FILES:
        bucket.gates[key(name)] = threading.Event()
    failed: list[Exception] = []

    def fetch() -> None:
        try:
            store.fetch(WEIGHTS)
        except SourceError as error:
            failed.append(error)

    thread = threading.Thread(target=fetch)
    thread.start()
    while len(bucket.asked) < 1 + len(FILES):
        thread.join(0.01)
    store.cancel("sha256:other")
    store.cancel(WEIGHTS.digest)
    for gate in bucket.gates.values():
        gate.set()
    thread.join()
    assert "no version needs these weights any more" in str(failed[0])
    assert store.present() == {}
    store.discard(WEIGHTS.digest)
    assert list(tree(tmp_path)) == []
    store.fetch(WEIGHTS)
    assert tree(store.path(WEIGHTS.digest)) == FILES


def test_weights_that_cannot_fit_are_refused_before_any_file_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, bucket = made(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=SIZE - 1))
    with pytest.raises(DiskFullError, match=f"takes {SIZE} bytes more, and {SIZE - 1} are free"):
        store.fetch(WEIGHTS)
    assert bucket.names() == ["manifest.json"]
    assert list(tmp_path.iterdir()) == []


def test_room_that_is_kept_free_is_no_room_for_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = Bucket({**OBJECTS})
    disk = Disk.at(tmp_path, bucket, keep_free=1000)
    store = disk.weights
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000 + SIZE - 1))
    assert disk.archives.free_bytes() == SIZE - 1, "what the alert is told"
    with pytest.raises(DiskFullError, match=f"{SIZE - 1} are free beyond the 1000 that are kept"):
        store.fetch(WEIGHTS)
    assert store.begun() == frozenset()


def test_a_fetch_whose_room_a_neighbour_takes_meanwhile_ends_before_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = Bucket({**OBJECTS})
    store = Disk.at(tmp_path, bucket, keep_free=1000).weights

    def left(_: Path) -> SimpleNamespace:
        return SimpleNamespace(free=10**6 if bucket.names() == ["manifest.json"] else 999)

    monkeypatch.setattr("shutil.disk_usage", left)
    with pytest.raises(DiskFullError, match="is full: 0 bytes are free"):
        store.fetch(WEIGHTS)
    assert store.begun() == frozenset()
    assert store.present() == {}


def test_a_full_disk_gives_back_what_was_fetched(tmp_path: Path) -> None:
    store, _ = made(tmp_path, config_json=[OSError(errno.ENOSPC, "No space left on device")])
    with pytest.raises(DiskFullError):
        store.fetch(WEIGHTS)
    assert list(tmp_path.iterdir()) == []


def test_a_manifest_that_is_altered_or_endless_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, bucket = made(tmp_path)
    place = f"{WEIGHTS.location}/manifest.json"
    bucket.held[place] = OBJECTS[place].replace(b"5000", b"5001")
    with pytest.raises(
        ContentError, match=f"manifest.json is altered: its files give .*, not {WEIGHTS.digest}"
    ):
        store.fetch(WEIGHTS)
    monkeypatch.setattr(fetching, "LONGEST_MANIFEST", 100)
    with pytest.raises(ContentError, match="more than 100 bytes"):
        store.fetch(WEIGHTS)
    assert bucket.names() == ["manifest.json", "manifest.json"]


def test_weights_are_deleted_whole_or_begun(tmp_path: Path) -> None:
    store, _ = made(tmp_path)
    store.fetch(WEIGHTS)
    with (store.path(WEIGHTS.digest) / "weights.bin").open("rb") as mapped:
        store.discard(WEIGHTS.digest)
        assert mapped.read() == FILES["weights.bin"]
    assert (store.present(), list(tmp_path.iterdir())) == ({}, [])
    other, _ = made(tmp_path, config_json=[SourceError("503")])
    with pytest.raises(SourceError):
        other.fetch(WEIGHTS)
    other.discard(WEIGHTS.digest)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", ["changed", "removed", "added"])
def test_weights_that_were_altered_on_the_disk_are_deleted(tmp_path: Path, how: str) -> None:
    store, _ = made(tmp_path)
    store.fetch(WEIGHTS)
    assert store.verify(WEIGHTS.digest)
    folder = store.path(WEIGHTS.digest)
    if how == "changed":
        (folder / "weights.bin").write_bytes(b"x" * 9000)
    elif how == "removed":
        (folder / "weights.bin").unlink()
    else:
        (folder / "more").write_bytes(b"x")
    assert not store.verify(WEIGHTS.digest)
    assert store.present() == {}


def test_what_a_killed_agent_was_deleting_is_deleted_at_the_start(tmp_path: Path) -> None:
    name = WEIGHTS.digest.replace(":", "-")
    for leftover in (f"{name}.123.gone", f"{name}.part.123.gone", f"{name}.part", name):
        (tmp_path / leftover / "whole").mkdir(parents=True)
    store, _ = made(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert store.begun() == frozenset()


def test_folders_that_are_no_weights_of_ours_are_not_counted(tmp_path: Path) -> None:
    for name in ("lost+found", "sha256-12", "sha256-12.part"):
        (tmp_path / name).mkdir()
    store, _ = made(tmp_path)
    assert (store.present(), store.begun()) == ({}, frozenset())


def test_what_lies_there_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, _ = made(tmp_path)
    store.fetch(WEIGHTS)
    measured: list[Path] = []

    def measure(root: Path) -> int:
        measured.append(root)
        return SIZE

    monkeypatch.setattr(weights, "_size", measure)
    assert store.present() == store.present() == {WEIGHTS.digest: SIZE}
    assert len(measured) == 1


def test_a_location_is_asked_for_as_it_is_written(tmp_path: Path) -> None:
    bucket = Bucket()
    with pytest.raises(KeyError):
        WeightsStore(tmp_path, bucket).fetch(Weights(WEIGHTS.digest, "elsewhere/reader"))
    assert bucket.asked == ["elsewhere/reader/manifest.json"]
