"""Many threads bring the parts of one file, and its SHA-256 is computed in the parts' order."""

from __future__ import annotations

import hashlib
import threading
from typing import Final

from artifacts.storage.parallel import StoppedError

_LOOK_SECONDS: Final = 0.5
"""The time after which a thread that waits for the part before its own looks whether the work has ended."""


class OrderedHash:
    """Takes parts in the order of their numbers, from 1 on: who brings one too early waits.

    Nobody waits for ever where parts begin in order: the one that is waited for is under way.
    """

    def __init__(self, halt: threading.Event) -> None:
        """`halt` ends all waits."""
        self._digest = hashlib.sha256()
        self._next = 1
        self._halt = halt
        self._turned = threading.Condition()

    def update(self, number: int, content: bytes | bytearray) -> None:
        """Add a part, once all before it were added. Raises StoppedError where the work ends before that."""
        with self._turned:
            while self._next != number:
                if self._halt.is_set():
                    raise StoppedError
                self._turned.wait(_LOOK_SECONDS)
            self._digest.update(content)
            self._next += 1
            self._turned.notify_all()

    def hexdigest(self) -> str:
        """Return the SHA-256 of all parts so far."""
        return self._digest.hexdigest()
