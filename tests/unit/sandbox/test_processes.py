"""Background processes are found by their mark, and ended."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import endpoints, processes
from sandbox.errors import SandboxError
from sandbox.paths import SandboxPaths

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]


@pytest.fixture(name="paths")
def _paths(tmp_path: Path) -> Iterator[SandboxPaths]:
    paths = SandboxPaths(tmp_path / "one")
    paths.root.mkdir()
    yield paths
    processes.stop(paths, ["a", "b"], grace_seconds=0.1)


def test_a_started_process_is_found_by_its_role_and_gone_after_stop(paths: SandboxPaths) -> None:
    processes.start(paths, "a", SLEEP)
    assert set(processes.running(paths)) == {"a"}
    assert processes.stop(paths, ["a", "b"]) == ["a"]
    assert processes.running(paths) == {}


def test_the_processes_of_another_sandbox_are_not_seen_and_not_ended(
    paths: SandboxPaths, tmp_path: Path
) -> None:
    other = SandboxPaths(tmp_path / "two")
    other.root.mkdir()
    processes.start(paths, "a", SLEEP)
    assert processes.running(other) == {}
    assert processes.stop(other, ["a"]) == []
    assert set(processes.running(paths)) == {"a"}


def test_what_a_process_leaves_behind_when_it_ends_is_ended_too(paths: SandboxPaths) -> None:
    script = "import subprocess, sys, time; subprocess.Popen(['sleep', '60']); print('up', flush=True); time.sleep(60)"
    processes.start(paths, "a", [sys.executable, "-c", script])
    processes.wait_until(lambda: "up" in processes.log_of(paths, "a").read_text(), paths, "a", 10)
    assert processes.stop(paths, ["a"]) == ["a"]
    assert processes.running(paths) == {}


def test_a_process_that_ignores_the_request_to_end_is_killed(paths: SandboxPaths) -> None:
    processes.start(paths, "a", STUBBORN)
    processes.wait_until(lambda: "up" in processes.log_of(paths, "a").read_text(), paths, "a", 10)
    processes.stop(paths, ["a"], grace_seconds=0.2)
    assert processes.running(paths) == {}


def test_a_process_that_ends_while_it_starts_is_reported_with_the_end_of_its_log(paths: SandboxPaths) -> None:
    processes.start(paths, "a", [sys.executable, "-c", "raise SystemExit('address already in use')"])
    with pytest.raises(SandboxError, match=r"(?s)a ended while it started.*address already in use"):
        processes.wait_until(lambda: False, paths, "a", 10)


def test_a_process_that_never_answers_is_reported_after_the_time(paths: SandboxPaths) -> None:
    processes.start(paths, "a", SLEEP)
    with pytest.raises(SandboxError, match="does not answer after 0 s"):
        processes.wait_until(lambda: False, paths, "a", 0.05, interval_seconds=0.01)


def test_a_program_that_is_not_there_is_one_line_with_the_fix(paths: SandboxPaths) -> None:
    with pytest.raises(SandboxError, match=r"cannot be started.*slipway doctor"):
        processes.start(paths, "a", [paths.root / "missing"])


def test_chosen_ports_are_kept_and_a_broken_record_counts_as_none(paths: SandboxPaths) -> None:
    chosen = endpoints.choose(paths.endpoints)
    assert endpoints.load(paths.endpoints) == chosen
    assert endpoints.taken(chosen) == []
    paths.endpoints.write_text('{"aws": 1')
    assert endpoints.load(paths.endpoints) is None
