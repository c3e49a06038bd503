"""kill -9 of a promotion, at any of its requests: no reader ever sees half, and the next run goes on from there."""

import os
import random
import signal
import subprocess
import sys
import threading
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from artifacts.storage import check, promote, verify

REPOSITORY = Path(__file__).parents[3]
KILLS = 10
SEED = 20261122
CONTENTS = {f"shards/{number:02}.bin": b"%d" % number * 1000 for number in range(24)} | {
    "large.bin": b"x" * (11 << 20)
}
PROMOTER = """
import sys
from artifacts.storage import Manner, Source, Target, make_client, promote
endpoint, research, environment, digest = sys.argv[1:]
client = make_client(region="eu-west-1", endpoint=endpoint, workers=4)
source = Source(client=client, bucket=research, path="models/fr")
target = Target(client=client, bucket=environment, digest=digest)
promote(source, target, Manner(workers=4, single_copy_limit=1 << 20, part_size=5 << 20))
"""


def promoter(place: Any) -> "subprocess.Popen[bytes]":
    words = [place.s3.url, place.source.bucket, place.target.bucket, place.target.digest]
    return subprocess.Popen([sys.executable, "-c", PROMOTER, *words], cwd=REPOSITORY)


def run_until(place: Any, request: int) -> int:
    """Runs a promotion that is killed as it sends the given request; returns its exit code."""
    lock, sent = threading.Lock(), [0]
    process: list[subprocess.Popen[bytes]] = []
    started = threading.Event()

    def kill(_operation: str, _key: str) -> None:
        started.wait()
        with lock:
            sent[0] += 1
            if sent[0] == request:
                os.kill(process[0].pid, signal.SIGKILL)

    place.s3.hook = kill
    process.append(promoter(place))
    started.set()
    code = process[0].wait(timeout=120)
    place.s3.hook = lambda _operation, _key: None
    return code


def manifest_is_there(place: Any) -> bool:
    return place.s3.stored(place.target.bucket, f"artifacts/{place.target.digest}/manifest.json") is not None


def into_a_new_bucket(place: Any) -> Any:
    bucket = place.s3.make_bucket(f"environment-{uuid.uuid4().hex[:8]}", versions=True)
    return replace(place, target=replace(place.target, bucket=bucket))


def test_a_promotion_killed_at_ten_random_points_shows_nothing_or_all_and_goes_on(make: Any) -> None:
    place = make(CONTENTS)
    assert promoter(place).wait(timeout=120) == 0
    requests = sum(place.asked().values())
    points = random.Random(SEED).sample(range(1, requests + 1), KILLS)  # noqa: S311 (the same each time)
    for point in points:
        killed = into_a_new_bucket(place)
        assert run_until(killed, point) == -signal.SIGKILL, f"request {point} of {requests} was not sent"
        kept = len(
            killed.target.listing()
        )  # at least: the server may still serve what was sent before the kill
        if manifest_is_there(killed):
            assert check(killed.target).whole
            assert verify(killed.target).whole
        else:
            manner = killed.manner(single_copy_limit=1 << 20, part_size=5 << 20)
            assert promote(killed.source, killed.target, manner).copied <= len(CONTENTS) - kept
        assert verify(killed.target).whole


def test_what_was_copied_before_the_kill_is_not_copied_again(make: Any) -> None:
    contents = {name: body for name, body in CONTENTS.items() if name != "large.bin"}
    place = make(contents)
    assert run_until(place, 15) == -signal.SIGKILL
    kept = len(place.target.listing())
    assert 0 < kept < len(contents)
    assert not manifest_is_there(place)
    assert promote(place.source, place.target, place.manner()).copied <= len(contents) - kept
    assert verify(place.target).whole


def test_a_kill_just_as_the_manifest_is_written_leaves_it_whole_or_absent(make: Any) -> None:
    place = make()
    process: list[subprocess.Popen[bytes]] = []
    started = threading.Event()

    def kill(operation: str, key: str) -> None:
        started.wait()
        if operation == "PUT" and key.endswith("manifest.json"):
            os.kill(process[0].pid, signal.SIGKILL)

    place.s3.hook = kill
    process.append(promoter(place))
    started.set()
    assert process[0].wait(timeout=120) == -signal.SIGKILL
    place.s3.hook = lambda _operation, _key: None
    promote(place.source, place.target, place.manner())
    assert check(place.target).whole
