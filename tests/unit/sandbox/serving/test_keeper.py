"""A pod's processes are started in order, again when they end, and never outlive who asked for them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from sandbox.serving.keeper import Keeping

REPOSITORY = Path(__file__).parents[4]
ENDS = "echo $$ >> {}; exec sleep 0.01"
STAYS = "echo $$ >> {}; sleep 300 & wait"
"""Like TorchServe: a process with a child, which must not stay either."""


class Pod:
    """A keeper of two shells, and the end of its input."""

    def __init__(self, folder: Path, script: str = STAYS) -> None:
        self.folder, self.link = folder / "pod", folder / "link"
        self.folder.mkdir()
        self.link.symlink_to(self.folder)
        self.started = {name: folder / f"{name}.pids" for name in ("agent", "torchserve")}
        containers: list[dict[str, Any]] = [
            {
                "name": name, "command": ["/bin/sh", "-c", script.format(pids)], "environment": {}, "folder": "/",
                "log": str(folder / f"{name}.log"), "sidecar": name == "agent",
            }
            for name, pids in self.started.items()
        ]  # fmt: skip
        Keeping(folder=self.folder, link=self.link, containers=containers).write(folder / "keeping.json")
        self.keeper = subprocess.Popen(  # noqa: S603 - our own keeper
            [sys.executable, "-m", "sandbox.serving.keeper", str(folder / "keeping.json")],
            stdin=subprocess.PIPE,
            cwd=REPOSITORY,
        )

    def begin(self) -> None:
        assert self.keeper.stdin is not None
        self.keeper.stdin.write(b"begin\n")
        self.keeper.stdin.flush()

    def pids(self, name: str) -> list[int]:
        return (
            [int(pid) for pid in self.started[name].read_text().split()]
            if self.started[name].exists()
            else []
        )

    def alive(self) -> list[int]:
        """Of all that were started, children too: each leads a session, whose number is its own."""
        leaders = {pid for name in self.started for pid in self.pids(name)}
        return [
            process.pid
            for process in psutil.process_iter()
            if _session_of(process.pid) in leaders and not _ended(process)
        ]


def _ended(process: psutil.Process) -> bool:
    """Others of this machine end while they are looked at."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def until(holds: Callable[[], Any], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)


@pytest.fixture(name="pod")
def _pod(tmp_path: Path) -> Iterator[Pod]:
    pod = Pod(tmp_path)
    yield pod
    pod.keeper.terminate()
    pod.keeper.wait(20)
    assert pod.keeper.stdin is not None
    pod.keeper.stdin.close()


def test_the_end_of_its_input_ends_every_process_and_removes_the_folder(pod: Pod) -> None:
    pod.begin()
    until(lambda: pod.pids("agent") and pod.pids("torchserve"))
    assert len(pod.alive()) >= 2
    assert pod.keeper.stdin is not None
    pod.keeper.stdin.close()
    assert pod.keeper.wait(20) == 0
    assert pod.alive() == []
    assert not pod.folder.exists()
    assert not pod.link.is_symlink()


def test_a_request_to_end_ends_every_process(pod: Pod) -> None:
    pod.begin()
    until(lambda: pod.pids("agent") and pod.pids("torchserve"))
    pod.keeper.terminate()
    assert pod.keeper.wait(20) == 0
    assert pod.alive() == []


def test_ctrl_c_of_the_terminal_is_not_for_the_keeper(pod: Pod) -> None:
    pod.begin()
    until(lambda: pod.pids("torchserve"))
    pod.keeper.send_signal(signal.SIGINT)
    os.kill(pod.pids("torchserve")[0], signal.SIGKILL)
    until(lambda: len(pod.pids("torchserve")) == 2)


def test_a_process_that_is_killed_is_started_again_and_its_children_go_with_it(pod: Pod) -> None:
    pod.begin()
    until(lambda: pod.pids("agent") and pod.pids("torchserve"))
    (first,) = pod.pids("torchserve")
    os.kill(first, signal.SIGKILL)
    until(lambda: len(pod.pids("torchserve")) == 2)
    assert first not in {_session_of(pid) for pid in pod.alive()}
    assert len(pod.pids("agent")) == 1


def test_nothing_is_started_before_it_is_told_to_begin_nor_where_the_asker_is_gone(pod: Pod) -> None:
    assert pod.keeper.stdin is not None
    pod.keeper.stdin.close()
    assert pod.keeper.wait(20) == 0
    assert not pod.folder.exists()


def test_what_it_is_told_may_hold_credentials_and_is_removed_once_read(pod: Pod, tmp_path: Path) -> None:
    pod.begin()
    until(lambda: pod.pids("agent"))
    assert not (tmp_path / "keeping.json").exists()


def test_what_ends_at_once_is_started_again_at_growing_intervals(tmp_path: Path) -> None:
    pod = Pod(tmp_path, ENDS)
    try:
        pod.begin()
        until(lambda: len(pod.pids("agent")) == 3)
        assert len(pod.pids("torchserve")) <= 4
    finally:
        pod.keeper.terminate()
        pod.keeper.communicate(timeout=20)
