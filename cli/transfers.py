"""How far a long transfer is, for a person who watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from cli.console import ERR

if TYPE_CHECKING:
    from artifacts.storage import Progress

_REPORT_SECONDS: Final = 0.5


def transfer_reporter(done: str) -> Callable[[Progress], None]:
    """A line on standard error now and then, where it is a terminal."""
    shown = [time.monotonic()]

    def report(progress: Progress) -> None:
        now = time.monotonic()
        if now - shown[0] >= _REPORT_SECONDS:
            shown[0] = now
            ERR.print(f"{done} {progress.size:,} of {progress.size_total:,} bytes", markup=False, end="\r")

    return report if sys.stderr.isatty() else lambda _: None
