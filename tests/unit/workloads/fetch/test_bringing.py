"""Weights come into their folder whole and checked, or not at all; a source that fails is asked again."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest

from artifacts.manifest import folder_of
from tests.unit.workloads.artifacts.artifacts_on_disk import Bucket, objects, tree
from workloads.artifacts.port import ContentError, DiskFullError, SourceError
from workloads.fetch import WantedFolder
from workloads.fetch.bringing import ATTEMPTS, Bringing
from workloads.fetch.refusals import refusal

FILES = {"config.json": b'{"a": 1}', "model.safetensors": bytes(range(250)) * 40}
WEIGHTS, OBJECTS = objects(FILES)
LARGE = f"{WEIGHTS.location}/files/model.safetensors"


class Pauses(list[float]):
    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def wanted(tmp_path: Path, name: str = "models/chat") -> WantedFolder:
    return WantedFolder(WEIGHTS.digest, str(tmp_path / name))


def bucket_with(*large: bytes | BaseException) -> Bucket:
    return Bucket({**OBJECTS, **({LARGE: list(large)} if large else {})})


def test_weights_come_into_the_folder_that_is_named_and_nothing_else_is_left(tmp_path: Path) -> None:
    Bringing(bucket_with()).bring(wanted(tmp_path))
    assert tree(tmp_path / "models/chat") == FILES
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["chat"]


def test_an_artifact_is_looked_for_where_the_promotion_puts_it() -> None:
    assert f"{WantedFolder(WEIGHTS.digest, '/m').location}/" == folder_of(WEIGHTS.digest)


def test_a_container_that_starts_again_hashes_what_is_there_and_fetches_nothing(tmp_path: Path) -> None:
    bucket = bucket_with()
    for _ in range(2):
        Bringing(bucket).bring(wanted(tmp_path))
    assert len(bucket.asked) == 1 + len(FILES)


@pytest.mark.parametrize("how", ["changed", "removed", "added", "a file in its place"])
def test_what_was_altered_since_it_was_checked_is_fetched_anew(tmp_path: Path, how: str) -> None:
    bucket, folder = bucket_with(), tmp_path / "models/chat"
    Bringing(bucket).bring(wanted(tmp_path))
    if how == "changed":
        (folder / "model.safetensors").write_bytes(b"x" * len(FILES["model.safetensors"]))
    elif how == "removed":
        (folder / "config.json").unlink()
    elif how == "added":
        (folder / "pytorch_model.bin").write_bytes(b"x")
    else:
        folder.rename(tmp_path / "elsewhere")
        folder.write_bytes(b"x")
    Bringing(bucket).bring(wanted(tmp_path))
    assert tree(folder) == FILES


def test_adapters_have_folders_of_their_own_also_where_their_digest_is_the_same(tmp_path: Path) -> None:
    bringing = Bringing(bucket_with())
    for name in ("models/chat", "models/adapters/legal", "models/adapters/other"):
        bringing.bring(wanted(tmp_path, name))
        assert tree(tmp_path / name) == FILES


def test_a_source_that_fails_is_asked_again_while_each_attempt_gets_further(tmp_path: Path) -> None:
    content, pauses = FILES["model.safetensors"], Pauses()
    bucket = bucket_with()
    ends = iter([*range(1000, 9001, 1000), len(content)])
    original = bucket.read

    def read(location: str, start: int = 0):  # type: ignore[no-untyped-def]
        if location != LARGE:
            yield from original(location, start)
            return
        end = next(ends)
        yield content[start:end]
        if end < len(content):
            raise SourceError("503 Slow Down")

    bucket.read = read  # type: ignore[method-assign]
    Bringing(bucket, pause=pauses).bring(wanted(tmp_path))
    assert tree(tmp_path / "models/chat") == FILES
    assert len(pauses) == 9 > ATTEMPTS


def test_a_source_that_gives_nothing_more_is_given_up_after_longer_and_longer_pauses(tmp_path: Path) -> None:
    bucket, pauses = bucket_with(b"12345", SourceError("503 Slow Down")), Pauses()
    with pytest.raises(SourceError, match="503"):
        Bringing(bucket, pause=pauses).bring(wanted(tmp_path))
    # A file beside it may come a little further at the first tries, and counts anew then.
    assert pauses[-4:] == [2, 4, 8, 16]
    assert not (tmp_path / "models/chat").exists()


@pytest.mark.parametrize(
    ("large", "error", "rule", "said", "code"),
    [
        (b"x" * 10_000, ContentError, "artifact-checked", "model.safetensors has 10000 bytes and the SHA-256", 1),
        (b"x" * 9_999, ContentError, "artifact-checked", "model.safetensors has 9999 bytes", 1),
        (b"x" * 10_001, ContentError, "artifact-checked", "has more than the 10000 bytes of its manifest", 1),
        (SourceError("no such key", missing=True), SourceError, "artifact-published", "no such key", 1),
        (SourceError("Access Denied"), SourceError, "bucket-answers", "Access Denied", 3),
        (OSError(28, "No space left on device"), DiskFullError, "disk-room", "is full", 3),
        (OSError(5, "Input/output error"), OSError, "volume-works", "/models/chat: OSError", 3),
    ],
)  # fmt: skip
def test_what_fails_says_file_rule_and_fix_and_leaves_no_folder(
    tmp_path: Path, large: bytes | BaseException, error: type[Exception], rule: str, said: str, code: int
) -> None:
    with pytest.raises(error) as failed:
        Bringing(bucket_with(large), pause=Pauses()).bring(wanted(tmp_path))
    found = refusal(wanted(tmp_path), "s3://models", failed.value)
    assert (found.rule, found.code) == (rule, code)
    assert said in found.reason
    assert str(found).startswith(f"{rule}: ")
    assert ". Fix: " in str(found)
    assert not (tmp_path / "models/chat").exists()


def test_the_fix_of_wrong_files_names_the_command_with_digest_and_bucket(tmp_path: Path) -> None:
    found = refusal(wanted(tmp_path), "s3://models-1a2b", ContentError("x"))
    assert f"slipway artifacts verify {WEIGHTS.digest} --bucket models-1a2b" in found.fix


def test_an_altered_manifest_is_refused_before_any_file_is_asked_for(tmp_path: Path) -> None:
    bucket = bucket_with()
    place = f"{WEIGHTS.location}/manifest.json"
    bucket.held[place] = OBJECTS[place].replace(b"10000", b"10001")
    with pytest.raises(ContentError, match=f"manifest.json is altered: .* not {WEIGHTS.digest}"):
        Bringing(bucket).bring(wanted(tmp_path))
    assert bucket.asked == [place]


def test_weights_that_leave_less_than_is_kept_free_are_refused_before_any_file_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = bucket_with()
    free = 5000 + sum(map(len, FILES.values())) - 1
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(DiskFullError, match=f"{free - 5000} are free beyond the 5000 that are kept"):
        Bringing(bucket, keep_free=5000).bring(wanted(tmp_path))
    assert len(bucket.asked) == 1


def test_the_log_says_how_far_it_is_and_how_fast(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bucket = bucket_with()
    original = bucket.read

    def told() -> list[dict[str, object]]:
        return [vars(record)["fields"] for record in caplog.records if record.message == "fetching"]

    def read(location: str, start: int = 0):  # type: ignore[no-untyped-def]
        pieces = original(location, start)
        yield next(pieces)
        while location == LARGE and not any(fields["bytes"] for fields in told()):
            pass
        yield from pieces

    bucket.read = read  # type: ignore[method-assign]
    Bringing(bucket, report_every=0.01).bring(wanted(tmp_path))
    fields = next(fields for fields in told() if fields["bytes"])
    assert fields["of_bytes"] == sum(map(len, FILES.values()))
    assert fields["artifact"] == WEIGHTS.digest
    assert {"percent", "bytes_per_second", "seconds_left", "folder"} <= fields.keys()
    assert caplog.records[-1].message == "fetched and checked"
