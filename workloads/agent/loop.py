"""The agent's loop: look, remember, plan, start what is planned. All deciding is elsewhere, and pure.

The one trap is acting on an old look. A lane counts as busy until its outcome was taken in, and outcomes are taken in
before the look, so no step is planned from a look that is older than the lane's last step.
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

from workloads.agent import journal, recall
from workloads.agent.configuration import Configuration, ConfigurationError, read_configuration
from workloads.agent.disk import Disk
from workloads.agent.document import DocumentSource
from workloads.agent.events import Events
from workloads.agent.executor import Executor
from workloads.agent.metrics import Counters, Gauges
from workloads.agent.planner import plan
from workloads.agent.state import Observed
from workloads.agent.status import Fetching, Situation
from workloads.agent.steps import (
    DISK_STEPS,
    Fetch,
    FetchWeights,
    Forget,
    Outcome,
    SetDefault,
    Step,
    lane,
)
from workloads.agent.torchserve import Refused, TorchServeAway

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
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._document = document
        self._executor = executor
        self._state = state
        self._events = events
        self._interval = interval
        self._longest_retry = longest_retry
        self._clock = clock
        self._memory = journal.load(state)
        self._saved = ""
        self._desired: Configuration | None = None
        self._text: str | None = None
        self._good = state.with_name("configuration.last.json")
        self._error: str | None = None
        self._answered: bool | None = None
        self._busy: dict[str, Step] = {}
        self._outcomes: queue.Queue[Outcome] = queue.Queue()
        self._wake = threading.Event()
        self._reported: dict[object, str] = {}
        self.counters = Counters()
        self.turn: Turn | None = None
        self.turned = time.monotonic()
        """When the last turn ended; before the first, when the agent was made."""

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
        """Until told to stop. Steps that are under way are left: whatever they reach, the next agent goes on from."""
        self._resume()
        while not stop.is_set():
            self._wake.clear()
            self.take_a_turn()
            self.wait(self._interval)

    def take_a_turn(self) -> None:
        """One look, and what follows from it."""
        self._take_in()
        self._read()
        observed = self._look()
        now = self._clock()
        if self._desired is not None:
            self._memory = recall.look(self._desired, observed, self._memory, now)
            for digest in self._memory.unused_weights_since:
                self.disk.weights.cancel(digest)
            for step in plan(self._desired, observed, self._memory, now):
                self._start(step)
        self._save()
        self._publish(observed, now)

    def _take_in(self) -> None:
        while not self._outcomes.empty():
            done = self._outcomes.get_nowait()
            self._busy.pop(lane(done.step), None)
            self._memory = recall.outcome(self._memory, done, self._clock(), self._longest_retry)
            self._report(done)

    def _resume(self) -> None:
        """The configuration that was in force, for an agent that comes back to one it cannot read."""
        text = journal.read_text(self._good)
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
        except ConfigurationError as error:
            self._error = str(error)
            _log.error("the configuration is refused", extra={"fields": {"reason": self._error}})
            self._events.emit("Warning", "ConfigurationRefused", self._error)
            return
        self._error = None
        journal.replace_file(self._good, text)
        _log.info("a configuration is in force", extra={"fields": {"digest": _digest(text)}})

    def _look(self) -> Observed:
        here = Observed(
            answers=False,
            archives=self.disk.archives.present(),
            weights=self.disk.weights.present(),
            begun_weights=self.disk.weights.begun(),
            version_files=self.disk.version_files.present(),
        )
        try:
            models = self._executor.torchserve.describe()
        except (TorchServeAway, Refused) as error:
            self._tell_whether_torchserve_answers(str(error))
            return here
        self._tell_whether_torchserve_answers(None)
        return replace(here, answers=True, models=models)

    def _tell_whether_torchserve_answers(self, silence: str | None) -> None:
        """Once for each change; a turn comes every second."""
        answers = silence is None
        if self._answered is not answers:
            self._answered = answers
            if answers:
                _log.info("TorchServe answers")
            else:
                _log.warning("TorchServe does not answer", extra={"fields": {"reason": silence}})

    def _start(self, step: Step) -> None:
        name = lane(step)
        kind = name.partition(" ")[0]
        running = Counter(busy.partition(" ")[0] for busy in self._busy)
        if name in self._busy or running[kind] >= _AT_ONCE[kind]:
            return
        self._busy[name] = step
        _log.info("begins", extra={"fields": _fields(step)})
        threading.Thread(target=self._run, args=(step,), name=name, daemon=True).start()

    def _run(self, step: Step) -> None:
        self._outcomes.put(self._executor.run(step))
        self._wake.set()

    def _report(self, done: Outcome) -> None:
        kind = type(done.step).__name__
        self.counters.steps[kind, "failed" if done.failure else "done"] += 1
        if done.failure is None:
            _log.info("done", extra={"fields": _fields(done.step)})
            if isinstance(done.step, SetDefault):
                key = done.step.key
                self._events.emit("Normal", "DefaultChanged", f"{key.model} is answered by {key.version}")
            return
        failure = done.failure
        fields = {**_fields(done.step), "stage": failure.stage, "reason": failure.reason}
        _log.error("failed", extra={"fields": fields})
        if isinstance(done.step, DISK_STEPS):
            return
        key = done.step.key
        self.counters.failures[key.model, key.version, failure.stage] += 1
        if self._reported.get(key) != failure.reason:  # the same reason again is no news
            self._reported[key] = failure.reason
            message = f"{key.model} {key.version}: {failure.stage}: {failure.reason}"
            self._events.emit("Warning", "VersionFailed", message)

    def _save(self) -> None:
        text = journal.memory_json(self._memory)
        if text != self._saved and journal.replace_file(self._state, text):
            self._saved = text

    def _publish(self, observed: Observed, now: float) -> None:
        self._reported = {key: said for key, said in self._reported.items() if key in self._memory.records}
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
                turned_at=now,
            ),
            document_digest=_digest(self._text) if self._text and self._error is None else None,
            document_error=self._error,
        )
        self.turned = time.monotonic()

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


def _fields(step: Step) -> dict[str, object]:
    name = type(step).__name__
    if isinstance(step, Forget):
        return {"step": name, "model": step.model, "version": step.version}
    if isinstance(step, DISK_STEPS):
        return {"step": name, "digest": step.digest}
    fields: dict[str, object]
    fields = {"step": name, "model": step.key.model, "version": step.key.version, "digest": step.key.digest}
    return {**fields, "weights": step.weights.digest} if isinstance(step, FetchWeights) else fields


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
