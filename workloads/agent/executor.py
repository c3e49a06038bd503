"""Does one step, and turns whatever goes wrong into a reason that says whose fault it is."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from workloads.agent.configuration import Archive, Key, Version
from workloads.agent.contents import Inside, look_inside
from workloads.agent.disk import Disk
from workloads.agent.limits import LONGEST_REASON
from workloads.agent.state import Failure
from workloads.agent.steps import (
    Collect,
    CollectWeights,
    Fetch,
    FetchWeights,
    Forget,
    Load,
    Outcome,
    Register,
    Restart,
    SetDefault,
    Step,
    Unregister,
    Warm,
)
from workloads.agent.torchserve import Refused, TorchServe, TorchServeAway
from workloads.agent.worker_log import last_reason
from workloads.artifacts.port import ContentError, DiskFullError, SourceError

_POLL = 0.1
_BEYOND = timedelta(seconds=10)
"""TorchServe counts a timeout from when it begins; the agent waits a little longer."""

_NO_SPACE = "No space left on device"
"""What Java says when it unpacks an archive onto a full disk."""


@dataclass(frozen=True)
class Executor:
    """Acts on the disk and on TorchServe. Threads may share one."""

    disk: Disk
    torchserve: TorchServe
    worker_log: Path | None = None
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def run(self, step: Step) -> Outcome:
        """Never raises, whatever the step meets."""
        return Outcome(step, _shortened(self._attempt(step)))

    def _attempt(self, step: Step) -> Failure | None:
        try:
            return self._run(step)
        except TorchServeAway as error:
            return Failure(_stage(step), f"TorchServe is away: {error}", own_fault=False)
        except DiskFullError as error:
            return Failure("disk", str(error), own_fault=False)
        except Exception as error:  # noqa: BLE001 - a thread that dies would leave its model unattended
            return Failure(_stage(step), f"{type(error).__name__}: {error}", own_fault=False)

    def _run(self, step: Step) -> Failure | None:
        if isinstance(step, Fetch):
            archive = Archive(digest=step.key.digest, location=step.location)
            return _fetching(lambda: self.disk.archives.fetch(archive))
        if isinstance(step, FetchWeights):
            return _fetching(lambda: self.disk.weights.fetch(step.weights))
        if isinstance(step, (Collect, CollectWeights, Forget)):
            self._delete(step)
            return None
        if isinstance(step, Register):
            return self._register(step)
        if isinstance(step, Load):
            self.disk.version_files.write_missing(step.key, step.spec)
            return self._load(step.key, step.spec, "load")
        if isinstance(step, Warm):
            return self._warm(step)
        if isinstance(step, Restart):
            self.torchserve.scale(step.key, 0, 0, _BEYOND)
            self.disk.version_files.write(step.key, step.spec)  # no worker is left that has read another
            return self._load(step.key, step.spec, "restart")
        if isinstance(step, SetDefault):
            return self._ask(lambda: self.torchserve.set_default(step.key), "default")
        return self._unregister(step)

    def _delete(self, step: Collect | CollectWeights | Forget) -> None:
        if isinstance(step, Collect):
            self.disk.archives.discard(step.digest)
        elif isinstance(step, CollectWeights):
            self.disk.weights.discard(step.digest)
        else:
            self.disk.version_files.remove(step.model, step.version)

    def _register(self, step: Register) -> Failure | None:
        try:
            inside = look_inside(self.disk.archives.path(step.key.digest))
        except ContentError as error:
            return Failure("register", self._altered_archive(step.key) or str(error), own_fault=True)
        reason = _contradiction(inside, step)
        if reason:
            return Failure("register", reason, own_fault=True)
        self.disk.version_files.write(step.key, step.spec)
        return self._ask(lambda: self.torchserve.register(step.key, step.spec), "register")

    def _load(self, key: Key, spec: Version, stage: str) -> Failure | None:
        deadline = self.clock() + (spec.startup_timeout + _BEYOND).total_seconds()
        try:
            self.torchserve.scale(key, spec.min_workers, spec.max_workers, spec.startup_timeout + _BEYOND)
        except Refused as error:
            if error.status == http.client.NOT_FOUND:
                raise TorchServeAway("it has lost the version") from error
            return Failure(stage, self._reason(key, spec, str(error)), own_fault=True)
        while not self._ready(key, spec):
            if self.clock() > deadline:
                late = f"{spec.min_workers} workers were not ready within {spec.startup_timeout.total_seconds():g} s"
                return Failure(stage, self._reason(key, spec, late), own_fault=True)
            self.pause(_POLL)
        return None

    def _ready(self, key: Key, spec: Version) -> bool:
        model = self.torchserve.describe().get(key.model)
        seen = model.versions.get(key.version) if model else None
        if seen is None:
            raise TorchServeAway("it has lost the version")
        return seen.ready >= spec.min_workers

    def _warm(self, step: Warm) -> Failure | None:
        """One request for each worker; TorchServe gives them out as workers ask."""
        if step.spec.smoke is None:
            return None
        for _ in range(step.spec.min_workers):
            try:
                self.torchserve.predict(step.key, step.spec.smoke, step.spec.response_timeout + _BEYOND)
            except Refused as error:
                return Failure("smoke", self._reason(step.key, step.spec, str(error)), own_fault=True)
        return None

    def _unregister(self, step: Unregister) -> Failure | None:
        try:
            self.torchserve.unregister(step.key)
        except Refused as error:
            if error.status != http.client.NOT_FOUND:
                return Failure("unregister", str(error), own_fault=False)
        self.disk.version_files.remove(step.key.model, step.key.version)
        return None

    def _ask(self, request: Callable[[], None], stage: str) -> Failure | None:
        try:
            request()
        except Refused as error:
            if _NO_SPACE in str(error):
                return Failure("disk", str(error), own_fault=False)
            return Failure(stage, str(error), own_fault=stage == "register")
        return None

    def _reason(self, key: Key, spec: Version, said: str) -> str:
        worker = last_reason(self.worker_log, key)
        altered = self._altered_archive(key) or self._altered_weights(spec)
        return altered or (f"{worker} ({said})" if worker else said)

    def _altered_archive(self, key: Key) -> str:
        """Whether the disk, not the archive, is to blame; then the archive is fetched again."""
        archives = self.disk.archives
        if key.digest not in archives.present() or archives.verify(key.digest):
            return ""
        return "the archive on the disk was altered and is fetched again"

    def _altered_weights(self, spec: Version) -> str:
        weights = self.disk.weights
        if spec.weights is None or not weights.is_here(spec.weights.digest):
            return ""
        if weights.verify(spec.weights.digest):
            return ""
        return "the weights on the disk were altered and are fetched again"


def _shortened(failure: Failure | None) -> Failure | None:
    if failure is None or len(failure.reason) <= LONGEST_REASON:
        return failure
    return replace(failure, reason=f"{failure.reason[:LONGEST_REASON]}…")


def _fetching(fetch: Callable[[], None]) -> Failure | None:
    try:
        fetch()
    except SourceError as error:
        return Failure("fetch", str(error), own_fault=error.missing)
    except ContentError as error:
        return Failure("fetch", str(error), own_fault=True)
    return None


def _contradiction(inside: Inside, step: Register) -> str:
    """What the archive says of itself against what the configuration says of it."""
    if inside.version != step.key.version:
        return f"the archive says it is version {inside.version}; TorchServe would register that one"
    named = step.spec.weights.digest if step.spec.weights else None
    if inside.weights is None or (inside.brings_weights and named is None):
        return ""
    if inside.weights != named:
        return f"the archive is made for the weights {inside.weights}, and the configuration names {named or 'none'}"
    if not inside.brings_weights and inside.model != step.key.model:
        return (
            f"the archive says it is {inside.model}: its workers would look for that model's weights. "
            f"Fix: build it for {step.key.model}"
        )
    return ""


_STAGES = {
    Fetch: "fetch", FetchWeights: "fetch", Collect: "disk", CollectWeights: "disk", Forget: "disk",
    Register: "register", Load: "load", Warm: "smoke", Restart: "restart", SetDefault: "default",
    Unregister: "unregister",
}  # fmt: skip


def _stage(step: Step) -> str:
    return _STAGES[type(step)]
