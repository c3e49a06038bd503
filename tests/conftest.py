"""What holds in every tier: Ctrl-C works, and a test that hangs fails by its name.

A shell that starts tests in the background leaves SIGINT ignored, and what they start would inherit that.
"""

import signal
from pathlib import Path
from typing import Final

import pytest

pytest_plugins = ["pytester"]

signal.signal(signal.SIGINT, signal.default_int_handler)

SECONDS: Final = {"unit": 300, "browser": 300, "engine": 1800, "e2e": 900}
"""Tier → the longest that a test may take with its fixtures, on a machine that also does other work: the slowest engine
test took 9 minutes on 2 cores with a load of 8 (2026-11-29)."""

_TIERS: Final = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        tier = item.path.relative_to(_TIERS).parts[0]
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SECONDS[tier]))
