"""What every command shares: where output goes, and how a failure ends. `:x:` in a text is no picture."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Final

from rich.console import Console

OUT: Final = Console(soft_wrap=True, highlight=False, emoji=False, width=None if sys.stdout.isatty() else 200)
"""Results: what a person reads or a program parses."""

ERR: Final = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)
"""Progress and errors."""

CLONE: Final = Path(__file__).resolve().parents[1]
"""The checkout that this command line belongs to; its catalog, stacks and sandbox are meant."""

EXIT_WRONG: Final = 1
"""The catalog or the request is wrong."""

EXIT_OUTSIDE: Final = 3
"""Something outside failed: the engine, a download, a process."""


def report(line: str) -> None:
    """One line of progress."""
    ERR.print(line, markup=False, style="dim" if ERR.is_terminal else None)


def printable(text: str) -> str:
    """Text on one line: as JSON writes it where it holds line ends, or what a terminal acts on or hides."""
    return text if text.isprintable() else json.dumps(text)


def debugging() -> bool:
    """Whether tracebacks are wanted (``slipway --debug`` or SLIPWAY_DEBUG)."""
    return bool(os.environ.get("SLIPWAY_DEBUG"))
