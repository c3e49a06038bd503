"""A request is tried a bounded number of times: what passes by itself is waited out, for a bounded time.

The Hub counts requests in windows of five minutes, and says in `RateLimit` or `Retry-After` how long one of them still
lasts (https://huggingface.co/docs/hub/rate-limits).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from artifacts.errors import HubError
from artifacts.storage.parallel import StoppedError

MOST_FAILURES: Final = 10
"""The tries of one request. With the pauses below they take two and a half minutes where the Hub names no time."""

_LONGEST_PAUSE: Final = 30.0
"""Seconds between two tries where the Hub names no time."""

LONGEST_WAIT: Final = 600.0
"""Seconds that the Hub may ask to wait: twice its window."""

_RESET: Final = re.compile(r";\s*t\s*=\s*(\d+)")
"""`"resolvers";r=0;t=55`: draft-ietf-httpapi-ratelimit-headers-09."""


class PassingError(HubError):
    """The failure may pass: a connection that broke, a server that throttles or fails."""

    def __init__(self, said: str, *, wait: float | None = None) -> None:
        self.said, self.wait = said, wait
        super().__init__(said)


@dataclass(kw_only=True)
class Patience:
    """The tries of one request."""

    halt: threading.Event
    """Ends every wait at once."""
    first_pause: float
    """Seconds; each pause is twice the one before."""
    failures: int = 0

    def wait_out(self, error: PassingError) -> None:
        """Wait before the next try.

        Raises:
            HubError: it was tried often enough, or the Hub asks for more time than anybody waits.
            StoppedError: the work ended meanwhile.
        """
        self.failures += 1
        if error.wait is not None and error.wait > LONGEST_WAIT:
            raise HubError(
                f"{error.said}, and asks to wait {error.wait:,.0f} s. Fix: run it again then; what was copied is kept"
            ) from error
        if self.failures >= MOST_FAILURES:
            raise HubError(
                f"{error.said}, {self.failures} times one after the other. Fix: see that the network and the Hub are "
                "well, and run it again; what was copied is kept"
            ) from error
        pause = min(self.first_pause * 2 ** (self.failures - 1), _LONGEST_PAUSE)
        if self.halt.wait(pause if error.wait is None else error.wait):
            raise StoppedError


def asked_wait(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds that an answer asks to wait; None where it names no time."""
    written = headers.get("Retry-After", "").strip()
    if written.isdecimal():
        return float(written)
    if written and (moment := _moment(written)) is not None:
        return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
    reset = _RESET.search(headers.get("RateLimit", ""))
    return float(reset[1]) if reset else None


def _moment(written: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(written)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
