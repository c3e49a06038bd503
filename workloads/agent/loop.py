"""The agent's loop: look, remember, plan, start what is planned. All deciding is elsewhere, and pure.

The one trap is acting on an old look. A lane counts as busy until its outcome was taken in, and outcomes are taken in
before the look, so no step is planned from a look that is older than the lane's last step.

Each part of a turn that raises is logged, counted and left out; the others follow. What is read from outside reaches
every pod at once, so no content may end the process, and readiness is judged on a new look all the same.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workloads.agent import journal, recall
from workloads.agent.configuration import Configuration, read_configuration
from workloads.agent.disk import Disk
from workloads.agent.document import DocumentSource, text_of
from workloads.agent.events import Events
from workloads.agent.executor import Executor
from workloads.agent.fields import ConfigurationError
from workloads.agent.metrics import Counters, Gauges
from workloads.agent.planner import plan
from workloads.agent.reporting import Reporter, fields
from workloads.agent.state import Observed
from workloads.agent.status import Fetching, Situation
from workloads.agent.steps import (
    Fetch,
    FetchWeights,
    Outcome,
    Step,
    lane,
)
from workloads.agent.torchserve import Refused, TorchServeAway
from workloads.artifacts.bounded import printable

_AT_ONCE = {"archive": 2, "weights": 2, "model": 4, "default": 100}
"""Lanes of a kind that run together: downloads share a network, loading models shares CPUs and GPUs."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Turn:
    """What one turn of the loop leaves for those who ask. Never changed, only replaced."""

    situation: Situation
    gauges: Gauges
    document_digest: str | None
    """sha256 of the text in force."""
    document_error: str | None
    """Why the newest text is not in force."""
    counters: Counters


