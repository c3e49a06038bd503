"""A sample of `make chaos`: processes are killed, and the next command puts all right."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine import crashes
from tests.engine.chaos import REPLACED
from tests.engine.clones import Clone, Ran, new_clone
from tests.engine.crashes import Killed, KillPoint

pytestmark = pytest.mark.engine

UP = ("sandbox", "up", "--no-serve")
DOWN = ("sandbox", "down")


@pytest.fixture(name="clone")
def _clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    clone = new_clone(tmp_path_factory.mktemp("crash"))
    try:
        yield clone
    finally:
        clone.sandbox.stop()


def test_kills_in_up_and_in_a_replacement_leave_nothing_that_up_and_a_person_do_not_put_right(
    clone: Clone,
) -> None:
    """A provider that dies leaves no pending operation. What it had made is in no state: a Helm release of that name
    stops the next `up` until a person deletes it, as on a real account (docs/operations.md)."""
    deployment = r":Deployment gpu-g4dn-xlarge-torchserve-1\S* creating"
    _kill(clone, KillPoint(victim="kubernetes provider", pattern=deployment), *UP)
    clone.edit(*REPLACED)
    _kill(clone, KillPoint(victim="engine", pattern=crashes.REPLACING, loses_answers=True), *UP)
    mended = _kill(clone, KillPoint(victim="kube-scheduler", pattern=crashes.REFRESHING), *UP)
    assert "kube-scheduler ended, and is started again" in mended.output
    found = crashes.check(clone, Ran(mended.code, mended.output))
    if found.failed or found.strays:
        assert crashes.delete_by_hand(clone), str(found)
        found = crashes.check(clone, clone.slipway(*UP))
    assert str(found) == "converged"


def test_neither_a_half_made_stack_nor_what_it_lost_stands_in_the_way_of_a_down_that_is_killed_too(
    clone: Clone,
) -> None:
    _kill(clone, KillPoint(victim="engine", pattern=r"aws:eks:Cluster .* creating", loses_answers=True), *UP)
    _kill(clone, KillPoint(victim="aws provider", pattern=crashes.DELETING), *DOWN)
    assert str(crashes.check_gone(clone, clone.slipway(*DOWN))) == "converged"


def _kill(clone: Clone, point: KillPoint, *command: str) -> Killed:
    killed = crashes.run_and_kill(clone, point, *command)
    assert killed.line, f"the point was never reached: {killed.output[-1000:]}"
    return killed
