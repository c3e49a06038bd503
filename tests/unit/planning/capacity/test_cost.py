"""What nodes cost and who pays: exact, and never silent about a price that nobody has read."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware import PRICES, Price, PurchaseOption
from model_catalog import Selector
from planning import Resources
from planning.capacity import (
    Cost,
    NodePrice,
    Tenant,
    Use,
    apportion,
    by_language,
    by_model,
    by_owner,
    by_pool,
    charge,
    node_price,
    node_share,
    total_cost,
)
from planning.capacity.cost import Prices
from quantities import Bytes

STAND_IN = "us-east-1's price: eu-west-1's is unknown"


def priced(usd: str | None, *, region: str = "eu-west-1", of: str = "eu-west-1") -> NodePrice:
    found = usd and Price(
        instance_type="g4dn.xlarge",
        region=of,
        option=PurchaseOption.ON_DEMAND,
        usd_per_hour=Decimal(usd),
        source="tests",
        source_date=date(2026, 11, 22),
    )
    return NodePrice(instance_type="g4dn.xlarge", region=region, price=found or None)


def table(*regions: str) -> Prices:
    prices = [priced("1.5", region=region, of=region).price for region in regions]
    return {price.key: price for price in prices if price}


def tenant(
    nodes: Fraction, owner: str = "team", selector: str = "Search/Ranker/fr@1", server: str = "ranker"
) -> Tenant:
    return Tenant(server=server, owner=owner, selector=Selector.parse(selector), nodes=nodes)


@pytest.mark.parametrize(
    ("known", "note"),
    [
        (("eu-west-1",), ""),
        (("eu-west-1", "us-east-1"), ""),
        (("us-east-1",), STAND_IN),
        (("us-gov-west-1",), "no price of g4dn.xlarge is known"),
        ((), "no price of g4dn.xlarge is known"),
    ],
)
def test_a_price_is_the_region_s_else_us_east_1_s_which_says_so_else_unknown(
    known: tuple[str, ...], note: str
) -> None:
    assert node_price("g4dn.xlarge", "eu-west-1", table(*known)).note == note


def test_spot_costs_the_on_demand_price_at_most_which_says_so() -> None:
    found = node_price("g4dn.xlarge", "eu-west-1", table("us-east-1"), PurchaseOption.SPOT)
    assert found.price
    assert found.note == f"at most, the on-demand price: spot's is unknown; {STAND_IN}"
    assert found.times(2).stand_ins == (found.note,)
    assert found.times(2).usd_per_hour == 2 * found.price.usd_per_hour


def test_the_stand_in_region_has_a_price_of_every_type_that_has_one() -> None:
    assert {name for name, *_ in PRICES} == {name for name, region, _ in PRICES if region == "us-east-1"}


@pytest.mark.parametrize(
    ("price", "nodes", "cost"),
    [
        (priced("0.526"), 3, Cost(usd_per_hour=Decimal("1.578"))),
        (priced("0.526"), 0, Cost()),
        (
            priced("0.526", of="us-east-1"),
            1,
            Cost(usd_per_hour=Decimal("0.526"), stand_ins=(STAND_IN,)),
        ),
        (priced(None), 2, Cost(missing=("no price of g4dn.xlarge is known",))),
        (priced(None), 0, Cost()),
    ],
)
def test_nodes_cost_their_number_times_the_price_and_none_cost_nothing(
    price: NodePrice, nodes: int, cost: Cost
) -> None:
    assert price.times(nodes) == cost


@pytest.mark.parametrize(
    ("costs", "unknown", "at_least"),
    [
        ((), False, False),
        ((Cost(usd_per_hour=Decimal(1)),), False, False),
        ((Cost(missing=("a",)),), True, False),
        ((Cost(missing=("a",)), Cost(missing=("b",))), True, False),
        ((Cost(missing=("a",)), Cost(usd_per_hour=Decimal(1))), False, True),
    ],
)
def test_a_sum_with_an_unknown_part_is_a_lower_bound_and_one_of_unknown_parts_alone_is_unknown(
    costs: tuple[Cost, ...], unknown: bool, at_least: bool
) -> None:
    assert (total_cost(costs).unknown, total_cost(costs).at_least) == (unknown, at_least)


def test_a_sum_says_each_thing_once_whatever_the_order() -> None:
    one, other = Cost(stand_ins=("b",), missing=("x",)), Cost(stand_ins=("a", "b"))
    assert total_cost((one, other)) == total_cost((other, one))
    assert total_cost((one, other, one)).notes == ("x", "a", "b")


def test_a_month_has_730_hours() -> None:
    assert Cost(usd_per_hour=Decimal("0.526")).usd_per_month == Decimal("383.980")


AMOUNTS = st.decimals(min_value=0, max_value=10**6, places=12)
WEIGHTS = st.fractions(min_value=0, max_value=1000, max_denominator=1000)


@settings(max_examples=40)
@given(amount=AMOUNTS, weights=st.lists(WEIGHTS, min_size=1, max_size=6).filter(any))
def test_parts_add_up_to_the_amount_and_differ_from_their_proportion_by_less_than_the_last_digit(
    amount: Decimal, weights: list[Fraction]
) -> None:
    parts = apportion(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert part >= 0
        assert abs(Fraction(part) - Fraction(amount) * weight / sum(weights)) < Fraction(1, 10**9)


@pytest.mark.parametrize("weights", [[], [Fraction(0)], [Fraction(2), Fraction(-1)]])
def test_an_amount_is_not_divided_by_no_weights(weights: list[Fraction]) -> None:
    with pytest.raises(ValueError, match="weights"):
        apportion(Decimal(1), weights)


@settings(max_examples=40)
@given(
    usd=st.decimals(min_value="0.0001", max_value=100, places=6),
    nodes=st.integers(1, 50),
    wanted=st.lists(st.fractions(min_value="1/1000", max_value=20, max_denominator=1000), max_size=10),
)
def test_what_all_pay_and_what_nobody_pays_is_the_pool_s_cost(
    usd: Decimal, nodes: int, wanted: list[Fraction]
) -> None:
    tenants = [
        tenant(share, f"team-{index % 3}", f"Search/Ranker{index % 2}/fr@{index}")
        for index, share in enumerate(wanted)
    ]
    charges = charge("pool", nodes, priced(str(usd)), tenants)
    for lines in (by_model(charges), by_language(charges), by_owner(charges), by_pool(charges)):
        assert sum(line.cost.usd_per_hour for line in lines) == usd * nodes
    assert any(one.use is Use.IDLE for one in charges) == (sum(wanted) < nodes)


@pytest.mark.parametrize(
    ("wanted", "node", "share"),
    [
        ((4000, 1, 1), (8000, 16, 4), Fraction(1, 4)),
        ((1000, 8, 0), (8000, 16, 0), Fraction(1, 2)),
        ((6000, 4, 0), (8000, 16, 0), Fraction(3, 4)),
    ],
    ids=["by GPUs where the node has some", "by memory", "by CPU"],
)
def test_a_server_takes_the_share_of_a_node_that_keeps_others_away(
    wanted: tuple[int, int, int], node: tuple[int, int, int], share: Fraction
) -> None:
    one, whole = (
        Resources(millicores=cpu, memory=Bytes(memory), gpus=gpus) for cpu, memory, gpus in (wanted, node)
    )
    assert node_share(one, whole) == share


def test_what_no_server_asks_for_is_idle_and_a_pool_without_servers_is_the_system_s() -> None:
    used, idle = charge("gpu", 2, priced("0.5"), [tenant(Fraction(1))])
    assert (used.use, used.cost.usd_per_hour) == (Use.MODEL, Decimal("0.5"))
    assert (idle.use, idle.cost.usd_per_hour, idle.owner) == (Use.IDLE, Decimal("0.5"), "")
    (system,) = charge("system", 2, priced("0.5"), [], rest=Use.SYSTEM)
    assert (system.use, system.cost.usd_per_hour) == (Use.SYSTEM, Decimal("1.0"))


def test_shares_of_more_than_the_nodes_are_cut_in_proportion() -> None:
    charges = charge("cpu", 1, priced("0.9"), [tenant(Fraction(1)), tenant(Fraction(1, 2))])
    assert [one.cost.usd_per_hour for one in charges] == [Decimal("0.6"), Decimal("0.3")]


def test_a_pool_without_nodes_charges_nobody() -> None:
    assert charge("gpu", 0, priced("0.5"), []) == ()


def test_each_part_says_what_its_price_rests_on() -> None:
    for price in (priced("0.5", of="us-east-1"), priced(None)):
        charges = charge("gpu", 2, price, [tenant(Fraction(1))])
        assert [one.cost.notes for one in charges] == [(price.note,)] * 2


def test_lines_have_models_first_and_what_is_nobody_s_last() -> None:
    charges = (
        *charge("system", 1, priced("0.1"), [], rest=Use.SYSTEM),
        *charge(
            "gpu",
            3,
            priced("0.5"),
            [
                tenant(Fraction(1), "zoo", "Search/Ranker/fr@1"),
                tenant(Fraction(1), "ants", "Search/Ranker/en@1"),
            ],
        ),
    )
    assert [(line.name, line.use) for line in by_owner(charges)] == [
        ("ants", Use.MODEL),
        ("zoo", Use.MODEL),
        ("", Use.IDLE),
        ("", Use.SYSTEM),
    ]
    assert [line.name for line in by_model(charges)] == ["Search/Ranker", "", ""]
    assert [line.name for line in by_language(charges)] == ["en", "fr", "", ""]
    assert [line.name for line in by_pool(charges)] == ["gpu", "gpu", "system"]
