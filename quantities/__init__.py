"""Quantities that carry their unit in text ("440MiB", "100ms", "99.5%") and are types in code.

The lowest package: engines, hardware and the catalog all use its bytes and times.
"""

from quantities.numbers import Count, Flag, Number
from quantities.parameters import ParameterCount
from quantities.percent import Percent
from quantities.size import Bytes
from quantities.time import Duration, format_duration, parse_duration
from quantities.words import counted

__all__ = [
    "Bytes",
    "Count",
    "Duration",
    "Flag",
    "Number",
    "ParameterCount",
    "Percent",
    "counted",
    "format_duration",
    "parse_duration",
]
