import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planning.capacity.placement import (
    Demand,
    Lock,
    Place,
    Placement,
    compare,
    is_stale,
    plan_placement,
    repack,
)
from tests.unit.planning.capacity.placement.cases import OFFERS, RULES, demand_lists, shared, whole
from tests.unit.planning.capacity.placement.checker import unscheduled, violations

PROPERTY = settings(
    max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def check(placement: Placement, demands: Sequence[Demand]) -> None:
    assert violations(placement, demands, OFFERS, RULES) == []


@PROPERTY
@given(demands=demand_lists())
def test_what_the_planner_accepts_the_checker_accepts(demands: list[Demand]) -> None:
    check(plan_placement(demands, OFFERS), demands)


@PROPERTY
@given(demands=demand_lists(), seed=st.integers(0, 999))
def test_every_pod_finds_a_node_in_whatever_order_the_scheduler_takes_them(
    demands: list[Demand], seed: int
) -> None:
    placement = plan_placement(demands, OFFERS)
    chance = random.Random(seed)  # noqa: S311 - nothing secret is drawn
    assert unscheduled(placement, demands, OFFERS, RULES, chance) == []


@PROPERTY
@given(demands=demand_lists(), seed=st.integers(0, 999))
def test_the_order_of_demands_and_offers_changes_nothing(demands: list[Demand], seed: int) -> None:
    mixed, offers = list(demands), list(OFFERS)
    chance = random.Random(seed)  # noqa: S311 - likewise
    chance.shuffle(mixed)
    chance.shuffle(offers)
    assert plan_placement(mixed, offers) == plan_placement(demands, OFFERS)


@PROPERTY
@given(demands=demand_lists())
def test_the_lock_of_a_fresh_plan_reproduces_it(demands: list[Demand]) -> None:
    fresh = plan_placement(demands, OFFERS)
    again = plan_placement(demands, OFFERS, fresh.lock)
    assert again == fresh
    assert not is_stale(fresh.lock, again)


@PROPERTY
@given(demands=demand_lists())
def test_one_demand_removed_moves_no_other(demands: list[Demand]) -> None:
    before = plan_placement(demands, OFFERS)
    after = plan_placement(demands[1:], OFFERS, before.lock)
    check(after, demands[1:])
    assert after.moves == ()
    assert compare(before, after).moved == ()


@PROPERTY
@given(demands=demand_lists())
def test_one_demand_added_moves_no_other(demands: list[Demand]) -> None:
    before = plan_placement(demands[1:], OFFERS)
    after = plan_placement(demands, OFFERS, before.lock)
    check(after, demands)
    assert after.moves == ()
    assert compare(before, after).added == (demands[0].selector,)


@PROPERTY
@given(demands=demand_lists(), others=demand_lists())
def test_a_lock_of_other_demands_never_makes_a_plan_that_cannot_be(
    demands: list[Demand], others: list[Demand]
) -> None:
    lock = plan_placement(others, OFFERS).lock
    after = plan_placement(demands, OFFERS, lock)
    check(after, demands)
    assert {move.selector for move in after.moves} <= lock.places.keys()
    assert all(move.reason for move in after.moves)


@PROPERTY
@given(demands=demand_lists(), data=st.data())
def test_any_lock_whatever_gives_a_plan_that_holds(demands: list[Demand], data: st.DataObject) -> None:
    pools = ["gpu-s-small", "gpu-f-four", "gpu-f-four-set-1", "gpu-f-four-set-2", "cpu-c-cpu", "gpu-gone"]
    places = {
        demand.selector: Place(
            pool=data.draw(st.sampled_from(pools)),
            server=None if "@" in demand.selector else data.draw(st.integers(1, 3)),
        )
        for demand in demands
    }
    after = plan_placement(demands, OFFERS, Lock(places=places))
    check(after, demands)
    settled = plan_placement(demands, OFFERS, after.lock)
    assert settled.moves == ()
    assert settled.places == after.places


@PROPERTY
@given(demands=demand_lists())
def test_a_repack_of_a_fresh_plan_saves_nothing(demands: list[Demand]) -> None:
    fresh = plan_placement(demands, OFFERS)
    packed = repack(demands, OFFERS, fresh.lock)
    assert compare(fresh, packed).moved == ()
    assert compare(fresh, packed).price == 0


def test_what_is_new_goes_where_there_is_room() -> None:
    before = plan_placement([shared("A", 3), shared("B", 3)], OFFERS)
    after = plan_placement([shared("A", 3), shared("B", 3), shared("C", 3)], OFFERS, before.lock)
    assert len(set(map(str, after.places.values()))) == 1
    assert after.price == before.price


def test_the_fullest_server_that_has_room_takes_what_is_new() -> None:
    demands = [shared("A", 12), shared("B", 9), shared("C", 1)]
    places = {
        "Task/A/fr": Place(pool="gpu-s-small", server=1),
        "Task/B/fr": Place(pool="gpu-s-small", server=2),
    }
    after = plan_placement(demands, OFFERS, Lock(places=places))
    assert after.places["Task/C/fr"] == places["Task/A/fr"]


def test_a_packed_node_s_free_gpu_takes_what_is_new_before_a_node_is_bought() -> None:
    llm = whole("Chat", 2, 20, pin="f.four")
    before = plan_placement([llm], OFFERS)
    after = plan_placement([llm, shared("A")], OFFERS, before.lock)
    assert (after.price, after.moves) == (before.price, ())
    assert after.places["Task/A/fr"].pool == before.places[llm.selector].pool == "gpu-f-four-set-1"


def test_what_has_grown_moves_alone_and_says_why() -> None:
    demands = [shared(name, 4) for name in ("A", "B", "C")]
    before = plan_placement(demands, OFFERS)
    assert {str(place) for place in before.places.values()} == {"gpu-s-small/torchserve-1"}
    grown = [replace(demands[0], gpu_memory=shared("A", 9).gpu_memory), *demands[1:]]
    after = plan_placement(grown, OFFERS, before.lock)
    check(after, grown)
    (move,) = after.moves
    assert move.reason == "what is there has grown: 3.0GiB of GPU memory short"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"replicas": 2}, "it has 2 replicas, gpu-s-small 1"),
        ({"instance_type": "l.large"}, "s.small cannot hold it: it is pinned elsewhere"),
        ({"compute_capability": (8, 0)}, "s.small cannot hold it: its GPU's compute capability is too low"),
        ({"owner": "rival", "keep_apart_from": frozenset({"team"})}, "rival and team (Task/B/fr) keep apart"),
        ({"max_models": 1}, "its server has more models than it may"),
    ],
)
def test_a_change_that_forbids_the_place_moves_the_changed_one_alone(
    change: dict[str, object], reason: str
) -> None:
    demands = [shared(name, 3) for name in ("A", "B", "C")]
    before = plan_placement(demands, OFFERS)
    changed: list[Demand] = [replace(demands[0], **change), *demands[1:]]  # type: ignore[arg-type]
    after = plan_placement(changed, OFFERS, before.lock)
    check(after, changed)
    assert [(move.selector, move.reason) for move in after.moves] == [("Task/A/fr", reason)]


