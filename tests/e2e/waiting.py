"""Waiting for conditions, never for time."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
_LOOK_EVERY = 0.02


def until(condition: Callable[[], Found], what: str, *, seconds: float = 60.0) -> Found:
    """What the condition gives once it is true. Fails when it is not within the seconds, with the last value."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}; at last: {found!r}")
        pause.wait(_LOOK_EVERY)
