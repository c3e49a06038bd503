"""Ends a plugin with the process that started it.

The engine normally ends its plugins itself; a killed engine cannot. `PR_SET_PDEATHSIG` is no help: it fires
when the *thread* that forked exits, and a Go parent forks from threads that come and go.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Final

_INTERVAL_SECONDS: Final = 0.5


def end_with_parent(end: Callable[[], None]) -> None:
    """Calls ``end`` once, from a daemon thread, when the parent process of this one is gone."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_INTERVAL_SECONDS)
        end()

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
