"""The script that asks AWS's price list, against stubbed answers in the shape of the real ones."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from hardware import PurchaseOption, UnknownInstanceTypeError
from hardware.prices import parse_prices
from scripts import refresh_prices

BEFORE = (
    "type,region,option,usd_per_hour,source,date\n"
    "g4dn.xlarge,eu-west-1,on_demand,0.5,somewhere,2025-01-01\n"
    "g5.xlarge,eu-west-1,on_demand,1,somewhere,2025-01-01\n"
    "g5.xlarge,eu-west-1,spot,0.3,somewhere,2025-01-01\n"
    "g5.xlarge,us-east-1,on_demand,1.006,somewhere,2025-01-01\n"
)


def product(
    dollars: str,
    *,
    reserved: str | None = None,
    market: str = "OnDemand",
    unit: str = "Hrs",
    currency: str = "USD",
) -> str:
    def term(amount: str) -> dict[str, Any]:
        return {"priceDimensions": {"d": {"unit": unit, "pricePerUnit": {currency: amount}}}}

    terms: dict[str, Any] = {"OnDemand": {"SKU.JRTCKXETXF": term(dollars)}}
    if reserved is not None:
        one_year = {"LeaseContractLength": "1yr", "OfferingClass": "standard", "PurchaseOption": "No Upfront"}
        terms["Reserved"] = {
            "SKU.A": {**term(reserved), "termAttributes": one_year},
            "SKU.B": {**term("0.01"), "termAttributes": {**one_year, "LeaseContractLength": "3yr"}},
        }
    return json.dumps(
        {
            "product": {"sku": "SKU", "attributes": {"marketoption": market}},
            "serviceCode": "AmazonEC2",
            "terms": terms,
            "version": "20261101000000",
            "publicationDate": "2026-11-01T00:00:00Z",
        }
    )


def request(name: str, region: str, token: str | None = None) -> dict[str, Any]:
    match = {
        "capacitystatus": "Used",
        "instanceType": name,
        "licenseModel": "No License required",
        "operatingSystem": "Linux",
        "preInstalledSw": "NA",
        "regionCode": region,
        "tenancy": "Shared",
    }
    asked: dict[str, Any] = {
        "ServiceCode": "AmazonEC2",
        "FormatVersion": "aws_v1",
        "Filters": [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in match.items()],
    }
    return asked if token is None else {**asked, "NextToken": token}


@pytest.fixture(scope="module")
def client() -> Any:
    return boto3.client(
        "pricing",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - no secret
    )


@pytest.fixture
def stub(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def answer(stub: Stubber, name: str, region: str, *products: str) -> None:
    stub.add_response("get_products", {"PriceList": list(products)}, request(name, region))


def test_a_price_comes_with_the_version_and_day_of_the_list(client: Any, stub: Stubber) -> None:
    answer(stub, "g5.xlarge", "eu-west-1", product("1.1230000000"))
    (found,) = refresh_prices.fetch(client, ["g5.xlarge"], ["eu-west-1"])
    assert (found.key, f"{found.usd_per_hour}") == (
        ("g5.xlarge", "eu-west-1", PurchaseOption.ON_DEMAND),
        "1.123",
    )
    assert found.source == "AWS Price List API, GetProducts, AmazonEC2 version 20261101000000"
    assert found.source_date.isoformat() == "2026-11-01"


def test_all_pages_of_an_answer_are_read(client: Any, stub: Stubber) -> None:
    first = {"PriceList": [], "NextToken": "more"}
    stub.add_response("get_products", first, request("g5.xlarge", "eu-west-1"))
    second = {"PriceList": [product("1.1")]}
    stub.add_response("get_products", second, request("g5.xlarge", "eu-west-1", "more"))
    assert len(refresh_prices.fetch(client, ["g5.xlarge"], ["eu-west-1"])) == 1


def test_of_the_reserved_terms_the_one_year_without_payment_in_advance_is_taken(
    client: Any, stub: Stubber
) -> None:
    answer(stub, "g5.xlarge", "eu-west-1", product("1.1", reserved="0.7"))
    found = refresh_prices.fetch(client, ["g5.xlarge"], ["eu-west-1"])
    assert {price.option: f"{price.usd_per_hour}" for price in found} == {
        PurchaseOption.ON_DEMAND: "1.1",
        PurchaseOption.RESERVED_1_YEAR: "0.7",
    }


def test_a_capacity_block_is_no_on_demand_price(client: Any, stub: Stubber) -> None:
    answer(stub, "p5.48xlarge", "eu-west-1", product("31.4", market="CapacityBlock"), product("55.04"))
    (found,) = refresh_prices.fetch(client, ["p5.48xlarge"], ["eu-west-1"])
    assert f"{found.usd_per_hour}" == "55.04"


@pytest.mark.parametrize(
    ("products", "message"),
    [
        ([product("1.1"), product("1.2")], "g5.xlarge eu-west-1 on_demand: two prices, 1.1 and 1.2"),
        ([product("0.0000000000")], "0 dollars an hour is no price"),
        ([product("7.1", currency="CNY")], "not one hourly price in US dollars"),
        ([product("7.1", unit="Quantity")], "not one hourly price in US dollars"),
    ],
)
def test_an_answer_that_leaves_the_price_open_is_refused(
    client: Any, stub: Stubber, products: list[str], message: str
) -> None:
    answer(stub, "g5.xlarge", "eu-west-1", *products)
    with pytest.raises(refresh_prices.PriceListError, match=message):
        refresh_prices.fetch(client, ["g5.xlarge"], ["eu-west-1"])


def test_what_was_asked_for_is_replaced_and_all_else_stays(
    client: Any, stub: Stubber, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "prices.csv"
    table.write_text(BEFORE, encoding="utf-8")
    answer(stub, "g4dn.xlarge", "eu-west-1")
    answer(stub, "g5.xlarge", "eu-west-1", product("1.123"))
    arguments = [
        "--region",
        "eu-west-1",
        "--type",
        "g5.xlarge",
        "--type",
        "g4dn.xlarge",
        "--table",
        str(table),
    ]
    assert refresh_prices.main([*arguments, "--write"], client) == 0
    assert {key: f"{price.usd_per_hour}" for key, price in parse_prices(table.read_text()).items()} == {
        ("g5.xlarge", "eu-west-1", "on_demand"): "1.123",
        ("g5.xlarge", "eu-west-1", "spot"): "0.3",
        ("g5.xlarge", "us-east-1", "on_demand"): "1.006",
    }
    shown = capsys.readouterr().out
    assert "-g4dn.xlarge,eu-west-1,on_demand,0.5," in shown
    assert "+g5.xlarge,eu-west-1,on_demand,1.123," in shown


def test_nothing_is_written_unless_asked(client: Any, stub: Stubber, tmp_path: Path) -> None:
    table = tmp_path / "prices.csv"
    table.write_text(BEFORE, encoding="utf-8")
    answer(stub, "g5.xlarge", "us-east-1", product("2"))
    arguments = ["--region", "us-east-1", "--type", "g5.xlarge", "--table", str(table)]
    assert refresh_prices.main(arguments, client) == 0
    assert table.read_text(encoding="utf-8") == BEFORE


def test_without_regions_those_of_the_table_are_asked_for(client: Any, stub: Stubber, tmp_path: Path) -> None:
    table = tmp_path / "prices.csv"
    table.write_text(BEFORE, encoding="utf-8")
    answer(stub, "g5.xlarge", "eu-west-1", product("1"))
    answer(stub, "g5.xlarge", "us-east-1", product("1"))
    assert refresh_prices.main(["--type", "g5.xlarge", "--table", str(table)], client) == 0


def test_a_refusal_of_aws_is_one_line_and_changes_nothing(
    client: Any, stub: Stubber, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "prices.csv"
    table.write_text(BEFORE, encoding="utf-8")
    stub.add_client_error("get_products", "AccessDeniedException", "no pricing:GetProducts")
    arguments = ["--region", "us-east-1", "--type", "g5.xlarge", "--table", str(table), "--write"]
    assert refresh_prices.main(arguments, client) == 3
    assert "no pricing:GetProducts" in capsys.readouterr().err
    assert table.read_text(encoding="utf-8") == BEFORE


def test_a_type_that_the_hardware_table_lacks_is_not_asked_for(client: Any) -> None:
    with pytest.raises(UnknownInstanceTypeError, match=r"g5\.xlarge"):
        refresh_prices.main(["--type", "g5.xlargee"], client)
