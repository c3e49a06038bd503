"""Why a worker failed, from TorchServe's own log: its API says no more than "Failed to start workers"."""

from __future__ import annotations

import re
from pathlib import Path

from workloads.agent.configuration import Key
from workloads.artifacts.bounded import UnreadableError, read_tail

_TAIL = 64 * 1024
_LOADING = re.compile(r"Failed to load model \S+, exception (?P<reason>.*)")
_RAISED = re.compile(r"(?P<reason>[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt)\b.*)")


def last_reason(log: Path | None, key: Key) -> str:
    """The last exception that the version's workers wrote, or "" where the log says nothing or cannot be read."""
    if log is None:
        return ""
    of_worker = re.compile(
        rf"W-\d+-{re.escape(key.model)}_{re.escape(key.version)}-std\w+ MODEL_LOG - (?P<text>.*)"
    )
    said = [match["text"] for match in map(of_worker.search, _tail(log).splitlines()) if match]
    for text in reversed(said):
        loading = _LOADING.match(text)
        if loading:
            return loading["reason"]
        raised = _RAISED.match(text)
        if raised and "500 - Unknown exception" not in text:
            return raised["reason"]
    return ""


def _tail(log: Path) -> str:
    try:
        return read_tail(log, _TAIL).decode("utf-8", "replace")
    except (OSError, UnreadableError):
        return ""
