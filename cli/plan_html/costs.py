"""Who pays: cost by owner, model, language and pool, the largest first."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from cli.plan_formats import USES, cost_tables
from cli.plan_html.amounts import in_line, money
from cli.plan_html.markup import NOTHING, Html, join, tag
from planning.capacity import CostLine, Use
from planning.report import Report

_SECTION: Final = "cost"


def cost_section(report: Report) -> Html:
    """Four tables that add up to the same."""
    if not report.charges:
        return NOTHING
    tables = [_table(title, lines) for title, lines in cost_tables(report) if lines]
    return tag(
        "section",
        tag("h2", "Cost", id=_SECTION),
        tag("p", in_line(report.total), " in all; filters do not change these tables.", class_="facts"),
        tag("div", tables, class_="costs"),
        aria_labelledby=_SECTION,
    )


def _table(title: str, lines: tuple[CostLine, ...]) -> Html:
    order = list(Use)
    rows = sorted(lines, key=lambda one: (order.index(one.use), -one.cost.usd_per_hour, one.name))
    largest = max(line.cost.usd_per_hour for line in lines)
    head = tag(
        "tr",
        tag("th", title, scope="col"),
        tag("th", "an hour", scope="col", class_="n"),
        tag("th", "a month", scope="col", class_="n"),
        tag("th", "note", scope="col"),
    )
    body = [
        tag("tr", tag("th", _name(line), _share(line, largest), scope="row"), money(line.cost))
        for line in rows
    ]
    name = f"{_SECTION}-{title}"
    return tag(
        "div",
        tag("h3", f"By {title}", id=name),
        tag(
            "div",
            tag("table", tag("thead", head), tag("tbody", body)),
            class_="scroll tall",
            tabindex=0,
            role="group",
            aria_labelledby=name,
        ),
    )


def _name(line: CostLine) -> Html:
    named = tag("span", line.name, class_="code") if line.name else NOTHING
    return join([named, " " if named else "", tag("span", USES[line.use], class_="soft")])


def _share(line: CostLine, largest: Decimal) -> Html:
    """A hair-line as long as the amount; nothing where the amount is unknown."""
    if line.cost.unknown or not largest:
        return NOTHING
    width = f"{100 * line.cost.usd_per_hour / largest:.2f}%"
    bar = tag("rect", width=width, height="100%", class_=f"share {line.use.value}")
    return tag("svg", bar, class_="line", aria_hidden="true")
