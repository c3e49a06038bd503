"""Quantities that carry their unit in text ("440MiB", "100ms") and are types in code.

The one leaf beneath the leaves: engines, hardware and the catalog all speak of bytes and time.
"""

from quantities.size import Bytes
from quantities.time import Duration, format_duration, parse_duration

__all__ = ["Bytes", "Duration", "format_duration", "parse_duration"]
