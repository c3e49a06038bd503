"""What a worker, or an accident, may leave in the place of the agent's own files: it starts, turns, and serves on."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.workloads.agent.bench import KEY, SPEC, Source
from tests.unit.workloads.agent.samples import MODEL
from tests.unit.workloads.agent.test_agent import Empty, document, turn_until
from tests.unit.workloads.artifacts.test_folders import circle, dangling
from workloads.agent import api, journal
from workloads.agent.archives import archive_file
from workloads.agent.disk import Disk
from workloads.agent.document import MountedFile
from workloads.agent.events import NoEvents
from workloads.agent.executor import Executor
from workloads.agent.limits import LONGEST_CONFIGURATION, LONGEST_JOURNAL
from workloads.agent.loop import Agent
from workloads.agent.state import InForce, Memory


def agent_in(folder: Path, torchserve: Empty) -> Agent:
    executor = Executor(Disk.at(folder / "store", Source()), torchserve)
    return Agent(MountedFile(folder / "models.json"), executor, folder / "agent.json", NoEvents())


@pytest.fixture(name="torchserve")
def _torchserve() -> Empty:
    return Empty()


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(300 << 20)


def folder_with_a_file(path: Path) -> None:
    path.mkdir()
    (path / "inside").touch()


PUT: list[Callable[[Path], object]] = [
    Path.touch, folder_with_a_file, dangling, circle, os.mkfifo, sparse,
]  # fmt: skip


def serves(agent: Agent) -> bool:
    shown = json.loads(api.versions(agent)[2])["models"][MODEL]["versions"]["1"]
    return bool(shown["servable"]) and api.ready(agent)[0] == 200


@pytest.mark.timeout(60)
@pytest.mark.parametrize("put", PUT)
@pytest.mark.parametrize(
    "name",
    ["store/weights", "store/versions", f"store/versions/{MODEL}", "agent.json", "agent.json.part",
     "configuration.last.json", f"store/{archive_file(KEY.digest)}", f"store/{archive_file(KEY.digest)}.x.part",
     "store/weights/x.gone"],
)  # fmt: skip
def test_whatever_takes_the_place_of_a_file_of_the_agent_it_serves_on_and_so_does_the_next(
    tmp_path: Path, torchserve: Empty, put: Callable[[Path], object], name: str
) -> None:
    (tmp_path / "models.json").write_text(document())
    agent = agent_in(tmp_path, torchserve)
    turn_until(agent, '"state": "servable"')
    path = tmp_path / name
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    put(path)
    for _ in range(3):
        agent.take_a_turn()
    assert serves(agent)
    assert not agent.counters.errors
    again = agent_in(tmp_path, torchserve)
    turn_until(again, '"state": "servable"')
    assert serves(again)
    assert not again.counters.errors
    again.disk.version_files.write(KEY, SPEC)
    assert (MODEL, "1") in again.disk.version_files.present()
    assert journal.load(tmp_path / "agent.json", 1e12).known, "what it remembers is saved again"


def test_a_folder_that_vanished_is_made_again(tmp_path: Path, torchserve: Empty) -> None:
    (tmp_path / "models.json").write_text(document())
    agent = agent_in(tmp_path, torchserve)
    turn_until(agent, '"state": "servable"')
    shutil.rmtree(tmp_path / "store")
    agent.take_a_turn()
    assert serves(agent)
    turn_until(agent, '"fetching": null')
    agent.disk.version_files.write(KEY, SPEC)
    assert agent.disk.version_files.present() == {(MODEL, "1"): InForce()}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({**json.loads(journal.memory_json(Memory())), changed[0]: changed[1]})
        for changed in [
            ("settled", "yes"),
            ("known", [[["../..", "1", KEY.digest], {"archive": {"digest": KEY.digest, "location": "x"}}]]),
            ("known", [[["m", "../1", KEY.digest], {"archive": {"digest": KEY.digest, "location": "x"}}]]),
            ("records", [[[1, 2, 3], {}]]),
            ("unused_since", {"a": "b"}),
            ("unused_since", {"a": float("nan")}),
            ("last_default", [["a", "b"]]),
        ]
    ],
)
def test_a_memory_of_another_make_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "agent.json").write_text(text)
    assert journal.load(tmp_path / "agent.json", 10.0) == Memory()


@pytest.mark.parametrize(
    "changed",
    [
        {"failures": 1.5}, {"failure": {"stage": [], "reason": "x", "own_fault": True}}, {"warmed": 1},
        {"failure": {"stage": "load", "reason": {}, "own_fault": True}}, {"leaving_since": "x"}, {"retry_at": None},
    ],
)  # fmt: skip
def test_a_record_of_another_make_makes_the_memory_none(tmp_path: Path, changed: dict[str, object]) -> None:
    record = {
        "failures": 0, "failure": None, "retry_at": 0.0, "ours": False, "rejected": False, "warmed": False,
        "unready_since": None, "leaving_since": None,
    }  # fmt: skip
    whole = json.loads(journal.memory_json(Memory()))
    good, bad = ({**whole, "records": [[list(KEY), {**record, **more}]]} for more in ({}, changed))
    assert journal.read_memory(json.dumps(good)).records
    (tmp_path / "agent.json").write_text(json.dumps(bad))
    assert journal.load(tmp_path / "agent.json", 10.0) == Memory()


def test_no_more_of_a_memory_is_read_than_an_agent_writes(tmp_path: Path) -> None:
    text = journal.memory_json(Memory())
    (tmp_path / "agent.json").write_text(text + " " * LONGEST_JOURNAL)
    assert journal.load(tmp_path / "agent.json", 10.0) == Memory()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"x" * (LONGEST_CONFIGURATION + 1), "more than 1048576 bytes"),
        (b"\xff\xfe", "no UTF-8"),
        (document().replace('"format": 1', '"format": 1, "\\ud800": 1').encode(), "half a character"),
        (document().replace('"minWorkers": 1', '"minWorkers": 1e999').encode(), "a number in it is larger"),
        (
            document().replace('"startupTimeout": 120', '"startupTimeout": 99999999999999').encode(),
            "startupTimeout",
        ),
    ],
)
def test_a_configuration_beyond_a_limit_is_refused_with_the_limit_and_the_one_before_serves_on(
    tmp_path: Path, torchserve: Empty, content: bytes, said: str
) -> None:
    (tmp_path / "models.json").write_text(document())
    agent = agent_in(tmp_path, torchserve)
    turn_until(agent, '"state": "servable"')
    (tmp_path / "models.json").write_bytes(content)
    agent.take_a_turn()
    assert said in json.loads(api.versions(agent)[2])["configuration"]["error"]
    assert serves(agent)
    assert not agent.counters.errors
