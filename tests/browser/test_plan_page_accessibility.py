"""axe-core finds no fault in the plan's page, in either colour scheme, as it opens and as people use it."""

from __future__ import annotations

from collections import Counter

import pytest

from planning.report import Report
from tests.browser.chromium import Page, Scheme
from tests.browser.pages import Open, choose
from tests.support.plan_reports import report_of, shared


def faults(page: Page, axe: str) -> list[str]:
    """Rule by rule, with the first place."""
    page.evaluate(f"{axe}; 0")
    found: list[str] = page.evaluate(
        "axe.run().then((said) => said.violations.map("
        "(one) => `${one.id}: ${one.help} (${one.nodes.length}) ${one.nodes[0].html.slice(0, 200)} `"
        " + one.nodes[0].failureSummary))"
    )
    return found


REPORTS = {"shared": shared(24), "unknown": report_of(prices={}), "selected": report_of()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_axe_finds_nothing(show: Open, page: Page, axe: str, scheme: Scheme, report: Report) -> None:
    page.prefer(scheme)
    show(report)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert faults(page, axe) == []


def test_servers_are_a_table_to_a_screen_reader_although_they_are_drawn_as_a_grid(
    show: Open, page: Page
) -> None:
    page.size(1280, 4000)
    show(report_of())
    page.call("Accessibility.enable")
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = Counter(node["role"]["value"] for node in tree if not node["ignored"])
    tables, rows, headers = page.evaluate(
        "['table', 'tr', 'th'].map((one) => Array.from(document.querySelectorAll(one))"
        ".filter((node) => node.checkVisibility()).length)"
    )
    assert (roles["table"], roles["row"]) == (tables, rows)
    assert roles["columnheader"] + roles["rowheader"] == headers


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_a_filtered_page_on_a_phone(
    show: Open, page: Page, axe: str, scheme: Scheme
) -> None:
    page.size(390, 844)
    page.prefer(scheme)
    show(shared(24))
    choose(page, "owner", "team-02")
    assert faults(page, axe) == []
