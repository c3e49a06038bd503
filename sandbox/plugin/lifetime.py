"""Ends a plugin with the process that started it.

The engine normally ends its plugins itself; a killed engine cannot. `PR_SET_PDEATHSIG` is no help: it fires
when the *thread* that forked exits, and a Go parent forks from threads that come and go.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

_INTERVAL_SECONDS: Final = 0.5
_CONNECT_SECONDS: Final = 5.0


def end_with_parent(end: Callable[[], None], address: str) -> None:
    """Calls ``end`` once, from a daemon thread, when the parent process of this one is gone.

    Args:
        end: ends this process.
        address: host:port on which the parent, or what it works for, listens. Asked once: a parent that was gone
            before this process could look has left it to another, which never ends.
    """
    parent = os.getppid()

    def watch() -> None:
        if _listens(address):
            while os.getppid() == parent:
                time.sleep(_INTERVAL_SECONDS)
        end()

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()
    except OSError:
        return False
    return True
