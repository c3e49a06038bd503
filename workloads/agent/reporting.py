"""What the agent says of itself: log lines, events of the pod, counters. The same reason again is said once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Container

from workloads.agent.configuration import Key
from workloads.agent.events import Events
from workloads.agent.metrics import Counters
from workloads.agent.steps import DISK_STEPS, FetchWeights, Forget, Outcome, SetDefault, Step

_log = logging.getLogger(__name__)


class Reporter:
    """Reports for one agent. It is used by the loop's thread alone."""

    def __init__(self, events: Events) -> None:
        self.counters = Counters()
        self._events = events
        self._said: dict[Key | str, str] = {}
        """The last reason, by key or by part of the turn."""

    def guarded(self, part: str, do: Callable[[], None]) -> None:
        """Do a part of a turn. What it raises is counted and logged, and the turn goes on."""
        try:
            do()
        except Exception as error:  # noqa: BLE001 - nothing that is read from outside may end the process
            self.counters.errors[part] += 1
            if self._is_news(f"error in {part}", repr(error)):
                _log.exception("a part of a turn failed", extra={"fields": {"part": part}})

    def torchserve(self, silence: str | None) -> None:
        """Say whether TorchServe answers (None) or why not, once for each change."""
        if not self._is_news("torchserve", "silent" if silence is not None else "answers"):
            return
        if silence is None:
            _log.info("TorchServe answers")
        else:
            _log.warning("TorchServe does not answer", extra={"fields": {"reason": silence}})

    def refused(self, reason: str) -> None:
        """Say why a configuration is not in force."""
        _log.error("the configuration is refused", extra={"fields": {"reason": reason}})
        self._events.emit("Warning", "ConfigurationRefused", reason)

    def outcome(self, done: Outcome) -> None:
        """Say what came of a step."""
        kind = type(done.step).__name__
        self.counters.steps[kind, "failed" if done.failure else "done"] += 1
        if done.failure is None:
            _log.info("done", extra={"fields": fields(done.step)})
            if isinstance(done.step, SetDefault):
                key = done.step.key
                self._events.emit("Normal", "DefaultChanged", f"{key.model} is answered by {key.version}")
            return
        failure = done.failure
        shown = {**fields(done.step), "stage": failure.stage, "reason": failure.reason}
        _log.error("failed", extra={"fields": shown})
        if isinstance(done.step, DISK_STEPS):
            return
        key = done.step.key
        self.counters.failures[key.model, key.version, failure.stage] += 1
        if self._is_news(key, failure.reason):
            message = f"{key.model} {key.version}: {failure.stage}: {failure.reason}"
            self._events.emit("Warning", "VersionFailed", message)

    def forget_all_but(self, keys: Container[Key]) -> None:
        """Drop what was said of versions that are gone."""
        self._said = {
            about: said for about, said in self._said.items() if isinstance(about, str) or about in keys
        }

    def _is_news(self, about: Key | str, reason: str) -> bool:
        before, self._said[about] = self._said.get(about), reason
        return before != reason


def fields(step: Step) -> dict[str, object]:
    """Return what a log line says of the step."""
    name = type(step).__name__
    if isinstance(step, Forget):
        return {"step": name, "model": step.model, "version": step.version}
    if isinstance(step, DISK_STEPS):
        return {"step": name, "digest": step.digest}
    key = step.key
    shown: dict[str, object]
    shown = {"step": name, "model": key.model, "version": key.version, "digest": key.digest}
    return {**shown, "weights": step.weights.digest} if isinstance(step, FetchWeights) else shown
