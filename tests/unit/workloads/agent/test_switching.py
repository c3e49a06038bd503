"""What the agent does, start to end, in a world that behaves as TorchServe was measured to."""

import pytest

from tests.unit.workloads.agent.samples import GRACE, MODEL, configuration, digest, key, registered
from tests.unit.workloads.agent.world import World
from workloads.agent.configuration import Configuration
from workloads.agent.state import Failure
from workloads.agent.steps import Fetch, Load, Register, SetDefault, Step, Unregister, Warm

OWN = {
    stage: Failure(stage, "it is broken", own_fault=True) for stage in ("fetch", "register", "load", "smoke")
}
SOURCE_AWAY = Failure("fetch", "503 Slow Down", own_fault=False)
DISK_FULL = Failure("disk", "no room", own_fault=False)


def serving(*versions: str, default: str) -> World:
    world = World(configuration(*versions, default=default))
    world.settle()
    assert world.default(MODEL) == default
    world.done.clear()
    return world


def kinds(steps: list[Step]) -> list[type[object]]:
    return [type(step) for step in steps]


def test_an_empty_server_gets_its_default_first() -> None:
    world = World(configuration("1", "2", default="2"))
    world.settle()
    assert kinds([step for step in world.done if getattr(step, "key", None) == key("2")]) == [
        Fetch,
        Register,
        Load,
        Warm,
    ]
    assert [step.key.version for step in world.done if isinstance(step, Register)] == ["2", "1"]
    assert world.default(MODEL) == "2"


def test_a_new_default_takes_over_after_its_smoke_input_and_the_old_one_leaves_after_the_grace() -> None:
    world = serving("1", default="1")
    world.desired = configuration("2", default="2")
    world.settle(GRACE - 1)
    assert kinds(world.done) == [Fetch, Register, Load, Warm, SetDefault]
    assert world.registered() == {key("1"), key("2")}
    world.settle(1)
    assert world.registered() == {key("2")}


def test_a_rollback_to_a_version_that_still_runs_is_one_step() -> None:
    world = serving("1", "2", default="2")
    world.desired = configuration("1", "2", default="1")
    world.settle(2 * GRACE)
    assert world.done == [SetDefault(key("1"))]


def test_a_rollback_within_the_grace_finds_the_old_version_there() -> None:
    world = serving("1", default="1")
    world.desired = configuration("2", default="2")
    world.settle(GRACE / 2)
    world.done.clear()
    world.desired = configuration("1", default="1")
    world.settle()
    assert world.done == [SetDefault(key("1"))]


@pytest.mark.parametrize("stage", OWN)
def test_a_version_that_is_broken_at_any_stage_never_becomes_the_default(stage: str) -> None:
    world = serving("1", default="1")
    world.broken[key("2")] = OWN[stage]
    world.desired = configuration("2", default="2")
    world.settle(10 * GRACE)
    assert world.default(MODEL) == "1"
    assert world.registered() == {key("1")}
    assert not [step for step in world.done if isinstance(step, SetDefault)]
    assert world.not_ready() is None


@pytest.mark.parametrize("failure", [*OWN.values(), SOURCE_AWAY, DISK_FULL], ids=lambda failure: str(failure))
def test_what_was_mended_takes_over_by_itself(failure: Failure) -> None:
    world = serving("1", default="1")
    world.broken[key("2")] = failure
    world.desired = configuration("2", default="2")
    world.settle(GRACE)
    world.broken.clear()
    world.settle(300 + GRACE)
    assert world.default(MODEL) == "2"
    assert world.registered() == {key("2")}


def test_attempts_come_at_growing_intervals() -> None:
    world = serving("1", default="1")
    world.broken[key("2")] = OWN["fetch"]
    world.desired = configuration("1", "2", default="1")
    world.settle(1000)
    assert 7 <= len([step for step in world.done if isinstance(step, Fetch)]) <= 11


def test_an_archive_that_moved_is_tried_at_once() -> None:
    world = serving("1", default="1")
    world.broken[key("2")] = OWN["fetch"]
    world.desired = configuration("2", default="2")
    world.settle(200)
    world.broken.clear()
    spec = world.desired.models[MODEL]["2"]
    moved = type(spec.archive)(digest=spec.archive.digest, location="elsewhere.mar")
    world.desired = Configuration({MODEL: {"2": type(spec)(archive=moved, default=True, smoke=spec.smoke)}})
    world.settle()
    assert world.default(MODEL) == "2"


def test_one_broken_model_does_not_keep_the_pod_from_being_ready() -> None:
    both = {**configuration("1", default="1").models, **configuration("1", default="1", model="de").models}
    world = World(Configuration(both))
    world.broken[key("1", "de")] = OWN["load"]
    world.settle()
    assert world.not_ready() is None
    assert world.default("de") is None


