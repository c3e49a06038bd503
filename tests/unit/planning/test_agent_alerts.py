"""The alert on an agent whose turns fail: by the parts that the agent counts, and after more than one error."""

import re
from datetime import timedelta
from pathlib import Path

from model_catalog import Environment
from planning import TorchServePlan, make_plan
from planning.observability import Alert, server_alerts
from tests.support.pools import POOLS
from tests.unit.planning.entries import SHARED_CATALOG

LOOP = Path(__file__).parents[3] / "workloads/agent/loop.py"


def alert() -> Alert:
    (server,) = make_plan(SHARED_CATALOG, Environment.SANDBOX, POOLS).servers
    assert isinstance(server, TorchServePlan)
    (found,) = (one for one in server_alerts(server, "serving") if one.name == "SlipwayAgentFails")
    return found


def test_it_says_of_every_part_of_a_turn_what_does_not_happen_then() -> None:
    counted = set(re.findall(r'guarded\(\s*"(\w+)"', LOOP.read_text(encoding="utf-8")))
    explained = set(re.findall(r"[(; ](\w+): ", alert().description))
    # Of a whole turn nothing is left to say, and resuming happens once.
    assert counted - {"resume", "turn"} == explained & counted
    assert "{{ $labels.part }}" in alert().summary


def test_one_error_alone_is_over_before_anybody_hears_of_it() -> None:
    (minutes,) = re.findall(r"\[(\d+)m\]", alert().expression)
    assert alert().hold > timedelta(minutes=int(minutes))
    assert "sum by (part) (increase(" in alert().expression
