"""Where the configuration's text comes from: the mounted file, or a watch on the ConfigMap with the file behind it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Protocol

from workloads.agent.limits import LONGEST_CONFIGURATION
from workloads.artifacts.bounded import UnreadableError, read_file


class DocumentSource(Protocol):
    """Asked on every turn of the loop."""

    def text(self) -> str | None:
        """The newest text; None where there is none yet."""
        ...


class MountedFile:
    """A file that is replaced whole, as the kubelet does with a mounted ConfigMap. It arrives up to a minute late."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def text(self) -> str | None:
        """See text_of."""
        return text_of(self._path)


def text_of(path: Path) -> str | None:
    """Return the text of a file with a configuration, or None where there is no file.

    What is too long is cut where a reader still sees that it is, and what is no UTF-8 becomes what no configuration
    may hold: both are refused, with a reason, by whoever reads the text.
    """
    try:
        return read_file(path, LONGEST_CONFIGURATION).decode("utf-8", "surrogateescape")
    except (OSError, UnreadableError):
        return None


class WatchedDocument:
    """The text that a watch last gave. While the watch is lost, the file takes over once it changes: at first it may be
    older than what the watch gave."""

    def __init__(self, fallback: DocumentSource) -> None:
        self._fallback = fallback
        self._lock = threading.Lock()
        self._told: str | None = None
        self._watching = False
        self._file_at_loss: str | None = None

    def told(self, text: str | None) -> None:
        """The watch is up, and this is the text; None where the ConfigMap is gone, which changes nothing."""
        with self._lock:
            self._watching = True
            self._told = text if text is not None else self._told

    def lost(self) -> None:
        """The watch is down."""
        fallback = self._fallback.text()
        with self._lock:
            if self._watching:
                self._file_at_loss = fallback
            self._watching = False

    def text(self) -> str | None:
        """The newest text of the two."""
        fallback = self._fallback.text()
        with self._lock:
            if self._told is None:
                return fallback
            if self._watching or fallback is None or fallback == self._file_at_loss:
                return self._told
            return fallback
