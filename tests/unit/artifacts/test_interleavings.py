"""Runs at once on one digest, in every order of their requests: what is published is whole at every moment."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import pytest

from artifacts import DigestMismatchError, FileDigest, Kind, NotPublishedError, StorageError, digest_of
from artifacts.manifest import manifest_key, read_manifest
from artifacts.storage import Manner, Source, Target, check, mend, promote, verify
from tests.support.interleaving import Killed, Run, orders, some_orders
from tests.support.memory_s3 import MemoryClient, MemoryS3

RESEARCH, ENVIRONMENT = "research", "environment"
GOOD = {"a": b"alike", "b": b"right"}
ALTERED = {"a": b"alike", "b": b"wrong"}
LONGER = {"a": b"alike", "b": b"right", "c": b"more"}
DIGEST = digest_of(
    Kind.TREE,
    [
        FileDigest(name=name, size=len(body), sha256=hashlib.sha256(body).hexdigest())
        for name, body in GOOD.items()
    ],
)
Doing = Callable[[Source, Target, Manner], Any]


@dataclass(frozen=True)
class Sort:
    """How the bucket and the copies are."""

    versions: bool = True
    unique_etags: bool = False
    in_parts: bool = False

    def __str__(self) -> str:
        words = ("versions", "unique etags", "in parts")
        return ", ".join(w for w, on in zip(words, vars(self).values(), strict=True) if on) or "plain"


SORTS = [
    Sort(),
    *(
        pytest.param(sort, marks=pytest.mark.long)
        for sort in (Sort(versions=False), Sort(unique_etags=True), Sort(in_parts=True))
    ),
]
"""All orders of one sort of bucket take seconds: `make long` tries the others."""


@pytest.fixture(params=SORTS, ids=str)
def sort(request: pytest.FixtureRequest) -> Sort:
    return cast(Sort, request.param)


def bucket(sort: Sort, sources: dict[str, dict[str, bytes]]) -> MemoryS3:
    s3 = MemoryS3(versions=sort.versions, unique_etags=sort.unique_etags)
    for folder, files in sources.items():
        for name, body in files.items():
            s3.write(RESEARCH, f"{folder}/{name}", body, {})
    return s3


def run(
    s3: MemoryS3, sort: Sort, folder: str, doing: Doing = promote, *, killed_at: int | None = None
) -> Run:
    """A run whose requests to the environment's bucket wait for their turn."""

    def work(self: Run) -> Any:
        def gate(operation: str, where: str, key: str) -> None:
            if where == ENVIRONMENT:
                self.gate(operation, where, key)

        client: Any = MemoryClient(s3, gate)
        source = Source(client=client, bucket=RESEARCH, path=folder)
        target = Target(client=client, bucket=ENVIRONMENT, digest=DIGEST)
        return doing(source, target, manner(sort))

    return Run(work, killed_at=killed_at)


def manner(sort: Sort) -> Manner:
    return Manner(workers=1, single_copy_limit=0 if sort.in_parts else 1 << 30, part_size=3)


def target_of(s3: MemoryS3) -> Target:
    client: Any = MemoryClient(s3)
    return Target(client=client, bucket=ENVIRONMENT, digest=DIGEST)


def promote_alone(s3: MemoryS3, sort: Sort, folder: str) -> None:
    client: Any = MemoryClient(s3)
    promote(Source(client=client, bucket=RESEARCH, path=folder), target_of(s3), manner(sort))


def is_published(s3: MemoryS3) -> bool:
    return s3.now(ENVIRONMENT, manifest_key(DIGEST)) is not None


def nothing_is_half(s3: MemoryS3) -> Callable[[], None]:
    """While there is a manifest, each of its files has its bytes."""

    def look() -> None:
        found = s3.now(ENVIRONMENT, manifest_key(DIGEST))
        if found is None:
            return
        for file in read_manifest(found.body, DIGEST, "").files:
            there = s3.now(ENVIRONMENT, target_of(s3).key(file.name))
            assert there is not None, f"{file.name} of a published artifact is gone"
            assert hashlib.sha256(there.body).hexdigest() == file.sha256, f"{file.name} was altered"

    return look


@pytest.mark.parametrize("wrong", [ALTERED, LONGER], ids=["altered", "one file more"])
def test_a_promotion_that_fails_harms_nothing_that_another_one_publishes(
    sort: Sort, wrong: dict[str, bytes]
) -> None:
    worlds: list[MemoryS3] = []

    def world() -> tuple[list[Run], Callable[[], None]]:
        s3 = bucket(sort, {"good": GOOD, "wrong": wrong})
        worlds[:] = [s3]
        return [run(s3, sort, "wrong"), run(s3, sort, "good")], nothing_is_half(s3)

    def at_end(runs: list[Run]) -> None:
        failed, good = runs
        assert good.error is None
        # It may have found the artifact published, and then it does nothing.
        assert failed.error is None or isinstance(failed.error, DigestMismatchError)
        assert verify(target_of(worlds[0])).whole

    assert orders(world, at_end) > 20


def test_two_promotions_of_one_source_publish_it_once_and_both_succeed(sort: Sort) -> None:
    worlds: list[MemoryS3] = []

    def world() -> tuple[list[Run], Callable[[], None]]:
        s3 = bucket(sort, {"good": GOOD})
        worlds[:] = [s3]
        return [run(s3, sort, "good"), run(s3, sort, "good")], nothing_is_half(s3)

    def at_end(runs: list[Run]) -> None:
        first, second = runs
        assert (first.error, second.error) == (None, None)
        assert first.result.published == second.result.published
        assert check(target_of(worlds[0])).whole

    assert orders(world, at_end) > 20