@pytest.mark.parametrize("failure", [SOURCE_AWAY, DISK_FULL], ids=lambda failure: failure.stage)
def test_a_new_pod_that_cannot_fetch_is_not_ready_so_that_the_old_ones_stay(failure: Failure) -> None:
    both = {**configuration("1", default="1").models, **configuration("7", default="7", model="de").models}
    world = World(Configuration(both))
    world.broken[key("7", "de")] = failure
    world.settle(GRACE)
    assert world.not_ready() == "not tried yet since TorchServe started: de"


def test_another_version_is_not_made_the_default_of_an_empty_server_while_the_source_is_away() -> None:
    world = World(configuration("1", "2", default="2"))
    world.broken[key("2")] = SOURCE_AWAY
    world.settle(GRACE)
    assert world.registered() == set()


def test_another_version_stands_in_where_the_default_is_broken_from_the_start() -> None:
    world = World(configuration("1", "2", default="2"))
    world.broken[key("2")] = OWN["smoke"]
    world.settle(GRACE)
    assert world.registered() == {key("1")}
    assert world.not_ready() is None


def test_a_server_where_nothing_works_is_not_ready() -> None:
    world = World(configuration("1", default="1"))
    world.broken[key("1")] = OWN["load"]
    world.settle(GRACE)
    assert world.not_ready() == "no model is servable"


def test_a_new_model_does_not_make_a_ready_pod_unready() -> None:
    world = serving("1", default="1")
    world.desired = Configuration(
        {**world.desired.models, **configuration("1", default="1", model="de").models}
    )
    world.look()
    assert world.not_ready() is None


def test_after_torchserve_restarts_the_pod_is_ready_only_once_the_defaults_are_back() -> None:
    world = serving("1", default="1")
    world.up = False
    world.look()
    assert world.not_ready() == "TorchServe does not answer"
    world.crash_torchserve()
    world.up = True
    world.look()
    assert world.not_ready() == "not tried yet since TorchServe started: fr_reader"
    world.settle()
    assert world.not_ready() is None
    assert not [step for step in world.done if isinstance(step, Fetch)]


def test_a_moment_without_an_answer_is_no_reason_to_warm_everything_again() -> None:
    world = serving("1", default="1")
    world.up = False
    world.settle(30)
    world.up = True
    world.settle()
    assert world.done == []
    assert world.not_ready() is None


def test_a_restart_amid_a_switch_brings_back_what_was_serving_although_it_left_the_configuration() -> None:
    world = serving("1", default="1")
    world.broken[key("2")] = OWN["load"]
    world.desired = configuration("2", default="2")
    world.settle()
    world.crash_torchserve()
    world.settle()
    assert world.default(MODEL) == "1"
    assert world.not_ready() is None


def test_a_drained_version_does_not_come_back_with_a_restart() -> None:
    world = serving("1", default="1")
    world.desired = configuration("2", default="2")
    world.settle(1)
    world.crash_torchserve()
    world.settle()
    assert world.registered() == {key("2")}


@pytest.mark.parametrize("default", ["1", "2"])
def test_a_model_that_was_taken_out_answers_until_the_grace_is_over_and_its_default_goes_last(
    default: str,
) -> None:
    world = serving("1", "2", default=default)
    world.desired = Configuration({})
    world.settle(GRACE - 1)
    assert world.registered() == {key("1"), key("2")}
    world.settle(1)
    assert world.registered() == set()
    assert world.done[-1] == Unregister(key(default), "drained")


def test_requests_that_still_wait_prolong_the_grace_once() -> None:
    world = serving("1", default="1")
    world.desired = configuration("2", default="2")
    world.settle()
    world._put(registered(key("1"), pending=3))
    world.settle(2 * GRACE - 1)
    assert key("1") in world.registered()
    world.settle(1)
    assert key("1") not in world.registered()


def test_archives_are_deleted_once_nothing_has_needed_them_for_a_grace() -> None:
    world = serving("1", default="1")
    world.desired = configuration("2", default="2")
    world.settle(2 * GRACE - 1)
    assert digest("1") in world.disk
    world.settle(10)
    assert set(world.disk) == {digest("2")}


def test_a_full_disk_is_cleared_of_unused_archives_at_once() -> None:
    world = serving("1", default="1")
    world.disk[digest("old")] = 1
    world.broken[key("2")] = DISK_FULL
    world.desired = configuration("1", "2", default="1")
    world.settle()
    assert set(world.disk) == {digest("1")}


def test_other_bytes_under_a_served_version_are_a_conflict_and_the_served_ones_stay() -> None:
    world = serving("1", default="1")
    changed = configuration("1", default="1").models[MODEL]["1"]
    other = type(changed.archive)(digest=digest("other"), location="1.mar")
    world.desired = Configuration({MODEL: {"1": type(changed)(archive=other, default=True)}})
    world.settle(10 * GRACE)
    assert world.registered() == {key("1")}
    world.crash_torchserve()
    world.settle()
    assert world.registered() == {key("1")}
    assert world.not_ready() is None
