"""One request is tried a bounded number of times."""

import threading
from datetime import UTC, datetime

import pytest

from artifacts import HubError
from artifacts.hub.patience import LONGEST_WAIT, MOST_FAILURES, PassingError, Patience, asked_wait
from artifacts.storage import StoppedError


class _Halt(threading.Event):
    """Takes down the waits instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return self.is_set()


def test_pauses_grow_and_tries_end() -> None:
    halt = _Halt()
    patience = Patience(halt=halt, first_pause=1.0)
    for _ in range(MOST_FAILURES - 1):
        patience.wait_out(PassingError("broke"))
    with pytest.raises(HubError, match="broke, 10 times one after the other"):
        patience.wait_out(PassingError("broke"))
    assert halt.waits == [1, 2, 4, 8, 16, 30, 30, 30, 30]


def test_the_hub_s_own_time_counts_where_it_names_one() -> None:
    halt = _Halt()
    Patience(halt=halt, first_pause=1.0).wait_out(PassingError("throttled", wait=LONGEST_WAIT))
    assert halt.waits == [LONGEST_WAIT]


def test_more_time_than_anybody_waits_ends_it_at_once() -> None:
    halt = _Halt()
    with pytest.raises(HubError, match="asks to wait 601 s"):
        Patience(halt=halt, first_pause=1.0).wait_out(PassingError("throttled", wait=LONGEST_WAIT + 1))
    assert halt.waits == []


def test_work_that_has_ended_waits_for_nothing() -> None:
    halt = _Halt()
    halt.set()
    with pytest.raises(StoppedError):
        Patience(halt=halt, first_pause=1.0).wait_out(PassingError("broke"))


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": " 0 "}, 0.0),
        ({"Retry-After": "Sun, 29 Nov 2026 10:00:30 GMT"}, 30.0),
        ({"Retry-After": "Sun, 29 Nov 2026 09:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"RateLimit": '"resolvers";r=0;t=55'}, 55.0),
        ({"Retry-After": "7", "RateLimit": '"resolvers";r=0;t=55'}, 7.0),
    ],
)
def test_the_time_that_an_answer_asks_for_is_read(headers: dict[str, str], wait: float | None) -> None:
    assert asked_wait(headers, now=datetime(2026, 11, 29, 10, tzinfo=UTC)) == wait
