"""A turn that raises, an old look, and an agent that comes back: what the loop itself has to hold."""

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.workloads.agent.bench import KEY, Source
from tests.unit.workloads.agent.samples import MODEL, model, registered
from tests.unit.workloads.agent.test_agent import Empty, document, turn_until
from workloads.agent import api
from workloads.agent.configuration import Key, Version
from workloads.agent.disk import Disk
from workloads.agent.document import MountedFile
from workloads.agent.events import NoEvents
from workloads.agent.executor import Executor
from workloads.agent.loop import Agent
from workloads.agent.state import ObservedModel


def agent_with(torchserve: Empty, folder: Path) -> Agent:
    (folder / "models.json").write_text(document())
    executor = Executor(Disk.at(folder / "store", Source()), torchserve)
    return Agent(MountedFile(folder / "models.json"), executor, folder / "agent.json", NoEvents())


class Racing(Empty):
    """Ends a registration after it was looked at, and before that look is acted on."""

    def __init__(self) -> None:
        super().__init__()
        self.agent: Agent | None = None
        self.registers = threading.Event()
        self.go_on = threading.Event()
        self.has = False

    def register(self, key: Key, spec: Version) -> None:
        super().register(key, spec)
        self.registers.set()
        assert self.go_on.wait(20)
        self.has = True

    def describe(self) -> dict[str, ObservedModel]:
        seen = {MODEL: model("1", registered(KEY, ready=0))} if self.has else {}
        if self.registers.is_set() and not self.go_on.is_set():
            self.go_on.set()
            assert self.agent is not None
            while self.agent._outcomes.empty():
                self.agent.wait(0.01)
        return seen


def test_no_step_is_planned_from_a_look_that_is_older_than_the_last_step(tmp_path: Path) -> None:
    torchserve = Racing()
    agent = torchserve.agent = agent_with(torchserve, tmp_path)
    while not torchserve.registers.is_set():
        agent.take_a_turn()
        agent.wait(0.01)
    for _ in range(3):
        agent.take_a_turn()
    assert torchserve.has
    assert sum(asked.startswith("register") for asked in torchserve.asked) == 1


def test_an_agent_that_comes_back_to_an_unreadable_configuration_is_ready_with_the_last_one(
    tmp_path: Path,
) -> None:
    torchserve = Empty()
    turn_until(agent_with(torchserve, tmp_path), '"state": "servable"')
    again = agent_with(torchserve, tmp_path)
    (tmp_path / "models.json").write_text("{")
    stop = threading.Event()
    thread = threading.Thread(target=again.run, args=(stop,))
    thread.start()
    while again.turn is None:
        again.wait(0.01)
    stop.set()
    again.wake()
    thread.join()
    shown = json.loads(api.versions(again)[2])
    assert "is no JSON" in shown["configuration"]["error"]
    assert shown["models"][MODEL]["default"] == {"wanted": "1", "serving": "1", "as_wanted": True}
    assert api.ready(again)[0] == 200


def raising(*_: object, **__: object) -> None:
    raise RecursionError("what nobody expected")


PARTS: dict[str, Callable[[pytest.MonkeyPatch, Agent], None]] = {
    "outcomes": lambda patch, agent: patch.setattr(agent._outcomes, "empty", raising),
    "configuration": lambda patch, agent: patch.setattr(agent._document, "text", raising),
    "disk": lambda patch, agent: patch.setattr(type(agent.disk.version_files), "present", raising),
    "plan": lambda patch, _: patch.setattr("workloads.agent.loop.plan", raising),
    "journal": lambda patch, _: patch.setattr("workloads.agent.journal.memory_json", raising),
    "turn": lambda patch, agent: patch.setattr(agent, "_fetching", raising),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_a_turn_that_raises_is_logged_once_counted_and_followed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, part: str
) -> None:
    agent = agent_with(Empty(), tmp_path)
    turn_until(agent, '"state": "servable"')
    before = agent.turned
    with monkeypatch.context() as patch, caplog.at_level(logging.INFO):
        PARTS[part](patch, agent)
        for _ in range(3):
            agent.take_a_turn()
    assert agent.counters.errors == {part: 3}
    assert [record.getMessage() for record in caplog.records] == ["a part of a turn failed"]
    assert agent.turned > before
    assert (api.ready(agent)[0], api.live(agent)[0]) == (200, 200)
    agent.take_a_turn()
    assert agent.counters.errors == {part: 3}
    assert f'slipway_agent_turn_errors_total{{part="{part}"}} 3\n' in api.metrics(agent)[2]


def test_an_answer_of_torchserve_that_raises_what_nobody_expected_is_no_answer(
    tmp_path: Path,
) -> None:
    torchserve = Empty()
    agent = agent_with(torchserve, tmp_path)
    turn_until(agent, '"state": "servable"')
    torchserve.fails["describe"] = MemoryError("an answer without an end")
    agent.take_a_turn()
    assert json.loads(api.ready(agent)[2])["reason"] == "TorchServe does not answer"
    del torchserve.fails["describe"]
    agent.take_a_turn()
    assert api.ready(agent)[0] == 200


def test_an_agent_whose_turns_fail_for_minutes_lives_and_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = agent_with(Empty(), tmp_path)
    turn_until(agent, '"state": "servable"')
    monkeypatch.setattr(agent, "_fetching", raising)
    agent.completed -= api.STUCK_SECONDS + 1
    agent.take_a_turn()
    assert api.live(agent)[0] == 200
    assert json.loads(api.ready(agent)[2])["reason"] == "the agent's turns fail: its log says why"


def test_a_step_for_which_there_is_no_thread_is_begun_by_a_later_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = agent_with(Empty(), tmp_path)

    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        agent.take_a_turn()
    turn_until(agent, '"state": "servable"')