@pytest.mark.long
@pytest.mark.parametrize("sort", [Sort(versions=False), Sort(in_parts=True)], ids=str)
def test_two_sources_with_the_same_files_replace_what_a_third_one_left(sort: Sort) -> None:
    worlds: list[MemoryS3] = []

    def world() -> tuple[list[Run], Callable[[], None]]:
        s3 = bucket(sort, {"good": GOOD, "copy": {}})
        for name, body in GOOD.items():  # uploaded in parts, so under other ETags
            s3.write(RESEARCH, f"copy/{name}", body, {}, parts=1)
        s3.write(ENVIRONMENT, target_of(s3).key("b"), b"stray", {})
        worlds[:] = [s3]
        return [run(s3, sort, "good"), run(s3, sort, "copy")], nothing_is_half(s3)

    def at_end(runs: list[Run]) -> None:
        assert [each.error for each in runs] == [None, None]
        assert verify(target_of(worlds[0])).whole

    assert orders(world, at_end) > 20


@pytest.mark.parametrize("folder", ["good", "wrong"])
def test_a_promotion_killed_before_any_request_harms_neither_another_one_nor_the_next(folder: str) -> None:
    sort = Sort(unique_etags=True)
    for killed_at in range(2, 9):
        worlds: list[MemoryS3] = []

        def world(killed_at: int = killed_at, worlds: list[MemoryS3] = worlds) -> Any:
            s3 = bucket(sort, {"good": GOOD, "wrong": ALTERED})
            worlds[:] = [s3]
            killed = run(s3, sort, folder, killed_at=killed_at)
            return [killed, run(s3, sort, "good")], nothing_is_half(s3)

        def at_end(runs: list[Run], worlds: list[MemoryS3] = worlds) -> None:
            killed, other = runs
            assert killed.error is None or isinstance(killed.error, Killed | DigestMismatchError)
            assert other.error is None
            assert verify(target_of(worlds[0])).whole

        assert orders(world, at_end) > 0


def test_a_source_that_changes_meanwhile_is_published_as_it_was_or_not_at_all() -> None:
    for sort in (Sort(), Sort(in_parts=True)):
        worlds: list[MemoryS3] = []

        def world(sort: Sort = sort, worlds: list[MemoryS3] = worlds) -> Any:
            s3 = bucket(sort, {"good": GOOD})
            worlds[:] = [s3]

            def change(self: Run) -> None:
                self.gate("change", RESEARCH, "good/b")
                s3.write(RESEARCH, "good/b", b"wrong", {})

            def promotion(self: Run) -> None:
                client: Any = MemoryClient(s3, self.gate)
                target = Target(client=client, bucket=ENVIRONMENT, digest=DIGEST)
                promote(Source(client=client, bucket=RESEARCH, path="good"), target, manner(sort))

            return [Run(promotion), Run(change)], nothing_is_half(s3)

        def at_end(runs: list[Run], worlds: list[MemoryS3] = worlds) -> None:
            assert isinstance(runs[0].error, StorageError | DigestMismatchError | None)
            assert (runs[0].error is None) == is_published(worlds[0])

        assert orders(world, at_end) > 5


def test_a_repair_from_a_changed_source_harms_nothing_that_another_run_repairs(sort: Sort) -> None:
    worlds: list[MemoryS3] = []

    def world() -> tuple[list[Run], Callable[[], None]]:
        s3 = bucket(sort, {"good": GOOD, "wrong": ALTERED})
        promote_alone(s3, sort, "good")
        s3.write(ENVIRONMENT, target_of(s3).key("b"), b"damaged", {})
        worlds[:] = [s3]
        return [run(s3, sort, "wrong", mend), run(s3, sort, "good", mend)], lambda: None

    def at_end(runs: list[Run]) -> None:
        assert runs[1].error is None
        assert isinstance(runs[0].error, DigestMismatchError | StorageError | None)
        assert verify(target_of(worlds[0])).whole

    assert orders(world, at_end) > 20


def test_an_artifact_that_is_removed_while_it_is_published_is_there_whole_or_not_at_all(sort: Sort) -> None:
    worlds: list[MemoryS3] = []

    def world() -> tuple[list[Run], Callable[[], None]]:
        s3 = bucket(sort, {"good": GOOD})
        promote_alone(s3, sort, "good")
        worlds[:] = [s3]
        remove = run(s3, sort, "good", lambda _source, target, _manner: target.unpublish())
        return [remove, run(s3, sort, "good")], lambda: None

    def at_end(runs: list[Run]) -> None:
        assert isinstance(runs[0].error, StorageError | None)
        assert isinstance(runs[1].error, NotPublishedError | StorageError | None)
        nothing_is_half(worlds[0])()

    some_orders(world, at_end, times=150, seed=20261129)


def test_looking_at_an_artifact_while_it_is_published_sees_it_whole_or_not_at_all() -> None:
    for look in (check, partial(verify, workers=1)):

        def world(look: Any = look) -> tuple[list[Run], Callable[[], None]]:
            s3 = bucket(Sort(), {"good": GOOD, "wrong": ALTERED})
            looking = run(s3, Sort(), "good", lambda _source, target, _manner: look(target))
            return [looking, run(s3, Sort(), "wrong"), run(s3, Sort(), "good")], nothing_is_half(s3)

        def at_end(runs: list[Run]) -> None:
            assert isinstance(runs[0].error, NotPublishedError | None)
            assert runs[0].error or runs[0].result.whole

        assert orders(world, at_end) > 20
