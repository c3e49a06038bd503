"""A plugin's process: the engine starts it with its address and reads its port; it ends with the engine or before.

The engine normally ends its plugins itself; a killed engine cannot. `PR_SET_PDEATHSIG` is no help: it fires
when the *thread* that forked exits, and a Go parent forks from threads that come and go.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import grpc

_INTERVAL_SECONDS: Final = 0.5
_CONNECT_SECONDS: Final = 5.0


def engine_address(arguments: Sequence[str], what: str) -> str:
    """The last word of the engine's command line; ends this process, saying what it is, when a person started it."""
    addresses = [word for word in arguments if not word.startswith("-")]
    if not addresses:
        sys.stderr.write(f"this is a Pulumi {what}: the engine starts it, with its own address\n")
        sys.exit(2)
    return addresses[-1]


def serve_until_ended(server: grpc.Server, address: str) -> None:
    """Serves on a free port of loopback, says which, and returns once the engine ends this process or is gone."""
    port = server.add_insecure_port("127.0.0.1:0")
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    server.start()
    end_with_parent(ended.set, address)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    ended.wait()


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
