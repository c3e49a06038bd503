"""Parts that many threads bring are hashed in their order."""

import hashlib
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from artifacts.hub.ordered_hash import OrderedHash
from artifacts.storage import StoppedError

PARTS = [b"%d" % number * 1000 for number in range(1, 41)]


def test_parts_that_come_in_any_order_are_hashed_in_theirs() -> None:
    digest = OrderedHash(threading.Event())
    numbered = list(enumerate(PARTS, start=1))
    random.Random(3).shuffle(numbered)  # noqa: S311 (the same each time)
    with ThreadPoolExecutor(max_workers=len(PARTS)) as pool:
        for future in [pool.submit(digest.update, number, part) for number, part in numbered]:
            future.result()
    assert digest.hexdigest() == hashlib.sha256(b"".join(PARTS)).hexdigest()


def test_who_waits_for_a_part_that_never_comes_ends_with_the_work() -> None:
    halt = threading.Event()
    digest = OrderedHash(halt)
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = pool.submit(digest.update, 2, PARTS[1])
        halt.set()
        with pytest.raises(StoppedError):
            waiting.result(timeout=30)
