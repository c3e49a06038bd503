"""`slipway sandbox serve` under way, and what it needs."""

import re
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from sandbox.serving import runtime
from sandbox.serving.runtime import RuntimeUnavailable, TorchServeRuntime

T = TypeVar("T")


def installed_runtime() -> TorchServeRuntime:
    """Where it can be installed, it has to be there: then nothing is skipped."""
    try:
        return runtime.ensure(print) if runtime.can_install() else runtime.find(print)
    except RuntimeUnavailable as error:
        if runtime.can_install():
            pytest.fail(f"TorchServe can be had on this machine, and is not: {error}", pytrace=False)
        pytest.skip(f"TorchServe cannot be had on this machine: {error}")


@dataclass
class Serving:
    """`slipway sandbox serve` under way, and what it has printed."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.lines.append(line)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(20)

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def until(self, pattern: str, seconds: float = 180) -> re.Match[str]:
        def look() -> re.Match[str] | None:
            found = re.search(pattern, self.output)
            assert found or self.process.poll() is None, f"it ended:\n{self.output}"
            return found

        return until(look, f"it prints {pattern}", seconds)


def until(look: Callable[[], T | None], what: str, seconds: float = 60) -> T:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.1)
    return found