class Agent:
    """Makes TorchServe match its configuration."""

    def __init__(
        self,
        document: DocumentSource,
        executor: Executor,
        state: Path,
        events: Events,
        *,
        interval: float = 1.0,
        longest_retry: float = recall.LONGEST_RETRY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` gives the seconds that graces and pauses are counted in. It goes on across a restart of the agent,
        and nobody sets it."""
        self._document = document
        self._executor = executor
        self._state = state
        self._reporter = Reporter(events)
        self._interval = interval
        self._longest_retry = longest_retry
        self._clock = clock
        self._boot = journal.boot()
        self._memory = journal.load(state, clock())
        self._saved = ""
        self._unsaved_good: str | None = None
        """The text in force, until the disk has taken it."""
        self._desired: Configuration | None = None
        self._text: str | None = None
        self._good = state.with_name("configuration.last.json")
        self._error: str | None = None
        self._busy: dict[str, Step] = {}
        self._outcomes: queue.Queue[Outcome] = queue.Queue()
        self._wake = threading.Event()
        self.counters = self._reporter.counters
        self.turn: Turn | None = None
        self.turned = self.completed = time.monotonic()
        """When the last turn ended, and the last that published what it saw; at first, when the agent was made."""

    @property
    def disk(self) -> Disk:
        """What lies on the volume."""
        return self._executor.disk

    def wake(self) -> None:
        """Turn at once: something changed."""
        self._wake.set()

    def wait(self, seconds: float) -> None:
        """Until something changed, or the seconds are over."""
        self._wake.wait(seconds)

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set. Steps that are under way are left: whatever they reach, the next agent goes on from
        there."""
        self._reporter.guarded("resume", self._resume)
        while not stop.is_set():
            self._wake.clear()
            self.take_a_turn()
            self.wait(self._interval)

    def take_a_turn(self) -> None:
        """One look, and what follows from it. Never raises."""
        self._reporter.guarded("turn", self._turn)
        self.turned = time.monotonic()

    def _turn(self) -> None:
        self._reporter.guarded("outcomes", self._take_in)
        self._reporter.guarded("configuration", self._read)
        observed = self._look()
        now = self._clock()
        self._reporter.guarded("plan", lambda: self._act(observed, now))
        self._reporter.guarded("journal", self._save)
        self._publish(observed, now)
        self.completed = time.monotonic()

    def _act(self, observed: Observed, now: float) -> None:
        if self._desired is None:
            return
        self._memory = recall.look(self._desired, observed, self._memory, now)
        for digest in self._memory.unused_weights_since:
            self.disk.weights.cancel(digest)
        for step in plan(self._desired, observed, self._memory, now):
            self._start(step)

    def _take_in(self) -> None:
        while not self._outcomes.empty():
            done = self._outcomes.get_nowait()
            self._busy.pop(lane(done.step), None)
            self._memory = recall.outcome(self._memory, done, self._clock(), self._longest_retry)
            self._reporter.outcome(done)

    def _resume(self) -> None:
        """The configuration that was in force, for an agent that comes back to one it cannot read."""
        text = text_of(self._good)
        if text is not None:
            try:
                self._desired = read_configuration(text)
            except ConfigurationError as error:
                _log.warning(
                    "the last configuration is not readable", extra={"fields": {"reason": str(error)}}
                )

    def _read(self) -> None:
        text = self._document.text()
        if text is None or text == self._text:
            return
        self._text = text
        try:
            self._desired = read_configuration(text)
        except Exception as error:  # noqa: BLE001 - whatever it is about the text, the one before stays in force
            self._error = str(error) if isinstance(error, ConfigurationError) else repr(error)
            self._reporter.refused(self._error)
            return
        self._error = None
        self._unsaved_good = text
        _log.info("a configuration is in force", extra={"fields": {"digest": _digest(text)}})

    def _look(self) -> Observed:
        here = self._look_at_disk()
        try:
            models = self._executor.torchserve.describe()
        except Exception as error:  # noqa: BLE001 - whatever it answers, it is no description
            expected = isinstance(error, (TorchServeAway, Refused))
            self._reporter.torchserve(str(error) if expected else repr(error))
            return here
        self._reporter.torchserve(None)
        return replace(here, answers=True, models=models)

    def _look_at_disk(self) -> Observed:
        found: dict[str, Any] = {}

        def see(what: str, look: Callable[[], Any]) -> None:
            def note() -> None:
                found[what] = look()

            self._reporter.guarded("disk", note)

        see("archives", self.disk.archives.present)
        see("weights", self.disk.weights.present)
        see("begun_weights", self.disk.weights.begun)
        see("version_files", self.disk.version_files.present)
        return Observed(answers=False, **found)

    def _start(self, step: Step) -> None:
        name = lane(step)
        kind = name.partition(" ")[0]
        running = Counter(busy.partition(" ")[0] for busy in self._busy)
        if name in self._busy or running[kind] >= _AT_ONCE[kind]:
            return
        self._busy[name] = step
        _log.info("begins", extra={"fields": fields(step)})
        try:
            threading.Thread(target=self._run, args=(step,), name=name, daemon=True).start()
        except RuntimeError:  # there is no thread left: the next turn tries again
            del self._busy[name]
            raise

    def _run(self, step: Step) -> None:
        self._outcomes.put(self._executor.run(step))
        self._wake.set()

    def _save(self) -> None:
        if self._unsaved_good is not None and journal.replace_file(self._good, self._unsaved_good):
            self._unsaved_good = None
        text = journal.memory_json(self._memory, self._boot)
        if text != self._saved and journal.replace_file(self._state, text):
            self._saved = text

    def _publish(self, observed: Observed, now: float) -> None:
        self._reporter.forget_all_but(self._memory.records)
        self.turn = Turn(
            situation=Situation(
                desired=self._desired,
                observed=observed,
                memory=self._memory,
                now=now,
                fetching=self._fetching(),
            ),
            gauges=Gauges(
                configuration_valid=self._error is None,
                free_bytes=self.disk.archives.free_bytes(),
                turned_at=time.time(),
            ),
            document_digest=_digest(self._text) if self._text and self._error is None else None,
            document_error=self._error,
            counters=self.counters.copied(),
        )

    def _fetching(self) -> dict[str, Fetching]:
        found = {}
        for step in self._busy.values():
            if isinstance(step, Fetch):
                found[step.key.digest] = Fetching("archive")
            elif isinstance(step, FetchWeights):
                found[step.weights.digest] = Fetching(
                    "weights", *self.disk.weights.progress(step.weights.digest)
                )
        return found


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(printable(text)).hexdigest()}"
