"""The sandbox's background processes: started detached, found again by a mark in their environment.

The process table is the only record. A file of pids would lie after a crash or a reboot; a mark cannot, and it
also finds what was started a moment before its starter was killed.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from sandbox.errors import SandboxError
from sandbox.paths import SandboxPaths

_MARK: Final = "SLIPWAY_SANDBOX_PROCESS"
_ROLE: Final = "SLIPWAY_SANDBOX_ROLE"
_LOG_LINES_SHOWN: Final = 5
_KILL_SECONDS: Final = 5.0
_PORT_REMEDY: Final = (
    "\nIf another program has its port: `slipway sandbox stop`, and the next start chooses others."
)

_PORTS: Final = range(20000, 32768)
"""Ports below those that Linux and macOS give to outgoing connections (from 32768 and 49152 on)."""


@dataclass(frozen=True, kw_only=True)
class RunningProcess:
    """One background process of one sandbox."""

    role: str
    pid: int
    started: float
    """Seconds since the epoch."""


def running(paths: SandboxPaths) -> dict[str, RunningProcess]:
    """The sandbox's live processes by role."""
    return {process.role: process for process in _marked(paths)}


def start(
    paths: SandboxPaths, role: str, command: Sequence[str | Path], environment: dict[str, str] | None = None
) -> None:
    """Starts a background process whose output goes to a log of its role; returns at once.

    Raises:
        SandboxError: the program cannot be started.
    """
    paths.logs.mkdir(parents=True, exist_ok=True)
    with log_of(paths, role).open("wb") as log:
        try:
            process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=paths.root,
                env={**os.environ, **(environment or {}), **marks(paths, role)},
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxError(f"{role} cannot be started: {error}. Run `slipway doctor`.") from error
    # For a moment after exec the kernel shows no environment, and the process would pass for one that has ended.
    while process.poll() is None and _marks_of(psutil.Process(process.pid)) is None:
        time.sleep(0.002)
    # Detached on purpose: left unset, the interpreter would warn of a child that outlives its handle.
    process.returncode = 0


def marks(paths: SandboxPaths, role: str) -> dict[str, str]:
    """The environment variables by which a process, and what it starts, is found and ended."""
    return {_MARK: str(paths.root), _ROLE: role}


def stop(paths: SandboxPaths, roles: Iterable[str], grace_seconds: float = 20.0) -> list[str]:
    """Ends the processes of the roles, one after the other in the given order; returns the roles that ran.

    A process that ignores SIGTERM for the grace period is killed.
    """
    stopped = []
    for role in roles:
        # Again: children of one that was killed are not hidden behind it any more.
        while found := [process.pid for process in _marked(paths) if process.role == role]:
            if role not in stopped:
                stopped.append(role)
            _signal(found, signal.SIGTERM)
            if alive := _wait_gone(found, grace_seconds):
                _signal(alive, signal.SIGKILL)
                if _wait_gone(alive, _KILL_SECONDS):
                    break  # the kernel holds it
    return stopped


def end_abandoned_plugins(lock: Path) -> list[str]:
    """End the plugins of an engine that was killed, and return their names; none while an engine holds the lock.

    An engine hands the sandbox's lock down to its plugins. Those in Python end with their engine; the Kubernetes
    provider asks every five minutes whether its engine is there (rpcutil.Healthcheck in pkg/resource/provider/main.go
    of Pulumi 3.246.0), and would hold the next command up for as long. What it had sent stays sent, as when it is
    killed with its engine: the next update refreshes.
    """
    holders = {process.pid: process.name() for process in _holding(lock)}
    if "pulumi" in holders.values():
        return []
    abandoned = {pid: name for pid, name in holders.items() if name.startswith("pulumi-resource-")}
    _signal(list(abandoned), signal.SIGTERM)
    if alive := _wait_gone(list(abandoned), _KILL_SECONDS):
        _signal(alive, signal.SIGKILL)
        _wait_gone(alive, _KILL_SECONDS)
    return sorted(abandoned.values())


def _holding(file: Path) -> list[psutil.Process]:
    """The processes that have a file open, without those of other users."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(opened.path == str(file) for opened in process.open_files()):
                found.append(process)
    return found


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _wait_gone(pids: list[int], seconds: float) -> list[int]:
    """Waits until the processes have ended; returns those that have not. A zombie has: its parent may be slow."""
    deadline = time.monotonic() + seconds
    while alive := [pid for pid in pids if _is_alive(pid)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return alive


def _is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_until(
    ready: Callable[[], bool],
    paths: SandboxPaths,
    role: str,
    timeout_seconds: float,
    interval_seconds: float = 0.1,
) -> None:
    """Waits until a process answers.

    Raises:
        SandboxError: it ended, or did not answer in time; the message has the end of its log.
    """
    deadline = time.monotonic() + timeout_seconds
    while not ready():
        if role not in running(paths):
            raise SandboxError(f"{role} ended while it started.{_end_of_log(paths, role)}{_PORT_REMEDY}")
        if time.monotonic() > deadline:
            raise SandboxError(
                f"{role} does not answer after {timeout_seconds:.0f} s.{_end_of_log(paths, role)}"
            )
        time.sleep(interval_seconds)


def listens(paths: SandboxPaths, role: str, port: int) -> bool:
    """True if the role's own process, and no other, listens on a port."""
    process = running(paths).get(role)
    try:
        connections = psutil.Process(process.pid).net_connections("tcp") if process else []
    except psutil.Error:
        return False
    return any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in connections)


def log_of(paths: SandboxPaths, role: str) -> Path:
    """The file that takes a process's output."""
    return paths.logs / f"{role}.log"


def port_is_free(port: int) -> bool:
    """True if a loopback TCP port can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_ports(count: int) -> list[int]:
    """Different loopback TCP ports that are free at this moment, and stay so.

    Not those that the kernel would give: any connection that somebody opens may take one of them before the
    process that it is meant for listens on it (seen with two sandboxes starting at once).
    """
    candidates = list(_PORTS)
    random.SystemRandom().shuffle(candidates)
    free = itertools.islice((port for port in candidates if port_is_free(port)), count)
    return list(free)


def _marked(paths: SandboxPaths) -> list[RunningProcess]:
    found = []
    for process in psutil.process_iter():
        found_marks = _marks_of(process)
        # A child that a background process forked carries the same marks: it ends with its parent.
        if not found_marks or found_marks.get(_MARK) != str(paths.root):
            continue
        if _marks_of(process.parent()) != found_marks:
            found.append(
                RunningProcess(role=found_marks[_ROLE], pid=process.pid, started=process.create_time())
            )
    return sorted(found, key=lambda process: process.role)


def _marks_of(process: psutil.Process | None) -> dict[str, str] | None:
    """The marks of a live process; None for another's, for one that is gone, and for one that carries none."""
    try:
        if process is None or process.status() == psutil.STATUS_ZOMBIE:
            return None
        environment = process.environ()
    except psutil.Error:
        return None
    return {key: environment[key] for key in (_MARK, _ROLE)} if _MARK in environment else None


def _end_of_log(paths: SandboxPaths, role: str) -> str:
    log = log_of(paths, role)
    lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES_SHOWN:] if log.exists() else []
    return f" Its log {log} ends with:\n" + "\n".join(f"  {line}" for line in lines)