def test_replicas_raised_for_a_whole_server_move_nothing() -> None:
    demands = [shared(name, 3) for name in ("A", "B", "C")]
    before = plan_placement(demands, OFFERS)
    after = plan_placement([replace(demand, replicas=2) for demand in demands], OFFERS, before.lock)
    assert after.moves == ()
    assert [group.nodes for group in after.groups] == [2]


def test_an_instance_type_that_is_offered_no_more_is_left() -> None:
    demands = [shared("A"), shared("B")]
    before = plan_placement(demands, OFFERS)
    after = plan_placement(demands, OFFERS[1:], before.lock)
    assert {group.instance_type for group in after.groups} == {"l.large"}
    assert {move.reason for move in after.moves} == {
        "no instance type of pool gpu-s-small is offered any more"
    }


def test_with_no_more_nodes_one_makes_room_for_another() -> None:
    offers = [replace(OFFERS[0], max_nodes=2)]
    places = {
        "Task/A/fr": Place(pool="gpu-s-small", server=1),
        "Task/B/fr": Place(pool="gpu-s-small", server=1),
        "Task/C/fr": Place(pool="gpu-s-small", server=2),
    }
    demands = [shared("A", 5), shared("B", 4), shared("C", 7), shared("D", 8)]
    after = plan_placement(demands, offers, Lock(places=places))
    assert violations(after, demands, offers, RULES) == []
    (move,) = after.moves
    assert move.reason == "it makes room for Task/D/fr, and no more nodes may be had"


def test_two_changes_that_both_made_server_2_merge_and_stay_where_they_are() -> None:
    full = [shared("A", 13)]
    base = plan_placement(full, OFFERS).lock
    ours = plan_placement([*full, shared("B")], OFFERS, base).lock
    theirs = plan_placement([*full, shared("C")], OFFERS, base).lock
    both: list[Demand] = [*full, shared("B"), shared("C")]
    merged = plan_placement(both, OFFERS, Lock(places={**ours.places, **theirs.places}))
    assert merged.moves == ()
    assert str(merged.places["Task/C/fr"]) == str(merged.places["Task/B/fr"]) == "gpu-s-small/torchserve-2"


def test_owners_that_keep_apart_say_so_in_the_reason() -> None:
    placement = plan_placement([shared("A", apart=("rival",)), shared("B", owner="rival")], OFFERS)
    first, second = (found.reason for found in placement.assignments)
    assert first.endswith("not on gpu-s-small/torchserve-2: owners that keep apart")
    assert "because a GPU of s.small holds it alone (2.0GiB of 14.0GiB taken)" in second


def test_a_reason_says_how_much_was_missing() -> None:
    placement = plan_placement([shared("A", 13), shared("B", 13)], [OFFERS[0]])
    assert "not on gpu-s-small/torchserve-2: 12.0GiB of GPU memory short" in placement.assignments[0].reason


def test_spare_nodes_stay_within_what_an_instance_type_may_have() -> None:
    demands = [shared(f"M{i}", 13) for i in range(10)]
    groups = plan_placement(demands, [replace(OFFERS[0], max_nodes=12)]).groups
    assert [(group.nodes, group.min_nodes, group.max_nodes) for group in groups] == [(10, 10, 12)]
    assert plan_placement(demands, [OFFERS[0]]).groups[0].max_nodes == 13


def test_without_a_price_less_gpu_memory_counts_as_cheaper() -> None:
    unpriced = [replace(offer, price=None) for offer in OFFERS[:2]]
    placement = plan_placement([shared("A")], unpriced)
    assert [group.instance_type for group in placement.groups] == ["s.small"]
    assert placement.price is None


def test_servers_of_one_kind_are_about_equally_full() -> None:
    placement = plan_placement([shared(f"M{i:02d}", 1) for i in range(30)], OFFERS[:1])
    counts = sorted(len(server.variants) for server in placement.shared)
    assert counts[-1] - counts[0] <= 1
