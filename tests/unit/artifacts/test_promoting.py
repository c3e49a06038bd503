"""What a promotion does about others that write into its place meanwhile, request by request, on S3 in memory."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from artifacts import DigestMismatchError, StorageError
from artifacts.manifest import manifest_key
from artifacts.storage import (
    Forecast,
    Manner,
    Progress,
    Promotion,
    Source,
    StoppedError,
    Target,
    check,
    foresee,
    mend,
    promote,
    promotion,
)
from artifacts.storage.source import list_source
from tests.support.memory_s3 import MemoryClient, MemoryS3
from tests.unit.artifacts.test_interleavings import ALTERED, DIGEST, ENVIRONMENT, GOOD, LONGER, RESEARCH

MANIFEST = manifest_key(DIGEST)
Hook = Callable[[str, str], None]


class Place:
    """A research bucket, and an environment's, which is empty; a hook sees each request before it is served."""

    def __init__(self) -> None:
        self.s3 = MemoryS3()
        for folder, files in (("good", GOOD), ("wrong", ALTERED), ("longer", LONGER)):
            for name, body in files.items():
                self.s3.write(RESEARCH, f"{folder}/{name}", body, {})
        self.hook: Hook = lambda _operation, _key: None
        self.requests: Counter[str] = Counter()
        client: Any = MemoryClient(self.s3, self._gate)
        self.source = Source(client=client, bucket=RESEARCH, path="good")
        self.target = Target(client=client, bucket=ENVIRONMENT, digest=DIGEST)

    def _gate(self, operation: str, bucket: str, key: str) -> None:
        if bucket == ENVIRONMENT:
            what = f"{operation} manifest" if key == MANIFEST else operation
            self.requests[what] += 1
            self.hook(what, key)

    def promote(self, folder: str = "good") -> Promotion:
        return promote(replace(self.source, path=folder), self.target, Manner(workers=1))

    def mend(self) -> Promotion:
        return mend(self.source, self.target, Manner(workers=1))

    def write(self, name: str, body: bytes) -> None:
        """Somebody writes there."""
        self.s3.write(ENVIRONMENT, self.target.key(name), body, {})

    def remove(self, name: str) -> None:
        self.s3.delete(ENVIRONMENT, self.target.key(name))

    def held(self) -> dict[str, bytes]:
        prefix = self.target.files
        found = {key: self.s3.now(ENVIRONMENT, key) for key in self.s3.keys(ENVIRONMENT, prefix)}
        return {key.removeprefix(prefix): stored.body for key, stored in found.items() if stored}

    def at(self, what: str, numbers: set[int], do: Callable[[], None]) -> None:
        """Do it before the first, second … request of a kind."""

        def hook(asked: str, _key: str) -> None:
            if asked == what and self.requests[what] in numbers:
                do()

        self.hook = hook


@pytest.fixture
def place() -> Place:
    return Place()


def test_a_promotion_counts_what_it_copied_and_not_what_was_there(place: Place) -> None:
    first = place.promote()
    assert (first.copied, first.copied_size) == (2, 10)
    assert place.promote() == Promotion(published=first.published, copied=0, copied_size=0)
    place.write("b", b"damage")
    repaired = place.mend()
    assert (repaired.copied, repaired.copied_size) == (1, 5)
    assert check(place.target).whole


def test_a_forecast_is_of_the_source_until_it_is_published_and_of_the_manifest_then(place: Place) -> None:
    assert foresee(place.source, place.target) == Forecast(files=2, size=10, published=False)
    place.promote()
    gone = replace(place.source, path="nowhere")
    assert foresee(gone, place.target) == Forecast(files=2, size=10, published=True)


@pytest.mark.parametrize("doing", [promote, mend])
def test_whoever_asks_for_an_end_gets_it_and_whoever_says_nothing_gets_the_whole(
    place: Place, doing: Callable[..., Promotion]
) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        doing(place.source, place.target, Manner(stop=stop))
    assert doing(place.source, place.target).copied == 2


def test_progress_is_of_all_files_and_bytes_of_the_source(place: Place) -> None:
    steps: list[Progress] = []
    promote(place.source, place.target, Manner(workers=1, report=steps.append))
    assert {(step.files_total, step.size_total) for step in steps} == {(2, 10)}
    assert (steps[-1].files, steps[-1].size) == (2, 10)


@pytest.mark.parametrize(
    ("workers", "limit", "of_each"),
    [(8, 4, 4), (8, 5, 8), (1, 4, 1), (3, 4, 1)],
    ids=["two large files", "none is larger than the limit", "fewer workers than files", "no whole share"],
)
def test_workers_are_shared_among_the_files_that_are_copied_in_parts(
    place: Place, workers: int, limit: int, of_each: int
) -> None:
    manner = Manner(workers=workers, single_copy_limit=limit)
    copier = promotion._copier(place.source, place.target, list_source(place.source), manner, None)
    assert copier.part_workers == of_each


