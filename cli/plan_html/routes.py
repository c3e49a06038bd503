"""The page's list of routes and of what the catalog says of each model; each is folded where it is long."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cli.plan_html.markup import NOTHING, Html, tag
from cli.plan_versions import route_lines, setting_lines
from planning.report import Report

_OPEN: Final = 20
"""Lines that are shown unasked."""


def routes(report: Report) -> Html:
    """The routes, or nothing where no version runs."""
    return _lines("routes", "Routes", route_lines(report))


def settings(report: Report) -> Html:
    """The settings of each entry that act beyond serving."""
    return _lines("settings", "Settings of models", setting_lines(report))


def _lines(identifier: str, title: str, said: Iterable[str]) -> Html:
    if not (items := [tag("li", line) for line in said]):
        return NOTHING
    return tag(
        "section",
        tag("h2", title, id=identifier),
        tag(
            "details",
            tag("summary", tag("b", f"{len(items):,}"), f" {title.lower()}"),
            tag("ul", items),
            open=len(items) <= _OPEN,
        ),
        aria_labelledby=identifier,
    )
