"""What comes of a step that fails: the stage, the reason and whose fault it is, each to the letter.

/versions, the log and Kubernetes events show them, and readiness and retries are decided by them.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.workloads.agent.bench import (
    GOOD,
    KEY,
    SPEC,
    WEIGHTS,
    Bench,
    FakeTorchServe,
    archive,
    fetched,
    key_of,
)
from tests.unit.workloads.agent.samples import MODEL, spec
from tests.unit.workloads.artifacts.artifacts_on_disk import objects
from workloads.agent.configuration import Key, Smoke
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
from workloads.agent.torchserve import Refused, TorchServeAway
from workloads.artifacts.port import ContentError, DiskFullError, SourceError

AWAY = TorchServeAway("connection refused")
NO_SPACE = "java.io.IOException: No space left on device"


@pytest.mark.parametrize(
    ("step", "asked", "error", "failure"),
    [
        (Register(KEY, SPEC), "register", Refused(400, "bad"), ("register", "TorchServe says 400: bad", True)),
        (Register(KEY, SPEC), "register", Refused(500, NO_SPACE), ("disk", f"TorchServe says 500: {NO_SPACE}", False)),
        (Register(KEY, SPEC), "register", AWAY, ("register", "TorchServe is away: connection refused", False)),
        (Load(KEY, SPEC), "scale", Refused(500, "worker"), ("load", "TorchServe says 500: worker", True)),
        (Load(KEY, SPEC), "scale", Refused(404, "x"), ("load", "TorchServe is away: it has lost the version", False)),
        (Load(KEY, SPEC), "describe", AWAY, ("load", "TorchServe is away: connection refused", False)),
        (Restart(KEY, SPEC), "scale", Refused(500, "w"), ("restart", "Refused: TorchServe says 500: w", False)),
        (Restart(KEY, SPEC), "scale", AWAY, ("restart", "TorchServe is away: connection refused", False)),
        (Warm(KEY, SPEC), "predict", Refused(507, "oom"), ("smoke", "TorchServe says 507: oom", True)),
        (Warm(KEY, SPEC), "predict", AWAY, ("smoke", "TorchServe is away: connection refused", False)),
        (SetDefault(KEY), "default", Refused(404, "gone"), ("default", "TorchServe says 404: gone", False)),
        (SetDefault(KEY), "default", RuntimeError("ours"), ("default", "RuntimeError: ours", False)),
        (Unregister(KEY, "x"), "unregister", Refused(403, "no"), ("unregister", "TorchServe says 403: no", False)),
        (Unregister(KEY, "x"), "unregister", AWAY, ("unregister", "TorchServe is away: connection refused", False)),
    ],
)  # fmt: skip
def test_what_torchserve_refuses_or_does_not_answer(
    bench: Bench, step: Step, asked: str, error: Exception, failure: tuple[str, str, bool]
) -> None:
    bench.run(Fetch(KEY, "1.mar"))
    bench.torchserve.fails[asked] = error
    assert bench.executor.run(step) == Outcome(step, Failure(*failure))


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (SourceError("no such key", missing=True), ("fetch", "no such key", True)),
        (SourceError("503 Slow Down"), ("fetch", "503 Slow Down", False)),
        (ContentError("other bytes"), ("fetch", "other bytes", True)),
        (DiskFullError("no room"), ("disk", "no room", False)),
        (RuntimeError("ours"), ("fetch", "RuntimeError: ours", False)),
    ],
)
@pytest.mark.parametrize("what", ["archives", "weights"])
def test_what_cannot_be_fetched(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, what: str, error: Exception, failure: tuple[str, str, bool]
) -> None:
    step = Fetch(KEY, "1.mar") if what == "archives" else FetchWeights(KEY, WEIGHTS)
    monkeypatch.setattr(getattr(bench.executor.disk, what), "fetch", raising(error))
    assert bench.failing(step) == Failure(*failure)


@pytest.mark.parametrize(
    ("step", "part", "method"),
    [
        (Collect(KEY.digest), "archives", "discard"),
        (CollectWeights(WEIGHTS.digest), "weights", "discard"),
        (Forget(MODEL, "1"), "version_files", "remove"),
    ],
)
def test_what_cannot_be_deleted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, step: Step, part: str, method: str
) -> None:
    monkeypatch.setattr(getattr(bench.executor.disk, part), method, raising(PermissionError("read-only")))
    assert bench.failing(step) == Failure("disk", "PermissionError: read-only", own_fault=False)


def test_an_archive_that_is_none_is_the_version_s_fault_and_stays_on_the_disk(bench: Bench) -> None:
    key = key_of(b"no zip file")
    bench.source.held["1.mar"] = b"no zip file"
    bench.run(Fetch(key, "1.mar"))
    failure = bench.failing(Register(key, SPEC))
    assert (failure.stage, failure.own_fault) == ("register", True)
    assert "zip" in failure.reason
    assert bench.executor.disk.archives.present() == {key.digest: 11}


def test_an_altered_archive_is_said_to_be_fetched_again(bench: Bench) -> None:
    bench.run(Fetch(KEY, "1.mar"))
    bench.executor.disk.archives.path(KEY.digest).write_bytes(b"altered")
    said = "the archive on the disk was altered and is fetched again"
    assert bench.failing(Register(KEY, SPEC)) == Failure("register", said, own_fault=True)


def test_altered_weights_are_said_to_be_fetched_again(bench: Bench) -> None:
    weights, held = objects({"config.json": b"{}"})
    key = fetched(bench, archive("1", WEIGHTS.digest))
    bench.source.held.update(held)
    bench.run(FetchWeights(key, weights))
    (bench.executor.disk.weights.path(weights.digest) / "config.json").write_bytes(b"[]")
    bench.torchserve.fails["scale"] = Refused(500, "Failed to start workers")
    said = "the weights on the disk were altered and are fetched again"
    assert bench.failing(Load(key, replace(SPEC, weights=weights))) == Failure("load", said, own_fault=True)


def test_a_version_that_torchserve_forgets_while_it_starts_is_lost(bench: Bench) -> None:
    bench.torchserve.lost = True
    said = "TorchServe is away: it has lost the version"
    assert bench.failing(Load(KEY, SPEC)) == Failure("load", said, own_fault=False)


def test_workers_that_are_replaced_and_do_not_come_back_fail_as_a_restart(bench: Bench) -> None:
    bench.torchserve.ready_after = 10**9
    said = "2 workers were not ready within 120 s"
    assert bench.failing(Restart(KEY, spec("1", workers=2))) == Failure("restart", said, own_fault=True)


def test_workers_that_are_ready_at_the_last_moment_are_in_time(bench: Bench) -> None:
    bench.torchserve.ready_after = 3
    executor = replace(bench.executor, pause=lambda _: bench.seconds.__setitem__(0, bench.seconds[0] + 65.0))
    assert executor.run(Load(KEY, SPEC)).failure is None
    assert bench.seconds[0] == 195.0, "the look at 130 s, which is the limit, is followed by another"


class Timed(FakeTorchServe):
    """Notes how long it may take."""

    def __init__(self) -> None:
        super().__init__()
        self.timeouts: list[tuple[str, float]] = []

    def scale(self, key: Key, minimum: int, maximum: int, timeout: timedelta) -> None:
        super().scale(key, minimum, maximum, timeout)
        self.timeouts.append(("scale", timeout.total_seconds()))

    def predict(self, key: Key, smoke: Smoke, timeout: timedelta) -> None:
        super().predict(key, smoke, timeout)
        self.timeouts.append(("predict", timeout.total_seconds()))


def test_torchserve_has_ten_seconds_more_than_it_counts_itself(bench: Bench) -> None:
    torchserve = Timed()
    executor = replace(bench.executor, torchserve=torchserve)
    slow = replace(SPEC, startup_timeout=timedelta(seconds=100), response_timeout=timedelta(seconds=30))
    for step in (Load(KEY, slow), Warm(KEY, slow), Restart(KEY, slow)):
        assert executor.run(step).failure is None
    assert torchserve.timeouts == [("scale", 110), ("predict", 40), ("scale", 10), ("scale", 110)]


@pytest.mark.parametrize(
    ("length", "shown"),
    [(LONGEST_REASON, "x" * LONGEST_REASON), (LONGEST_REASON + 1, "x" * LONGEST_REASON + "…")],
)
def test_a_reason_is_cut_where_it_is_longer_than_the_limit_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, length: int, shown: str
) -> None:
    monkeypatch.setattr(bench.executor.disk.archives, "fetch", raising(ContentError("x" * length)))
    assert bench.failing(Fetch(KEY, "1.mar")) == Failure("fetch", shown, own_fault=True)


def raising(error: Exception) -> Callable[..., None]:
    def raises(*_: object) -> None:
        raise error

    return raises


def test_what_is_done_comes_back_with_its_step_and_no_failure(bench: Bench) -> None:
    step = Fetch(KEY, "1.mar")
    assert bench.executor.run(step) == Outcome(step)
    assert bench.executor.disk.archives.present() == {KEY.digest: len(GOOD)}
