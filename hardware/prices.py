"""Hourly prices of instance types, as far as somebody has read them: hardware/prices.csv as types.

A price that is not there is unknown, never zero: `price` returns None and the caller says so.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from hardware.tables import TableError, read_table, table_rows

TABLE: Final = "prices.csv"
COLUMNS: Final = ("type", "region", "option", "usd_per_hour", "source", "date")


class PurchaseOption(StrEnum):
    """The way to pay for a machine. Linux, shared tenancy."""

    ON_DEMAND = "on_demand"
    RESERVED_1_YEAR = "reserved_1_year"
    """Standard, one year, nothing paid in advance."""
    SPOT = "spot"
    """Differs by availability zone and hour: the table holds none."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """The price of one machine, with its source."""

    instance_type: str
    region: str
    option: PurchaseOption
    usd_per_hour: Decimal
    """US dollars, without taxes, discounts, volumes and traffic."""
    source: str
    source_date: date
    """The date of the source, not the day on which somebody read it."""

    @property
    def key(self) -> tuple[str, str, PurchaseOption]:
        """The price's key in PRICES."""
        return (self.instance_type, self.region, self.option)


def parse_prices(text: str) -> dict[tuple[str, str, PurchaseOption], Price]:
    """Read the table. Raises TableError, naming the line, for a row that cannot be or stands in it twice."""
    prices: dict[tuple[str, str, PurchaseOption], Price] = {}
    for place, row in table_rows(text, COLUMNS, TABLE):
        try:
            found = Price(
                instance_type=row["type"],
                region=row["region"],
                option=PurchaseOption(row["option"]),
                usd_per_hour=Decimal(row["usd_per_hour"]),
                source=row["source"],
                source_date=date.fromisoformat(row["date"]),
            )
        except InvalidOperation as error:
            raise TableError(
                f"{place}: {row['usd_per_hour']!r} is no amount; write one as in 0.526"
            ) from error
        except ValueError as error:
            raise TableError(f"{place}: {error}") from error
        if not (found.usd_per_hour.is_finite() and found.usd_per_hour > 0):
            raise TableError(
                f"{place}: {found.usd_per_hour} is no price; leave the row out where it is unknown"
            )
        if not found.source:
            raise TableError(f"{place}: a price without a source; say where it was read")
        if found.key in prices:
            raise TableError(f"{place}: {' '.join(found.key)} is there twice; leave one row")
        prices[found.key] = found
    return prices


def format_prices(prices: Iterable[Price]) -> str:
    """The inverse of parse_prices, sorted."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for found in sorted(prices, key=lambda found: found.key):
        lines.writerow((*found.key, f"{found.usd_per_hour:f}", found.source, found.source_date.isoformat()))
    return text.getvalue()


PRICES: Final[Mapping[tuple[str, str, PurchaseOption], Price]] = MappingProxyType(
    parse_prices(read_table(TABLE))
)
"""The prices by (instance type, region, option)."""


def price(instance_type: str, region: str, option: PurchaseOption = PurchaseOption.ON_DEMAND) -> Price | None:
    """Return the type's price in the region, or None where nobody has read it."""
    return PRICES.get((instance_type, region, option))
