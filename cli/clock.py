"""The one place where the command line asks what day it is. The catalog never does."""

from datetime import UTC, date, datetime


def today() -> date:
    """The day in UTC, the same for everybody who asks at one moment."""
    return datetime.now(UTC).date()
