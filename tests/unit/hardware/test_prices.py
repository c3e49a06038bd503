from decimal import Decimal

import pytest

from hardware import INSTANCE_TYPES, PRICES, PurchaseOption, TableError, price
from hardware.prices import TABLE, format_prices, parse_prices
from hardware.tables import read_table

HEADER = "type,region,option,usd_per_hour,source,date\n"
ROW = "g5.xlarge,us-east-1,on_demand,1.006,https://example.org/prices,2026-07-20\n"
UNPRICED = {"p5e.48xlarge"}
"""Types without an on-demand price in the source read for us-east-1."""


@pytest.mark.parametrize(
    ("name", "region", "dollars"),
    [
        ("g4dn.xlarge", "us-east-1", "0.526"),
        ("g5.xlarge", "us-east-1", "1.006"),
        ("g6e.xlarge", "us-east-1", "1.861"),
        ("p4d.24xlarge", "us-east-1", "21.957642"),
        ("p5en.48xlarge", "us-gov-west-1", "75.9552"),
        ("m6i.large", "us-east-1", "0.096"),
    ],
)
def test_a_price_is_known_with_its_source_and_date(name: str, region: str, dollars: str) -> None:
    found = price(name, region)
    assert found is not None
    assert found.usd_per_hour == Decimal(dollars)
    assert found.source.startswith("https://github.com/aws/karpenter-provider-aws/blob/")
    assert found.source_date.isoformat() == "2026-07-20"


@pytest.mark.parametrize(
    ("name", "region", "option"),
    [
        ("p5e.48xlarge", "us-east-1", PurchaseOption.ON_DEMAND),
        ("g5.xlarge", "eu-west-1", PurchaseOption.ON_DEMAND),
        ("g5.xlarge", "us-east-1", PurchaseOption.SPOT),
        ("g5.xlarge", "us-east-1", PurchaseOption.RESERVED_1_YEAR),
        ("zebra", "us-east-1", PurchaseOption.ON_DEMAND),
    ],
)
def test_a_price_that_nobody_read_is_none(name: str, region: str, option: PurchaseOption) -> None:
    assert price(name, region, option) is None


def test_every_type_has_an_on_demand_price_in_us_east_1_but_those_known_to_lack_one() -> None:
    assert {name for name in INSTANCE_TYPES if price(name, "us-east-1") is None} == UNPRICED


def test_a_price_is_of_a_type_that_the_hardware_table_has() -> None:
    assert {found.instance_type for found in PRICES.values()} <= set(INSTANCE_TYPES)


def test_a_larger_machine_of_a_family_never_costs_less() -> None:
    for one in PRICES.values():
        for other in PRICES.values():
            if (one.region, one.option) != (other.region, other.option):
                continue
            if one.instance_type.split(".")[0] != other.instance_type.split(".")[0]:
                continue
            small, large = INSTANCE_TYPES[one.instance_type], INSTANCE_TYPES[other.instance_type]
            if small.vcpus < large.vcpus and small.gpu_count <= large.gpu_count:
                assert one.usd_per_hour < other.usd_per_hour, (small.name, large.name, one.region)


def test_the_table_is_sorted_and_written_the_one_way_that_the_script_writes_it() -> None:
    text = read_table(TABLE)
    assert format_prices(parse_prices(text).values()) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ROW, "prices.csv:1: the columns are"),
        (HEADER + ROW + ROW, "prices.csv:3: g5.xlarge us-east-1 on_demand is there twice"),
        (HEADER + ROW.replace("1.006", "cheap"), "prices.csv:2: 'cheap' is no amount"),
        (HEADER + ROW.replace("1.006", "0"), "prices.csv:2: 0 is no price"),
        (HEADER + ROW.replace("1.006", "NaN"), "prices.csv:2: NaN is no price"),
        (
            HEADER + ROW.replace("on_demand", "borrowed"),
            "prices.csv:2: 'borrowed' is not a valid PurchaseOption",
        ),
        (HEADER + ROW.replace("2026-07-20", "July"), "prices.csv:2: .*July"),
        (HEADER + ROW.replace("https://example.org/prices", ""), "prices.csv:2: a price without a source"),
    ],
)
def test_a_row_that_cannot_be_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        parse_prices(text)
