"""`python -m sandbox.serving.keeper FILE`: does for one pod's processes what a kubelet does for its containers.

Starts sidecars, then the others; starts again what ends; ends all, the others before the sidecars, and removes the
pod's folder. It ends when its standard input does: so whatever becomes of the command that holds the other end, killed
or not, no process stays.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 10.0
"""Seconds before what ended is started again; doubled each time. A kubelet's go from 10 s to 5 minutes."""
_GRACE: Final = 10.0
_POLL: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """The keeper's instructions."""

    folder: Path
    """The folder, removed at the end."""
    link: Path
    """The link to the folder, removed at the end: by it `down` finds the folder of a keeper that was killed."""
    containers: list[dict[str, Any]]
    """name, command, environment, folder, log, sidecar."""

    def write(self, path: Path) -> None:
        """Write the file that the keeper reads; it may hold credentials."""
        path.touch(mode=0o600)
        content = {"folder": str(self.folder), "link": str(self.link), "containers": self.containers}
        path.write_text(json.dumps(content))

    @classmethod
    def read(cls, path: Path) -> Keeping:
        """The inverse of write."""
        content = json.loads(path.read_text())
        return cls(
            folder=Path(content["folder"]), link=Path(content["link"]), containers=content["containers"]
        )


class Kept:
    """One process that is started again whenever it ends. It leads a process group, which dies with it."""

    def __init__(self, container: Mapping[str, Any]) -> None:
        self.sidecar = bool(container["sidecar"])
        self._container = container
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._keep, name=str(container["name"]))

    def start(self) -> None:
        """Start the process and return at once."""
        self._thread.start()

    def stop(self) -> None:
        """Send SIGTERM to the group, and SIGKILL to what is left of it."""
        self._stopping.set()
        with self._lock:
            process = self._process
        if process is not None:
            _signal_group(process, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
            _signal_group(process, signal.SIGKILL)
        self._thread.join()

    def _keep(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            with Path(self._container["log"]).open("ab") as log:
                process = self._start(log)
            if process is None:
                return
            code = process.wait()
            _signal_group(process, signal.SIGKILL)
            if self._stopping.wait(pause):
                return
            sys.stderr.write(f"{self._container['name']} ended with {code} and is started again\n")
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _start(self, log: IO[bytes]) -> subprocess.Popen[bytes] | None:
        """Start the process unless it is to stop: under the lock, so that `stop` sees what was started."""
        with self._lock:
            if self._stopping.is_set():
                return None
            self._process = subprocess.Popen(
                self._container["command"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._container["folder"],
                env=self._container["environment"],
                start_new_session=True,
            )
            return self._process


def keep(keeping: Keeping, stop: threading.Event) -> None:
    """Keep the processes running until a stop is asked for."""
    kept = [Kept(container) for container in keeping.containers]
    try:
        for one in kept:
            one.start()
        stop.wait()
    finally:
        _stop_all(one for one in kept if not one.sidecar)
        _stop_all(one for one in kept if one.sidecar)
        shutil.rmtree(keeping.folder, ignore_errors=True)
        keeping.link.unlink(missing_ok=True)


def _stop_all(kept: Iterable[Kept]) -> None:
    threads = [threading.Thread(target=one.stop) for one in kept]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def main(path: Path) -> None:
    """Keeps what the file says from the first byte of standard input on, until that ends, or SIGTERM."""
    keeping = Keeping.read(path)
    path.unlink()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    # The terminal's Ctrl-C is for the command that holds the other end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    begin = threading.Event()

    def follow_input() -> None:
        # Not through sys.stdin: Python cannot end while a thread holds its lock.
        while os.read(0, 1024):
            begin.set()
        stop.set()

    threading.Thread(target=follow_input, daemon=True).start()
    while not begin.wait(_POLL) and not stop.is_set():
        continue
    keep(keeping, stop)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
