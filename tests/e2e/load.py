"""Constant load: every model is asked at a steady pace, and every answer is kept with its moments."""

import http.client
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from tests.e2e.waiting import until


@dataclass(frozen=True)
class Answer:
    """One request, from its first byte to its last."""

    model: str
    began: float
    ended: float
    status: int
    """0 where nobody answered."""
    text: str

    @property
    def version(self) -> str:
        """Who answered: `language|version|code`."""
        return self.text.split("|")[1]

    @property
    def milliseconds(self) -> float:
        return (self.ended - self.began) * 1000


class Load:
    """One caller for each model, each on its own connection."""

    def __init__(self, port: int, models: Iterable[str], *, every: float = 0.02) -> None:
        self._port = port
        self._every = every
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(model,), daemon=True) for model in models]
        self.answers: list[Answer] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def more(self, count: int = 100) -> float:
        """Waits until every model has answered that often since now; the moment it was then."""
        before = len(self.answers)
        models = len(self._threads)
        until(lambda: len(self.answers) - before >= count * models, "callers are answered")
        return time.monotonic()

    def failures(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.status != http.client.OK]

    def _call(self, model: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        due = time.monotonic()
        while not self._stop.is_set():
            answer = self._ask(connection, model)
            if answer.status == 0:
                connection.close()
            self.answers.append(answer)
            due = max(due + self._every, time.monotonic())
            self._stop.wait(due - time.monotonic())
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, model: str) -> Answer:
        began = time.monotonic()
        try:
            connection.request("POST", f"/predictions/{model}", b"hello", {"Content-Type": "text/plain"})
            response = connection.getresponse()
            status, text = response.status, response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            status, text = 0, repr(error)
        return Answer(model=model, began=began, ended=time.monotonic(), status=status, text=text)


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def figures(name: str, answers: Sequence[Answer]) -> str:
    """One line: requests, failures, p50, p99."""
    failed = sum(answer.status != http.client.OK for answer in answers)
    times = [answer.milliseconds for answer in answers]
    if not times:
        return f"{name:<28} no requests"
    return (
        f"{name:<28} {len(answers):>6} requests {failed:>4} failed"
        f"  p50 {percentile(times, 0.5):6.1f} ms  p99 {percentile(times, 0.99):7.1f} ms"
    )
