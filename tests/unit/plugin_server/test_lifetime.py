"""A plugin ends with its engine, also one that dies while the plugin starts."""

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from plugin_server import lifetime


def test_a_plugin_whose_engine_listens_goes_on_and_ends_when_its_parent_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parents = [100]
    monkeypatch.setattr("os.getppid", lambda: parents[-1])
    monkeypatch.setattr(lifetime, "_INTERVAL_SECONDS", 0.01)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as engine:
        lifetime.end_with_parent(ended.set, f"127.0.0.1:{engine.getsockname()[1]}")
        assert not ended.wait(0.1)
        parents.append(1)
        assert ended.wait(5)


def test_a_plugin_whose_engine_is_gone_already_ends_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    ended = threading.Event()
    lifetime.end_with_parent(ended.set, address)
    assert ended.wait(5)


def test_a_language_host_left_behind_by_a_killed_engine_ends_by_itself(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    # The shell is the engine: it starts the plugin and is gone before the plugin can look for it.
    pid = tmp_path / "pid"
    script = f"{sys.executable} -m sandbox.language_host {address} >/dev/null 2>&1 & echo $! >{pid}"
    subprocess.run(["/bin/sh", "-c", script], check=True)  # noqa: S603 (the script is this test's own)
    plugin = int(pid.read_text())
    deadline = time.monotonic() + 15
    while _runs(plugin):
        assert time.monotonic() < deadline, "the plugin outlives its engine"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
