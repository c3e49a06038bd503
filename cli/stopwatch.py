"""Where a long command's time went."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Wall-clock seconds of named steps, in order."""

    def __init__(self) -> None:
        self._steps: list[tuple[str, float]] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times one step, also when it fails."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._steps.append((name, time.monotonic() - began))

    def __str__(self) -> str:
        total = sum(seconds for _, seconds in self._steps)
        return f"{total:.0f} s: " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self._steps)
