"""A bounded number of workers over many items: the first failure, or a stop, ends the rest."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TypeVar

from artifacts.errors import StorageError

Item = TypeVar("Item")
Result = TypeVar("Result")


class StoppedError(StorageError):
    """Somebody asked for an end, as with Ctrl-C."""

    def __init__(self) -> None:
        super().__init__(
            "stopped before the end; nothing was published. Run it again: what was copied is kept"
        )


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far it is."""

    files: int
    files_total: int
    size: int
    """Bytes done."""
    size_total: int
    """Bytes in all."""


Report = Callable[[Progress], None]


def report_nothing(_: Progress) -> None:
    """For whoever does not wait."""


@dataclass
class Tally:
    """Adds up what many threads have done, and reports each step to one callback, one at a time."""

    files_total: int
    size_total: int
    report: Report
    _files: int = 0
    _size: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *, size: int, files: int = 0) -> None:
        """Bytes, and files that are whole now."""
        with self._lock:
            self._files += files
            self._size += size
            done = Progress(
                files=self._files, files_total=self.files_total, size=self._size, size_total=self.size_total
            )
            self.report(done)


def in_parallel(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    stop: threading.Event,
    ended: threading.Event | None = None,
) -> list[Result]:
    """The results in the order of the items. Items begin in that order.

    `ended` is set as soon as one item has failed or Ctrl-C was pressed: work that waits for something looks at it.

    Raises:
        StoppedError: `stop` was set before all were done.
        Exception: what the first failing item raised; items that had not begun are left out.
    """
    ended = threading.Event() if ended is None else ended

    def one(item: Item) -> Result:
        if stop.is_set() or ended.is_set():
            raise StoppedError
        try:
            return work(item)
        except BaseException:
            ended.set()
            raise

    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="artifact") as pool:
        futures: list[Future[Result]] = []
        try:
            futures.extend(pool.submit(one, item) for item in items)
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        except BaseException:  # Ctrl-C, also while items begin: what has not begun shall not
            ended.set()
            raise
        finally:
            for future in futures:
                future.cancel()
        failures = [error for future in done if not future.cancelled() and (error := future.exception())]
        told = [error for error in failures if not isinstance(error, StoppedError)]
        if failures:
            raise (told or failures)[0]
        return [future.result() for future in futures]
