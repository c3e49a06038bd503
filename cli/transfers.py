"""A long transfer says how far it is: on a line that is written over at a terminal, and now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from cli.console import ERR

if TYPE_CHECKING:
    from artifacts.storage import Progress

_TERMINAL_SECONDS: Final = 0.5
_LOG_SECONDS: Final = 30.0


def transfer_reporter(done: str) -> Callable[[Progress], None]:
    """Return what prints bytes, rate and time left on standard error now and then; `done` says what happens to them."""
    terminal = sys.stderr.isatty()
    began = shown = time.monotonic()

    def report(progress: Progress) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= (_TERMINAL_SECONDS if terminal else _LOG_SECONDS):
            shown = now
            line = progress_line(done, progress, now - began)
            # The rest of a longer line before it is written over.
            ERR.print(f"{line:<79}" if terminal else line, markup=False, end="\r" if terminal else "\n")

    return report


def progress_line(done: str, progress: Progress, seconds: float) -> str:
    """The line, as in `copied 1,000,000 of 4,000,000 bytes (25%), 89.5 MB/s, 36 s left`, `seconds` after the start."""
    share = 100 * progress.size // progress.size_total if progress.size_total else 100
    line = f"{done} {progress.size:,} of {progress.size_total:,} bytes ({share}%)"
    if not progress.size or seconds <= 0:
        return line
    rate = progress.size / seconds
    left = (progress.size_total - progress.size) / rate
    return f"{line}, {rate / 1e6:,.1f} MB/s, {_duration(left)} left"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, hours = whole // 60, whole // 3600
    return f"{minutes} min" if minutes < 60 else f"{hours} h {minutes % 60} min"
