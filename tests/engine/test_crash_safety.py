"""A sample of `make chaos`: one process is killed, and the next command puts everything right."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine import crashes
from tests.engine.chaos import Scenario, run
from tests.engine.clones import Clone, new_clone
from tests.engine.crashes import KillPoint

pytestmark = pytest.mark.engine

MIDDLE = KillPoint(victim="engine", pattern=r"aws:eks:NodeGroup .* creating", loses_answers=True)


@pytest.fixture(scope="module", name="clone")
def _clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    clone = new_clone(tmp_path_factory.mktemp("crash"))
    try:
        yield clone
    finally:
        clone.sandbox.stop()


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(name="the engine, while answers are under way", point=MIDDLE),
        Scenario(
            name="the engine, while answers are under way; then down", point=MIDDLE, then=("sandbox", "down")
        ),
        Scenario(
            name="the AWS provider",
            point=KillPoint(victim="aws provider", pattern=r"aws:ec2:Subnet .* creating"),
        ),
        Scenario(
            name="the engine, while a ConfigMap is replaced",
            point=KillPoint(victim="engine", pattern=crashes.REPLACING, loses_answers=True),
            deployed=True,
            edits=True,
        ),
    ],
    ids=lambda scenario: scenario.name,
)
def test_after_a_kill_the_next_command_leaves_no_duplicate_no_orphan_and_no_process(
    clone: Clone, scenario: Scenario
) -> None:
    try:
        assert run(clone, scenario).outcome == "converged"
    finally:
        crashes.wipe(clone)
