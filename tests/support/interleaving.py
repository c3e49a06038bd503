"""Every order of the requests of a few runs: each run waits before a request until it is its turn.

Of two neighbouring requests of different runs whose order makes no difference only one order is tried; every other
order has the same outcome as one of those.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_READS = {"get", "head", "list"}
_WAIT_SECONDS = 30


class Killed(BaseException):
    """The run's process is gone: none of its requests is served any more."""


@dataclass
class Request:
    """What a run waits to do."""

    operation: str
    bucket: str
    key: str

    def commutes(self, other: "Request") -> bool:
        """Whether the order of the two makes no difference to anybody."""
        if "change" in (self.operation, other.operation):
            return False
        if self.operation in _READS and other.operation in _READS:
            return True
        if self.bucket != other.bucket:
            return True
        many = {"list", "delete"} & {self.operation, other.operation}
        return not many and self.key != other.key


@dataclass
class Run:
    """One program under the scheduler."""

    work: Callable[["Run"], Any]
    killed_at: int | None = None
    """The request, from 0, that is not served any more."""
    result: Any = None
    error: BaseException | None = None
    waiting: Request | None = None
    ended: bool = False
    served: int = 0
    _turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def gate(self, operation: str, bucket: str, key: str) -> None:
        """Called in place of the request's way to S3."""
        if self.killed_at is not None and self.served >= self.killed_at:
            raise Killed
        self.waiting = Request(operation, bucket, key)
        self._arrived.release()
        self._turn.acquire()
        if self.killed_at == 0:
            raise Killed
        self.served += 1

    def start(self) -> None:
        def body() -> None:
            try:
                self.result = self.work(self)
            except BaseException as error:  # noqa: BLE001 - the test looks at it
                self.error = error
            self.ended = True
            self._arrived.release()

        threading.Thread(target=body, daemon=True).start()
        self.arrive()

    def step(self) -> None:
        """Serves the request that it waits with, and returns once it waits with the next one, or has ended."""
        self.waiting = None
        self._turn.release()
        self.arrive()

    def kill(self) -> None:
        """Ends it, so that no thread of it is left."""
        self.killed_at = 0
        while not self.ended:
            self.step()

    def arrive(self) -> None:
        assert self._arrived.acquire(timeout=_WAIT_SECONDS), "a run waits for something else than its turn"


World = Callable[[], tuple[list[Run], Callable[[], None]]]
"""Makes the runs, and what has to hold after each request."""
AtEnd = Callable[[list[Run]], None]
"""Looks at the runs once all have ended."""


def orders(world: World, at_end: AtEnd) -> int:
    """Tries all orders, each in a world of its own; returns how many there were."""
    done = 0
    unexplored: list[list[int]] = [[]]
    while unexplored:
        prefix = unexplored.pop()
        tried_already = False

        def pick(taken: list[int], able: list[int], choices: list[int], prefix: list[int] = prefix) -> int:
            nonlocal tried_already
            tried_already = tried_already or not choices
            if len(taken) >= len(prefix) and not tried_already:
                unexplored.extend([*taken, other] for other in choices[1:])
            return (prefix[len(taken) :] or choices or able)[0]

        _try(world, at_end, pick)
        done += not tried_already
    return done


def some_orders(world: World, at_end: AtEnd, *, times: int, seed: int) -> None:
    """Tries so many orders, where all are too many; the same ones each time."""
    drawn = random.Random(seed)  # noqa: S311 (no secret)
    for _ in range(times):
        _try(world, at_end, lambda _taken, able, _choices: drawn.choice(able))


def _try(world: World, at_end: AtEnd, pick: Callable[[list[int], list[int], list[int]], int]) -> None:
    runs, invariant = world()
    taken: list[int] = []
    last: tuple[int, Request] | None = None
    for run in runs:
        run.start()
    try:
        while able := [number for number, run in enumerate(runs) if not run.ended]:
            choice = pick(taken, able, _not_tried(runs, able, last))
            request = runs[choice].waiting
            assert request is not None
            last = choice, request
            runs[choice].step()
            taken.append(choice)
            invariant()
        at_end(runs)
    except AssertionError as error:
        error.add_note(f"order: {taken}; " + "; ".join(repr(run.error) for run in runs))
        raise
    finally:
        for run in runs:
            run.kill()


def _not_tried(runs: list[Run], able: list[int], last: tuple[int, Request] | None) -> list[int]:
    """The runs that may go next. One of a lower number whose request could as well have come before the last one did
    come before it in another order."""
    if last is None:
        return able
    before, request = last
    return [number for number in able if number >= before or not _commute(runs[number].waiting, request)]


def _commute(one: Request | None, other: Request) -> bool:
    return one is not None and one.commutes(other)
