"""Runs at once on one digest, in every order of their requests: what is published is whole at every moment."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest

from artifacts import DigestMismatchError, FileDigest, Kind, NotPublishedError, StorageError, digest_of
from artifacts.manifest import manifest_key, read_manifest
from artifacts.storage import Manner, Source, Target, check, mend, promote, verify
from tests.support.interleaving import Killed, Run, orders
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


SORTS = [Sort(), Sort(versions=False), Sort(unique_etags=True), Sort(in_parts=True)]


@pytest.fixture(params=SORTS, ids=str)
def sort(request: pytest.FixtureRequest) -> Sort:
    return cast(Sort, request.param)


def bucket(sort: Sort, sources: dict[str, dict[str, bytes]]) -> MemoryS3:
    s3 = MemoryS3(versions=sort.versions, unique_etags=sort.unique_etags)
    for folder, files in sources.items():
        for name, body in files.items():
            s3.write(RESEARCH, f"{folder}/{name}", body, {})
    return s3


def run(s3: MemoryS3, sort: Sort, folder: str, doing: Doing = promote, *, killed_at: int | None = None) -> Run:
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
