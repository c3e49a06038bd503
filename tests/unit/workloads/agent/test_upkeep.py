"""What the agent does beside switching: workers, strangers, a clock that jumps, what it finds after a crash."""

from tests.unit.workloads.agent.samples import GRACE, MODEL, configuration, key, registered
from tests.unit.workloads.agent.test_switching import OWN, kinds, serving
from tests.unit.workloads.agent.world import World
from workloads.agent.configuration import Configuration
from workloads.agent.steps import Fetch, Load, Unregister


def test_workers_that_torchserve_gave_up_on_are_replaced() -> None:
    world = serving("1", default="1")
    world.kill_workers(key("1"))
    world.settle(100)
    assert world.done == []
    world.settle(100)
    assert world.models[MODEL].versions["1"].ready == 1


def test_a_version_that_somebody_else_registered_is_taken_out_after_a_grace() -> None:
    world = serving("1", default="1")
    world._put(registered(key("9")))
    world.settle(GRACE + 5)
    assert world.done == [Unregister(key("9"), "drained")]


def test_more_workers_are_started_in_place() -> None:
    world = serving("1", default="1")
    world.desired = configuration("1", default="1", workers=3)
    world.settle()
    assert kinds(world.done) == [Load]
    assert world.models[MODEL].versions["1"].ready == 3


def test_fewer_workers_wait_for_the_next_registration_since_torchserve_cuts_what_they_do() -> None:
    world = World(configuration("1", default="1", workers=2))
    world.settle()
    world.done.clear()
    world.desired = configuration("1", default="1", workers=1)
    world.settle(GRACE)
    assert world.done == []


def test_a_found_default_that_fails_its_smoke_input_stays_until_another_takes_over() -> None:
    world = serving("1", default="1")
    world.broken[key("1")] = OWN["smoke"]
    world.crash_agent(keeps_memory=False)
    world.settle(GRACE)
    assert world.default(MODEL) == "1"
    world.desired = configuration("1", "2", default="2")
    world.settle()
    assert world.registered() == {key("2")}


def test_a_clock_that_is_set_back_does_not_prolong_a_drain() -> None:
    world = serving("1", default="1")
    world.desired = configuration("2", default="2")
    world.settle()
    world.now -= 100_000
    world.settle(GRACE + 5)
    assert world.registered() == {key("2")}


def test_a_clock_that_is_set_back_does_not_put_off_the_next_attempt_for_longer_than_the_longest_pause() -> (
    None
):
    world = serving("1", default="1")
    world.broken[key("2")] = OWN["fetch"]
    world.desired = configuration("2", default="2")
    world.settle()
    world.broken.clear()
    world.now -= 900
    world.settle(305)
    assert world.default(MODEL) == "2"


def test_an_archive_that_two_models_share_is_fetched_once() -> None:
    both = {**configuration("1", default="1").models, **configuration("1", default="1", model="de").models}
    world = World(Configuration(both))
    assert [type(step) for step in world.look()] == [Fetch]
