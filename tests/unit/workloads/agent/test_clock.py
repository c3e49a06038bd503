"""Graces and pauses are counted by a clock that nobody sets, also across a restart of the agent."""

import errno
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.workloads.agent.bench import KEY, FakeTorchServe, Source
from tests.unit.workloads.agent.samples import GRACE, MODEL, configuration, key, model, registered
from tests.unit.workloads.agent.test_agent import document, turn_until
from workloads.agent import journal
from workloads.agent.disk import Disk
from workloads.agent.document import MountedFile
from workloads.agent.events import NoEvents
from workloads.agent.executor import Executor
from workloads.agent.loop import Agent
from workloads.agent.state import Failure, Memory, ObservedModel, Record

OLD = key("0")


class WithAnOldVersion(FakeTorchServe):
    """Serves the configured version, and one that has left the configuration."""

    def describe(self) -> dict[str, ObservedModel]:
        return {MODEL: model("1", registered(KEY), registered(OLD))}


def agent_at(folder: Path) -> tuple[Agent, FakeTorchServe]:
    torchserve = WithAnOldVersion()
    (folder / "models.json").write_text(document())
    executor = Executor(Disk.at(folder / "store", Source()), torchserve)
    return Agent(MountedFile(folder / "models.json"), executor, folder / "agent.json", NoEvents()), torchserve


def leaving(agent: Agent) -> bool:
    return agent.turn is not None and agent.turn.situation.memory.record(OLD).leaving_since is not None


def until_it_leaves(agent: Agent) -> None:
    for _ in range(200):
        agent.take_a_turn()
        if leaving(agent):
            return
        agent.wait(0.05)
    raise AssertionError("the old version does not leave")


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Somebody sets the wall clock."""
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + seconds)


@pytest.mark.parametrize("step", [3600.0, -3600.0])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_wall_clock_that_is_set_neither_ends_a_grace_nor_prolongs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: float, restarted: bool
) -> None:
    agent, torchserve = agent_at(tmp_path)
    until_it_leaves(agent)
    assert agent.turn is not None
    before = agent.turn.situation.memory.record(OLD).leaving_since
    later(monkeypatch, step)
    if restarted:
        agent, torchserve = agent_at(tmp_path)
    for _ in range(5):
        agent.take_a_turn()
    assert agent.turn is not None
    assert agent.turn.situation.memory.record(OLD).leaving_since == before
    assert not [asked for asked in torchserve.asked if asked.startswith("unregister")]


def test_a_grace_ends_by_the_clock_that_nobody_sets(tmp_path: Path) -> None:
    agent, torchserve = agent_at(tmp_path)
    until_it_leaves(agent)
    began = time.monotonic()
    agent._clock = lambda: began + GRACE + 1
    while "unregister 0" not in torchserve.asked:
        agent.take_a_turn()
        agent.wait(0.05)


MEMORY = Memory(
    records={OLD: Record(leaving_since=100.0, unready_since=90.0, retry_at=400.0)},
    known=configuration("0", default="0").versions(),
    unused_since={"sha256:a": 50.0},
    unused_weights_since={"sha256:w": 1e12},
)


def test_what_is_remembered_counts_on_where_the_machine_has_not_restarted() -> None:
    read = journal.read_memory(journal.memory_json(MEMORY, "boot"), of_boot="boot", now=500.0)
    assert read == replace(MEMORY, unused_weights_since={"sha256:w": 500.0}), "no moment lies in the future"


@pytest.mark.parametrize("of_boot", ["another", ""])
def test_after_a_restart_of_the_machine_every_grace_begins_anew(of_boot: str) -> None:
    read = journal.read_memory(journal.memory_json(MEMORY, "boot"), of_boot=of_boot, now=500.0)
    assert read.records == {OLD: Record(leaving_since=500.0, unready_since=500.0)}
    assert (read.unused_since, read.unused_weights_since) == ({"sha256:a": 500.0}, {"sha256:w": 500.0})


def test_the_wall_times_of_an_older_agent_begin_anew() -> None:
    """Its moments were of 2026: taken for the machine's clock, they would lie decades ahead."""
    older = json.loads(journal.memory_json(replace(MEMORY, unused_since={"sha256:a": 1.8e9})))
    del older["boot"]
    read = journal.read_memory(json.dumps(older), of_boot="boot", now=500.0)
    assert read.unused_since == {"sha256:a": 500.0}


def test_the_kernel_says_which_start_of_the_machine_it_is() -> None:
    assert len(journal.boot()) == 36


def test_what_a_full_disk_did_not_take_is_written_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, _ = agent_at(tmp_path)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    agent.take_a_turn()
    assert not (tmp_path / "configuration.last.json").exists()
    monkeypatch.undo()
    agent.take_a_turn()
    assert (tmp_path / "configuration.last.json").read_text() == document()
    assert journal.load(tmp_path / "agent.json", time.monotonic()).known
    turn_until(agent, '"state": "servable"')


def test_a_failure_is_remembered_across_a_restart_with_its_next_attempt(tmp_path: Path) -> None:
    failed = Memory(records={OLD: Record(failures=3, failure=Failure("load", "x", True), retry_at=200.0)})
    assert journal.replace_file(tmp_path / "agent.json", journal.memory_json(failed, journal.boot()))
    assert journal.load(tmp_path / "agent.json", 100.0) == failed
