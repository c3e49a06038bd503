"""Whatever dies whenever, the agent ends at its configuration, and no caller meets a version that nobody allowed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.workloads.agent.samples import GRACE, MODEL, configuration, key
from tests.unit.workloads.agent.world import World
from workloads.agent.configuration import Configuration
from workloads.agent.state import Failure

WANTED = [
    configuration("1", default="1"),
    configuration("1", "2", default="1"),
    configuration("1", "2", default="2"),
    configuration("2", default="2"),
    configuration("2", "3", default="3"),
    configuration("3", default="3"),
    configuration("1", "2", default="2", with_weights={"1": "w", "2": "w"}),
    configuration("3", default="3", with_weights={"3": "v"}),
    configuration("2", "3", default="2", with_weights={"2": "w", "3": "v"}),
]
MISHAPS = ["nothing", "agent", "agent forgets", "torchserve", "workers", "torchserve away"]
turns = st.tuples(st.sampled_from(WANTED), st.sampled_from(MISHAPS), st.integers(0, 3), st.integers(0, 90))


def suffer(world: World, mishap: str) -> None:
    if mishap.startswith("agent"):
        world.crash_agent(keeps_memory=mishap == "agent")
    elif mishap == "torchserve":
        world.crash_torchserve()
    elif mishap == "workers":
        for found in world.registered():
            world.kill_workers(found)
    world.up = mishap != "torchserve away"


@settings(max_examples=100, deadline=None)
@given(
    st.lists(turns, min_size=1, max_size=8),
    st.sampled_from(["3", "none"]),
    st.sampled_from(["load", "weights", "disk"]),
    st.booleans(),
)
def test_every_order_of_changes_and_crashes_ends_at_the_configuration(
    story: list[tuple[Configuration, str, int, int]], broken: str, stage: str, dies_before_forgetting: bool
) -> None:
    world = World(WANTED[0], dies_before_forgetting=dies_before_forgetting)
    world.broken[key(broken)] = Failure(stage, "it is broken", own_fault=stage != "disk")
    for desired, mishap, stop_before, seconds in story:
        world.desired = desired
        world.turn(stop_before)
        suffer(world, mishap)
        world.turn()
        world.now += seconds
    world.up = True
    world.settle(400)
    world.broken.clear()
    world.settle(400 + 3 * GRACE)
    wanted = set(world.desired.versions())
    assert world.registered() == wanted
    assert world.default(MODEL) == world.desired.default_key(MODEL).version  # type: ignore[union-attr]
    assert all(version.ready for version in world.models[MODEL].versions.values())
    assert set(world.disk) == {found.digest for found in wanted}
    needed = {spec.weights.digest for spec in world.desired.versions().values() if spec.weights}
    assert set(world.weights) == needed | world.weights_in_use()
    assert world.begun == set()
    assert set(world.files) == {(found.model, found.version) for found in wanted}
    assert world.not_ready() is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(WANTED), st.integers(0, 3), st.booleans()), min_size=1, max_size=8))
def test_while_torchserve_lives_the_model_is_answered_at_every_moment_by_a_version_that_answers_well(
    story: list[tuple[Configuration, int, bool]],
) -> None:
    world = World(WANTED[0])
    world.broken[key("3")] = Failure("smoke", "it answers badly", own_fault=True)
    world.settle()
    for desired, stop_before, forgets in story:
        world.desired = desired
        for _ in range(8):
            world.turn(stop_before)
            serving = world.models[MODEL]
            assert serving.default != "3"
            assert serving.versions[serving.default].ready
            world.crash_agent(keeps_memory=not forgets)
            world.now += 7
