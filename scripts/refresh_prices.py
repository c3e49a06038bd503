"""Writes hardware/prices.csv from AWS's price list, and shows what changed.

    python scripts/refresh_prices.py --region eu-west-1              show the difference
    python scripts/refresh_prices.py --region eu-west-1 --write      and write it

Needs AWS credentials that allow pricing:GetProducts, from the environment as boto3 finds them. What was asked for and
is not sold that way any more leaves the table; what was not asked for stays. Spot prices are not fetched: they differ
by availability zone and hour.
"""

import argparse
import difflib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from hardware import INSTANCE_TYPES, Price, PurchaseOption, instance_type
from hardware.prices import format_prices, parse_prices

TABLE: Final = Path(__file__).parent.parent / "hardware" / "prices.csv"
ENDPOINT_REGION: Final = "us-east-1"
"""The price list is served from a few regions only; any of them knows the prices of all
(https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html)."""

_ALWAYS: Final = {
    "capacitystatus": "Used",
    "licenseModel": "No License required",
    "operatingSystem": "Linux",
    "preInstalledSw": "NA",
    "tenancy": "Shared",
}
"""Leaves one product for each type and region, once capacity blocks are set aside."""
_RESERVED: Final = {"LeaseContractLength": "1yr", "OfferingClass": "standard", "PurchaseOption": "No Upfront"}
_HOURLY: Final = "Hrs"


class PricingClient(Protocol):
    """The one call of boto3's pricing client that is made."""

    def get_products(self, **request: Any) -> Mapping[str, Any]:
        """https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html"""
        ...


class PriceListError(Exception):
    """The price list answered what this script cannot read."""


def fetch(client: PricingClient, types: Iterable[str], regions: Iterable[str]) -> list[Price]:
    """Prices of the types in the regions; none for a type that a region does not sell.

    Raises PriceListError where the answer gives two prices for one thing, or none in dollars an hour.
    """
    wanted = sorted(types)
    found: dict[tuple[str, str, PurchaseOption], Price] = {}
    for region in sorted(regions):
        for name in wanted:
            for product in _products(client, name, region):
                for price in _prices(product, name, region):
                    known = found.setdefault(price.key, price)
                    if known.usd_per_hour != price.usd_per_hour:
                        raise PriceListError(
                            f"{' '.join(price.key)}: two prices, {known.usd_per_hour} and {price.usd_per_hour}; "
                            "narrow the filters in scripts/refresh_prices.py"
                        )
    return list(found.values())


def merge(
    before: Iterable[Price], fetched: Iterable[Price], types: set[str], regions: set[str]
) -> list[Price]:
    """The table with what was asked for replaced; spot rows stay, since they are never fetched."""
    kept = (
        price
        for price in before
        if price.option is PurchaseOption.SPOT
        or price.instance_type not in types
        or price.region not in regions
    )
    return [*kept, *fetched]


def difference(before: str, after: str) -> str:
    """Return the table's changes as a unified diff; empty where nothing changes."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), "before", "after", n=0
    )
    return "".join(lines)


def _products(client: PricingClient, name: str, region: str) -> Iterator[dict[str, Any]]:
    match = {**_ALWAYS, "instanceType": name, "regionCode": region}
    request: dict[str, Any] = {
        "ServiceCode": "AmazonEC2",
        "FormatVersion": "aws_v1",
        "Filters": [
            {"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in sorted(match.items())
        ],
    }
    while True:
        answer = client.get_products(**request)
        for text in answer["PriceList"]:
            product = json.loads(text)
            if product["product"]["attributes"].get("marketoption", "OnDemand") == "OnDemand":
                yield product
        token = answer.get("NextToken")
        if not token:
            return
        request = {**request, "NextToken": token}


def _prices(product: Mapping[str, Any], name: str, region: str) -> Iterator[Price]:
    terms = product["terms"]
    offers = [(PurchaseOption.ON_DEMAND, term) for term in terms.get("OnDemand", {}).values()]
    offers += [
        (PurchaseOption.RESERVED_1_YEAR, term)
        for term in terms.get("Reserved", {}).values()
        if _RESERVED.items() <= term["termAttributes"].items()
    ]
    published = datetime.fromisoformat(product["publicationDate"]).date()
    for option, term in offers:
        yield Price(
            instance_type=name,
            region=region,
            option=option,
            usd_per_hour=_dollars(term, f"{name} {region} {option}"),
            source=f"AWS Price List API, GetProducts, AmazonEC2 version {product['version']}",
            source_date=published,
        )


def _dollars(term: Mapping[str, Any], what: str) -> Decimal:
    hourly = [
        dimension["pricePerUnit"].get("USD")
        for dimension in term["priceDimensions"].values()
        if dimension["unit"] == _HOURLY
    ]
    if len(hourly) != 1 or hourly[0] is None:
        raise PriceListError(f"{what}: the offer has not one hourly price in US dollars but {hourly}")
    dollars = Decimal(hourly[0]).normalize()
    if dollars <= 0:
        raise PriceListError(f"{what}: {dollars} dollars an hour is no price")
    return dollars


def main(arguments: Sequence[str] | None = None, client: PricingClient | None = None) -> int:
    """0 when the table was read, compared and, if asked, written; 3 when the price list could not be read."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--region", action="append", help="regions to ask for; those of the table")
    parser.add_argument("--type", action="append", help="instance types to ask for; all that the table has")
    parser.add_argument("--write", action="store_true", help="write the table")
    parser.add_argument("--table", type=Path, default=TABLE, help="the file")
    chosen = parser.parse_args(arguments)

    before = chosen.table.read_text(encoding="utf-8")
    known = list(parse_prices(before).values())
    regions = set(chosen.region or (price.region for price in known))
    types = {instance_type(name).name for name in chosen.type or INSTANCE_TYPES}
    try:
        asked = client or boto3.client("pricing", region_name=ENDPOINT_REGION)
        fetched = fetch(asked, types, regions)
    except (BotoCoreError, ClientError, PriceListError) as error:
        print(f"refresh_prices: {error}", file=sys.stderr)  # noqa: T201 - a script speaks to a terminal
        return 3
    after = format_prices(merge(known, fetched, types, regions))
    print(difference(before, after) or "no price changed", end="")  # noqa: T201 - likewise
    if chosen.write:
        chosen.table.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
