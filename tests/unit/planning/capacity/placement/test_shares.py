"""Placements among whole GPUs and shares of them, against the independent checker."""

import random
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hardware import GPUS
from planning import PlanningError
from planning.capacity.gpu_shares import MigInstances, TimeSlices, mig_profiles
from planning.capacity.placement import Demand, Offer, WholeDemand, plan_placement, repack
from quantities import Bytes
from tests.unit.planning.capacity.placement.cases import (
    CPU_LARGE,
    EIGHT,
    FOUR,
    LARGE,
    RULES,
    SMALL,
    demand_lists,
    gib,
    whole,
)
from tests.unit.planning.capacity.placement.checker import unscheduled, violations

PROPERTY = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def divided(offer: Offer, share: MigInstances | TimeSlices, gpu_gib: float) -> Offer:
    return replace(offer, share=share, gpus=offer.gpus * share.devices, gpu_memory=gib(gpu_gib))


_SMALLEST, *_, _HALF = mig_profiles(GPUS["A100-40GB"])
HALVES: Final = divided(EIGHT, MigInstances(profile=_HALF), 19)
SEVENTHS: Final = divided(EIGHT, MigInstances(profile=_SMALLEST), 4.5)
SLICED: Final = divided(LARGE, TimeSlices(devices=2), 11)
SLICED_FOUR: Final = divided(FOUR, TimeSlices(devices=3), 7)
OFFERS: Final = (SMALL, LARGE, FOUR, EIGHT, CPU_LARGE, HALVES, SEVENTHS, SLICED, SLICED_FOUR)


def with_shares(demand: Demand, *, bounded: bool, needs: float) -> Demand:
    """A language model needs another amount on a time slice, and may or may not be bounded there."""
    if not isinstance(demand, WholeDemand):
        return demand
    by_type = {SLICED.name: gib(needs), SLICED_FOUR.name: gib(needs)} if demand.gpus == 1 else {}
    return replace(demand, bounded=bounded, gpu_memory_by_type=MappingProxyType(by_type))


@PROPERTY
@given(
    demands=demand_lists(),
    bounded=st.lists(st.booleans(), min_size=20, max_size=20),
    needs=st.sampled_from((6.5, 10.5, 12.0)),
    seed=st.integers(0, 999),
)
def test_what_is_placed_among_shares_the_checker_and_any_scheduler_accept(
    demands: list[Demand], bounded: list[bool], needs: float, seed: int
) -> None:
    asked = [
        with_shares(demand, bounded=free, needs=needs) for demand, free in zip(demands, bounded, strict=False)
    ]
    for placement in (plan_placement(asked, OFFERS), repack(asked, OFFERS)):
        assert violations(placement, asked, OFFERS, RULES) == []
        chance = random.Random(seed)  # noqa: S311 - nothing secret is drawn
        assert unscheduled(placement, asked, OFFERS, RULES, chance) == []
    locked = plan_placement(asked, OFFERS)
    assert plan_placement(asked, OFFERS, locked.lock).moves == ()


def test_shares_and_whole_gpus_of_one_type_are_pools_of_their_own() -> None:
    bounded = [replace(whole(name, 1, 10), bounded=True) for name in ("A", "B")]
    placement = plan_placement([*bounded, whole("C", 1, 20)], [LARGE, SLICED])
    assert {group.name: (group.instance_type, group.gpus, group.share) for group in placement.groups} == {
        "gpu-l-large": ("l.large", 1, None),
        "gpu-l-large-time-sliced-2-set-1": ("l.large", 2, SLICED.share),
    }


def test_a_pin_to_an_instance_type_takes_its_shares_too() -> None:
    pinned = replace(whole("A", 1, 10, pin="l.large"), bounded=True)
    assert plan_placement([pinned], [SLICED, SMALL]).whole[0].share == SLICED.share


def test_a_reason_says_why_a_share_was_not_taken() -> None:
    cheap = replace(SLICED, price=SMALL.price)
    placement = plan_placement([whole("A", 1, 10)], [cheap, LARGE])
    assert placement.assignments[0].reason.endswith(
        "not on l.large/time-sliced-2: time-sliced, where what TGI gets depends on who starts first"
    )


def test_nodes_are_limited_for_each_way_to_divide_them() -> None:
    few = [replace(SLICED, max_nodes=1), replace(LARGE, max_nodes=0)]
    bounded = [replace(whole(name, 1, 10), bounded=True) for name in "ABC"]
    with pytest.raises(PlanningError, match=r"l\.large/time-sliced-2 1"):
        plan_placement(bounded, few)
    assert plan_placement(bounded[:2], few).groups[0].nodes == 1


def test_a_share_that_is_offered_twice_is_named() -> None:
    with pytest.raises(PlanningError, match=r"l\.large/time-sliced-2 is offered twice"):
        plan_placement([whole("A", 1, 10)], [SLICED, LARGE, SLICED])


def test_memory_of_a_share_is_asked_by_the_offer_s_name() -> None:
    needs = MappingProxyType({SLICED.name: Bytes(SLICED.gpu_memory + 1), LARGE.name: gib(9)})
    demand = replace(whole("A", 1, 9), bounded=True, gpu_memory_by_type=needs)
    assert plan_placement([demand], [SLICED, LARGE]).whole[0].share is None


def test_what_may_not_have_a_share_gets_the_whole_gpus_where_these_are_few() -> None:
    few = [replace(SMALL, max_nodes=2), replace(SLICED, max_nodes=1, millicores=16_000)]
    bounded = [replace(whole(name, 1, 7), bounded=True) for name in ("A", "B")]
    others = [whole(name, 1, 7) for name in ("C", "D")]
    placement = plan_placement([*bounded, *others], few)
    assert violations(placement, [*bounded, *others], few, RULES) == []
    assert {server.selector[15:16] for server in placement.whole if server.share} == {"A", "B"}


def test_a_large_machine_is_not_taken_because_cheap_ones_went_to_who_could_have_done_without() -> None:
    large = replace(HALVES, max_nodes=1)
    few = [replace(SMALL, max_nodes=2), replace(SLICED, max_nodes=2), large]
    bounded = [replace(whole(name, 1, 7), bounded=True) for name in ("A", "B")]
    placement = plan_placement([*bounded, whole("C", 1, 7), whole("D", 1, 7)], few)
    assert large.instance_type not in {group.instance_type for group in placement.groups}
