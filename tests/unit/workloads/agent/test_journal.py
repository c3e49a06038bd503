"""What the agent remembers is saved whole, read whole, and taken for nothing where it is anything else."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.workloads.agent.samples import MODEL, configuration, key
from workloads.agent import journal
from workloads.agent.state import Failure, Memory, Record

FULL = Record(
    failures=2,
    failure=Failure("load", "no vocabulary", True),
    retry_at=5.0,
    ours=True,
    rejected=True,
    warmed=True,
    unready_since=4.0,
    leaving_since=1.0,
)
MEMORY = Memory(
    records={key("1"): FULL, key("2"): Record(warmed=True)},
    known=configuration("1", "2", default="2", with_weights={"2": "w"}).versions(),
    last_default={MODEL: key("2")},
    unused_since={"sha256:x": 3.0},
    unused_weights_since={"sha256:w": 4.0},
    settled=True,
)


def saved(memory: Memory = MEMORY) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(journal.memory_json(memory))
    return document


def test_what_is_remembered_is_what_was_saved(tmp_path: Path) -> None:
    assert journal.replace_file(tmp_path / "agent.json", journal.memory_json(MEMORY, journal.boot()))
    assert journal.load(tmp_path / "agent.json", 10.0) == MEMORY


def test_a_memory_that_an_agent_without_weights_saved_is_read(tmp_path: Path) -> None:
    memory = Memory(known=configuration("1", default="1").versions(), unused_since={"sha256:x": 3.0})
    older = json.loads(journal.memory_json(memory, journal.boot()))
    del older["unused_weights_since"]
    (tmp_path / "agent.json").write_text(json.dumps(older))
    assert journal.load(tmp_path / "agent.json", 10.0) == memory


UNREADABLE: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "an empty mapping": lambda: "{}",
    "a list": lambda: "[]",
    "records that are none": lambda: '{"records": 1}',
    "no text": lambda: "\x00",
    "too many levels": lambda: "[" * 100_000,
    "of a newer agent": lambda: json.dumps({**saved(Memory()), "unused_since": []}),
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_a_memory_that_cannot_be_read_is_none(tmp_path: Path, text: Callable[[], str]) -> None:
    (tmp_path / "agent.json").write_text(text())
    assert journal.load(tmp_path / "agent.json", 10.0) == Memory()


def test_equal_memories_are_saved_alike_in_whatever_order_they_came_to_be() -> None:
    models = {name: configuration("1", "2", default="1", model=name) for name in ("a", "b")}
    known = {found: spec for made in models.values() for found, spec in made.versions().items()}
    memory = Memory(
        records={found: Record(retry_at=1.0) for found in known},
        known=known,
        last_default={name: key("1", name) for name in models},
        unused_since={"sha256:x": 3.0, "sha256:y": 4.0},
        unused_weights_since={"sha256:w": 3.0, "sha256:v": 4.0},
    )
    backwards: dict[str, Any] = {
        name: dict(reversed(getattr(memory, name).items()))
        for name in ("records", "known", "last_default", "unused_since", "unused_weights_since")
    }
    assert journal.memory_json(replace(memory, **backwards)) == journal.memory_json(memory)


def test_a_memory_that_names_no_start_of_the_machine_is_trusted_by_none() -> None:
    assert saved()["boot"] == ""
    for of_boot in ("", "another"):
        read = journal.read_memory(journal.memory_json(MEMORY), of_boot=of_boot, now=500.0)
        assert read.unused_since == {"sha256:x": 500.0}
    named = journal.memory_json(MEMORY, "x")
    assert journal.read_memory(named, now=500.0).unused_since == {"sha256:x": 500.0}, (
        "nor by one without a name"
    )


def test_after_a_restart_of_the_machine_what_was_ready_and_stays_is_still_that() -> None:
    memory = replace(MEMORY, records={key("1"): Record(warmed=True)})
    read = journal.read_memory(journal.memory_json(memory, "one"), of_boot="another", now=500.0)
    assert read.records == {key("1"): Record(warmed=True)}


def test_no_moment_of_a_record_lies_in_the_future() -> None:
    ahead = Record(retry_at=900.0, unready_since=900.0, leaving_since=900.0)
    memory = replace(MEMORY, records={key("1"): ahead})
    read = journal.read_memory(journal.memory_json(memory, "one"), of_boot="one", now=500.0)
    assert read.records == {key("1"): Record(retry_at=900.0, unready_since=500.0, leaving_since=500.0)}


def test_a_moment_without_a_fraction_is_read_as_one() -> None:
    document = saved()
    document["unused_since"] = {"sha256:x": 3}
    read = journal.read_memory(json.dumps(document)).unused_since["sha256:x"]
    assert (read, type(read)) == (3.0, float)


WRONG: list[tuple[list[str | int], Any, str]] = [
    (["settled"], 1, "1 is no bool"),
    (["unused_since", "sha256:x"], True, "True is no number"),
    (["unused_weights_since", "sha256:w"], "4", "'4' is no number"),
    (["last_default", 0, 0], 7, "7 is no str"),
    (["records", 0, 0, 1], 1, "1 is no str"),
    (["records", 0, 0, 2], None, "None is no str"),
    (["records", 0, 1, "failures"], True, "True is no int"),
    (["records", 0, 1, "retry_at"], "soon", "'soon' is no number"),
    (["records", 0, 1, "ours"], 0, "0 is no bool"),
    (["records", 0, 1, "rejected"], 0, "0 is no bool"),
    (["records", 0, 1, "warmed"], 0, "0 is no bool"),
    (["records", 0, 1, "unready_since"], False, "False is no number"),
    (["records", 0, 1, "leaving_since"], "1", "'1' is no number"),
    (["records", 0, 1, "failure", "stage"], 1, "1 is no str"),
    (["records", 0, 1, "failure", "reason"], 1, "1 is no str"),
    (["records", 0, 1, "failure", "own_fault"], 1, "1 is no bool"),
    (["known", 0, 0, 0], "../up", "memory: '../up'; the rule"),
    (["known", 0, 0, 1], "../up", "memory: '../up'; the rule"),
    (["known", 0, 1, "batchSize"], 0, "memory.batchSize"),
]


@pytest.mark.parametrize(("place", "value", "said"), WRONG, ids=lambda part: str(part))
def test_a_memory_with_one_wrong_value_is_none_and_the_log_says_which(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, place: list[str | int], value: Any, said: str
) -> None:
    document: Any = saved()
    inner = document
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
    (tmp_path / "agent.json").write_text(json.dumps(document))
    with caplog.at_level(logging.WARNING):
        assert journal.load(tmp_path / "agent.json", 10.0) == Memory()
    (record,) = caplog.records
    assert record.getMessage() == "what the last agent remembered is not readable"
    assert said in record.__dict__["fields"]["reason"]


def test_the_reason_in_the_log_names_the_error_and_is_short(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "agent.json").write_text(json.dumps({**saved(), "settled": "x" * 1000}))
    journal.load(tmp_path / "agent.json", 10.0)
    assert caplog.records[0].__dict__["fields"]["reason"] == f"TypeError: '{'x' * 299}"


def test_an_agent_that_never_saved_a_memory_begins_with_none_and_warns_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert journal.load(tmp_path / "agent.json", 10.0) == Memory()
    assert caplog.records == []


@pytest.mark.parametrize("kind", ["missing", "folder", "no text"])
def test_a_kernel_that_does_not_name_its_start_leaves_the_machine_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = tmp_path / "boot_id"
    if kind == "folder":
        path.mkdir()
    elif kind == "no text":
        path.write_bytes(b"\xff\xfe")
    monkeypatch.setattr(journal, "_BOOT", path)
    assert journal.boot() == ""


def test_a_file_is_on_the_disk_whole_before_it_takes_the_old_one_s_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, flushed = tmp_path / "agent.json", []
    path.write_text("old")

    def fsync(descriptor: int) -> None:
        flushed.append((Path(f"/proc/self/fd/{descriptor}").read_text(), path.read_text()))

    monkeypatch.setattr("os.fsync", fsync)
    assert journal.replace_file(path, "new") is True
    assert flushed == [("new", "old")]
    assert path.read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["agent.json"]


@pytest.mark.parametrize("fails", ["os.fsync", "pathlib.Path.replace"])
def test_a_file_that_cannot_be_replaced_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    path = tmp_path / "agent.json"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fails, full)
    assert journal.replace_file(path, "new") is False
    assert path.read_text() == "old"


def test_a_link_to_a_folder_is_replaced_and_the_folder_left_alone(tmp_path: Path) -> None:
    path, folder = tmp_path / "agent.json", tmp_path / "folder"
    folder.mkdir()
    (folder / "inside").touch()
    path.symlink_to(folder)
    assert journal.replace_file(path, "new")
    assert (path.is_symlink(), path.read_text()) == (False, "new")
    assert (folder / "inside").exists()
