"""Money and memory as the page shows them: what must be said of an amount stands beside it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from cli.plan_formats import a_month, an_hour, gibibytes
from cli.plan_html.markup import NOTHING, Html, join, tag
from planning.capacity import HOURS_PER_MONTH, Cost


def money(cost: Cost) -> tuple[Html, Html, Html]:
    """Cells: an hour, a month, and the notes."""
    least = "at least " if cost.at_least else ""
    return (
        tag("td", f"{least}{an_hour(cost)}", class_="n"),
        tag("td", f"{least}{a_month(cost)}", class_="n"),
        tag("td", marks(cost), class_="note"),
    )


def in_line(cost: Cost) -> Html:
    """Both amounts and their notes, within a line of text."""
    least = "at least " if cost.at_least else ""
    if cost.unknown:
        return join([tag("b", "cost unknown"), " ", notes(cost)])
    return join(
        [
            tag("b", f"{least}{a_month(cost)}"),
            " a month, ",
            f"{least}{an_hour(cost)} an hour ",
            notes(cost),
        ]
    )


def notes(cost: Cost) -> Html:
    """All of them. What an amount leaves out is marked as worse than a price that stands in."""
    if not cost.notes:
        return NOTHING
    return join(
        [
            *(tag("span", note, class_="flag missing") for note in cost.missing),
            *(tag("span", note, class_="flag") for note in cost.stand_ins),
        ]
    )


def marks(cost: Cost) -> Html:
    """The same for a table, whose section says them in full: of a price that stands in, whose it is."""
    regions = sorted({note.partition(":")[0] for note in cost.stand_ins})
    return notes(replace(cost, stand_ins=tuple(regions)))


def more(hourly: Decimal | None) -> str:
    """What another way costs more or less a month."""
    if hourly is None:
        return "unknown"
    if not hourly:
        return "the same"
    sign = "+" if hourly > 0 else "\u2212"
    return f"{sign}{a_month(Cost(usd_per_hour=abs(hourly)))}"


def gib(memory: int | None) -> str:
    """With its unit; an unknown one says so."""
    return "unknown" if memory is None else f"{gibibytes(memory)} GiB"


def exact(cost: Cost | None) -> str | None:
    """Dollars a month for the script that adds up; None where there is no amount, `unknown` where it has no price."""
    if cost is None:
        return None
    return "unknown" if cost.unknown else f"{(cost.usd_per_hour * HOURS_PER_MONTH).normalize():f}"
