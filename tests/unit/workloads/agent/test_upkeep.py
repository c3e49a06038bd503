"""What the agent does beside switching: workers, strangers, a clock that jumps, what it finds after a crash."""

from tests.unit.workloads.agent.samples import GRACE, MODEL, configuration, key, registered, weights
from tests.unit.workloads.agent.test_switching import OWN, kinds, serving
from tests.unit.workloads.agent.world import World
from workloads.agent.configuration import Configuration
from workloads.agent.state import Failure, InForce
from workloads.agent.steps import CollectWeights, Fetch, FetchWeights, Forget, Load, Register, Unregister


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


W = weights("w").digest


def test_a_thin_archive_is_fetched_then_its_weights_then_it_is_registered() -> None:
    world = World(configuration("1", default="1", with_weights={"1": "w"}))
    world.settle()
    assert kinds(world.done)[:3] == [Fetch, FetchWeights, Register]
    assert world.files == {(MODEL, "1"): InForce(W)}


def test_weights_that_two_versions_share_are_fetched_once() -> None:
    world = World(configuration("1", "2", default="1", with_weights={"1": "w", "2": "w"}))
    world.settle()
    assert kinds(world.done).count(FetchWeights) == 1


def test_a_handler_only_patch_fetches_an_archive_and_no_weights() -> None:
    world = World(configuration("1", default="1", with_weights={"1": "w"}))
    world.settle()
    world.done.clear()
    world.desired = configuration("1.1", default="1.1", with_weights={"1.1": "w"})
    world.settle(3 * GRACE)
    assert kinds(world.done).count(Fetch) == 1
    assert not {FetchWeights, CollectWeights} & set(kinds(world.done))
    assert set(world.weights) == {W}


def test_weights_stay_while_a_version_drains_and_go_a_grace_after_it_is_gone() -> None:
    world = World(configuration("1", default="1", with_weights={"1": "w"}))
    world.settle()
    world.desired = configuration("2", default="2")
    world.settle(2 * GRACE - 5)
    assert world.registered() == {key("2")}
    assert set(world.weights) == {W}
    world.settle(10)
    assert world.weights == {}


def test_an_agent_that_lost_its_memory_keeps_the_weights_of_what_it_finds_registered() -> None:
    world = World(configuration("1", default="1", with_weights={"1": "w"}))
    world.settle()
    world.desired = configuration("2", default="2", with_weights={"2": "v"})
    world.broken[key("2")] = OWN["load"]
    world.crash_agent(keeps_memory=False)
    world.settle(5 * GRACE)
    assert world.default(MODEL) == "1"
    assert W in world.weights


def test_weights_that_were_left_half_go_once_nobody_wants_them() -> None:
    world = World(configuration("1", "2", default="1", with_weights={"2": "w"}))
    world.broken[key("2")] = Failure("weights", "503 Slow Down", own_fault=False)
    world.settle(5)
    assert world.begun == {W}
    world.desired = configuration("1", default="1")
    world.settle(GRACE + 5)
    assert world.begun == set()


def test_a_full_disk_frees_unused_weights_at_once() -> None:
    world = World(configuration("1", default="1", with_weights={"1": "w"}))
    world.settle()
    world.desired = configuration("2", default="2")
    world.settle(GRACE + 1)
    assert set(world.weights) == {W}
    world.broken[key("3")] = Failure("disk", "no room", own_fault=False)
    world.desired = configuration("2", "3", default="2")
    world.turn()
    world.turn()
    assert world.weights == {}


def test_weights_that_another_version_fetched_end_this_one_s_waiting() -> None:
    world = World(configuration("1", default="1", with_weights={"1": "w"}))
    world.broken[key("1")] = Failure("weights", "503 Slow Down", own_fault=False)
    world.settle(60)
    assert world.memory.record(key("1")).retry_at > world.now
    world.desired = configuration("1", "2", default="1", with_weights={"1": "w", "2": "w"})
    world.settle(0)
    assert world.registered() == {key("1"), key("2")}


def test_weights_that_many_models_share_are_asked_for_no_more_often_than_those_of_one() -> None:
    """Each attempt may read gigabytes until it meets the byte that is wrong."""

    def attempts(count: int) -> int:
        models = [
            configuration("1", default="1", model=f"m{number}", with_weights={"1": "w"}).models
            for number in range(count)
        ]
        world = World(
            Configuration(models={name: specs for model in models for name, specs in model.items()})
        )
        for name in world.desired.models:
            world.broken[key("1", name)] = Failure("weights", "other bytes", own_fault=True)
        world.settle(600)
        assert all(world.memory.record(key("1", name)).broken for name in world.desired.models)
        assert world.not_ready() == "no model is servable"
        return kinds(world.done).count(FetchWeights)

    assert attempts(25) == attempts(1) < 12


def test_a_file_that_an_agent_left_when_it_died_is_deleted() -> None:
    world = serving("1", default="1")
    world.files[MODEL, "0"] = InForce()
    world.files["gone", "1"] = InForce()
    world.settle()
    assert world.done == [Forget(MODEL, "0"), Forget("gone", "1")]
    assert set(world.files) == {(MODEL, "1")}


def test_files_are_kept_while_torchserve_does_not_say_what_it_has() -> None:
    world = serving("1", default="1")
    world.files[MODEL, "0"] = InForce()
    world.up = False
    world.settle()
    assert (MODEL, "0") in world.files


def test_a_served_version_whose_weights_cannot_be_had_serves_on_and_asks_with_growing_pauses() -> None:
    world = serving("1", default="1")
    world.desired = configuration("1", default="1", with_weights={"1": "w"})
    world.broken[key("1")] = Failure("weights", "503 Slow Down", own_fault=False)
    world.settle(60)
    assert 4 <= kinds(world.done).count(FetchWeights) <= 6
    assert world.default(MODEL) == "1"
    assert world.not_ready() is None
