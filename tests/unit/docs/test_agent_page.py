import re
from pathlib import Path

from tests.unit.workloads.agent.samples import configuration
from workloads.agent import read_configuration
from workloads.agent.api import LONGEST_REQUEST_LINE, REQUEST_SECONDS
from workloads.agent.limits import LONGEST_REQUEST, MOST_CONNECTIONS
from workloads.agent.metrics import Counters, Gauges, render
from workloads.agent.state import Memory, Observed
from workloads.agent.status import STATES, Situation

PAGE = (Path(__file__).parents[3] / "docs/agent.md").read_text(encoding="utf-8")


def test_the_configuration_on_the_agent_s_page_is_one() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert sorted(read_configuration(block).models) == ["fr_reader"]


def test_the_agent_s_page_says_what_its_server_takes_of_a_client() -> None:
    said = re.search(
        r"lines of over (\d+) KiB \(414\) and requests of over (\d+) KiB \(431\),\nclose what has not come or gone "
        r"within (\d+) s, and the (\d+)th connection",
        PAGE,
    )
    assert said is not None
    assert [int(number) for number in said.groups()] == [
        LONGEST_REQUEST_LINE >> 10,
        LONGEST_REQUEST >> 10,
        REQUEST_SECONDS,
        MOST_CONNECTIONS + 1,
    ]


def test_the_agent_s_page_names_every_metric_and_every_state() -> None:
    seen = Situation(configuration("1", default="1"), Observed(answers=False), Memory(), 0.0)
    rendered = render(seen, Counters(), Gauges(configuration_valid=True, free_bytes=1, turned_at=0.0))
    assert set(re.findall(r"`(slipway_agent_\w+)`", PAGE)) == set(re.findall(r"# TYPE (\S+)", rendered))
    assert [state for state in STATES if f"`{state}`" not in PAGE] == []
