"""No test can hang for ever."""

from pathlib import Path

import pytest

from tests.conftest import SECONDS

TESTS = Path(__file__).parents[1]


def test_every_tier_has_a_time_limit() -> None:
    tiers = {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")}
    assert tiers == set(SECONDS)


def test_a_test_has_the_limit_of_its_tier(request: pytest.FixtureRequest) -> None:
    marker = request.node.get_closest_marker("timeout")
    assert marker is not None
    assert marker.args == (SECONDS["unit"],)


def test_a_test_that_hangs_fails_by_its_name(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import time, pytest\n@pytest.mark.timeout(1)\ndef test_hangs(): time.sleep(60)\n")
    outcome = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    outcome.assert_outcomes(failed=1)
    outcome.stdout.fnmatch_lines(["*test_hangs*", "*Timeout*"])
