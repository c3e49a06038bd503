"""What is asked of every broken catalog."""

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from model_catalog import check_texts

LIMIT_SECONDS: Final = 2.0
TODAY: Final = date(2026, 11, 22)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one case went."""

    text: str
    """What is to complain of; empty where nothing is."""
    refused: bool
    seconds: float


def complaint(texts: Mapping[str, bytes]) -> Outcome:
    """Reads the catalog. It may be accepted or refused, never fail, never name a place that is not there."""
    started = time.perf_counter()
    try:
        checked = check_texts(texts, TODAY)
    except Exception:  # noqa: BLE001 - any exception is the finding
        return Outcome(text=traceback.format_exc(), refused=True, seconds=time.perf_counter() - started)
    seconds = time.perf_counter() - started
    found = [] if seconds < LIMIT_SECONDS else [f"took {seconds:.1f} s"]
    lines = {f"model_catalog/{path}": len(content.splitlines()) + 1 for path, content in texts.items()}
    for problem in checked.problems:
        if not 1 <= problem.line <= lines.get(problem.file, 0) or problem.column < 1:
            found.append(f"no such place: {problem}")
        if not problem.message or not problem.fix:
            found.append(f"says too little: {problem}")
        if "\n" in str(problem):
            found.append(f"is more than a line: {problem!s}")
    return Outcome(text="; ".join(found[:3]), refused=bool(checked.errors), seconds=seconds)
