"""Many workers share many items, and one end ends them all."""

import threading
from collections.abc import Iterator

import pytest

from artifacts.storage.parallel import in_parallel


def test_results_come_in_the_order_of_the_items() -> None:
    results = in_parallel(lambda item: item * item, range(100), workers=8, stop=threading.Event())
    assert results == [item * item for item in range(100)]


def test_a_failure_ends_work_that_waits() -> None:
    ended = threading.Event()

    def work(item: int) -> None:
        if item == 1:
            raise ValueError("the second item")
        ended.wait()

    with pytest.raises(ValueError, match="the second item"):
        in_parallel(work, range(2), workers=2, stop=threading.Event(), ended=ended)


def test_ctrl_c_while_items_begin_ends_work_that_waits() -> None:
    ended, began = threading.Event(), threading.Event()

    def work(_: int) -> None:
        began.set()
        ended.wait()

    def items() -> Iterator[int]:
        yield 0
        began.wait()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_parallel(work, items(), workers=2, stop=threading.Event(), ended=ended)