def test_a_stray_file_goes_before_the_manifest_comes(place: Place) -> None:
    place.write("stray", b"x")
    seen: list[set[str]] = []
    place.hook = lambda what, _key: seen.append(set(place.held())) if what == "put manifest" else None
    place.promote()
    assert seen == [{"a", "b"}]


def test_a_promotion_that_nobody_disturbs_writes_one_manifest(place: Place) -> None:
    place.promote()
    assert place.requests["put manifest"] == 1
    assert place.requests["copy"] == 2


@pytest.mark.parametrize("what", ["removed", "replaced"])
def test_a_file_that_changes_just_before_the_manifest_is_repaired_and_named_by_a_new_one(
    place: Place, what: str
) -> None:
    meddle = (lambda: place.remove("a")) if what == "removed" else (lambda: place.write("a", b"stray"))
    place.at("put manifest", {1}, meddle)
    done = place.promote()
    assert place.requests["put manifest"] == 2
    assert place.held() == GOOD
    assert check(place.target).whole
    assert done.published == place.target.published(), "what is returned is the manifest that is there"
    listing = place.target.listing()
    assert {f.name: f.version_id for f in done.published.manifest.files} == {
        name: stored.version_id for name, stored in listing.items()
    }


def test_a_repair_is_named_though_a_stray_file_came_after_it(place: Place) -> None:
    """Both are seen after the manifest was written: the loss by the first listing, the stray file by the second."""
    place.at("put manifest", {1}, lambda: place.remove("a"))
    before = place.hook

    def hook(what: str, key: str) -> None:
        before(what, key)
        if what == "copy" and place.requests["put manifest"] == 1:
            place.write("stray", b"x")

    place.hook = hook
    done = place.promote()
    assert place.held() == GOOD
    listing = place.target.listing()
    assert {f.name: f.version_id for f in done.published.manifest.files} == {
        name: stored.version_id for name, stored in listing.items()
    }


def test_what_somebody_removes_twice_is_outlasted_and_three_times_is_given_up(place: Place) -> None:
    place.at("list", {2, 3}, lambda: place.remove("a"))
    place.promote()
    assert check(place.target).whole

    again = Place()
    again.at("list", {2, 3, 4}, lambda: again.remove("a"))
    with pytest.raises(StorageError, match=r"somebody else writes there again and again, e\.g\. 'a'\. Fix: "):
        again.promote()
    assert again.target.published() is None


def test_strangers_that_come_again_and_again_are_named_before_what_they_removed(place: Place) -> None:
    def meddle() -> None:
        place.remove("a")
        for name in ("stranger 1", "stranger 2"):
            place.write(name, b"x")

    place.at("list", {2, 3, 4}, meddle)
    with pytest.raises(StorageError) as given_up:
        place.promote()
    assert str(given_up.value).startswith(f"{place.target}: ")
    assert "e.g. 'stranger 1'." in str(given_up.value)


def test_files_that_change_before_each_of_three_manifests_are_given_up(place: Place) -> None:
    place.at("put manifest", {1, 2}, lambda: place.write("a", b"x" * place.requests["put manifest"]))
    place.promote()
    assert place.requests["put manifest"] == 3
    again = Place()
    again.at("put manifest", {1, 2, 3}, lambda: again.write("a", b"x" * again.requests["put manifest"]))
    with pytest.raises(StorageError, match=r"e\.g\. its files\. Fix: "):
        again.promote()
    assert again.requests["put manifest"] == 3


def refused(place: Place, folder: str) -> DigestMismatchError:
    with pytest.raises(DigestMismatchError) as error:
        place.promote(folder)
    return error.value


def test_what_a_failed_promotion_copied_is_counted_in_a_note(place: Place) -> None:
    error = refused(place, "wrong")
    said = f"2 files that were copied stay unpublished below {place.target}"
    assert error.__notes__ == [
        f"{said}; the next run from the right source takes over or removes each of them"
    ]
    assert place.held() == ALTERED
    assert not hasattr(refused(place, "wrong"), "__notes__"), "this one copied nothing"
    place.remove("b")
    assert refused(place, "wrong").__notes__[0].startswith("1 files that were copied")


def test_a_failed_promotion_takes_back_what_it_wrote_below_an_artifact_that_another_one_published(
    place: Place,
) -> None:
    """It copied a and b, which the other one took over, and copies c after that has looked for strangers."""

    def overtake(what: str, _key: str) -> None:
        if what == "copy" and place.requests["copy"] == 3:
            place.hook = lambda _what, _key: None
            assert place.promote().copied == 0

    place.hook = overtake
    error = refused(place, "longer")
    assert not hasattr(error, "__notes__"), "nothing stays"
    assert place.requests["copy"] == 3
    assert place.held() == GOOD
    assert check(place.target).whole


def test_a_look_that_is_refused_leaves_the_digest_as_what_went_wrong(place: Place) -> None:
    def forbid(what: str, _key: str) -> None:
        if what == "get manifest" and place.requests["get manifest"] == 2:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")

    place.hook = forbid
    (note,) = refused(place, "wrong").__notes__
    assert note.startswith(f"2 files that were copied stay unpublished below {place.target}: ")
    assert "AccessDenied" in note
