"""Search and filters of the plan's page, by keyboard alone where a person has only that."""

from __future__ import annotations

import re

import pytest

from tests.browser.chromium import Page
from tests.browser.pages import Open, boxes, choose, count, focused
from tests.support.plan_reports import owner, report_of, selector, shared

ROWS = ".servers tr[data-v]"
MODELS = 24


def said(page: Page) -> str:
    """What a screen reader is told after each change."""
    text: str = page.evaluate("document.getElementById('found').textContent")
    return text


def test_slash_and_a_word_find_a_model(show: Open) -> None:
    page = show(shared(MODELS))
    page.press("/", 191, "/")
    assert focused(page) == "search"
    page.type("model0007")
    assert [one["task"] for one in boxes(page, ROWS)] == [selector(7).task]
    assert re.fullmatch(r"1 version of 25 on 1 GPU · \$48\.00 a month; us-east-1's price: .*", said(page))


def test_all_words_must_be_found_in_any_order_and_case(show: Open) -> None:
    page = show(shared(MODELS))
    page.press("/", 191, "/")
    page.type("TEAM-01  reranking")
    wanted = [
        number
        for number in range(MODELS)
        if owner(number) == "team-01" and selector(number).task == "Reranking"
    ]
    assert count(page, ROWS) == len(wanted) > 0


@pytest.mark.parametrize(
    ("facet", "value"),
    [
        ("owner", "team-02"),
        ("pool", "gpu-g4dn-xlarge"),
        ("engine", "torchserve"),
        ("task", "Reranking"),
        ("language", "ja"),
    ],
)
def test_each_filter_leaves_what_has_its_value(show: Open, facet: str, value: str) -> None:
    page = show(shared(MODELS))
    rows = page.evaluate(
        f"Array.from(document.querySelectorAll('{ROWS}'), (one) => "
        "({...one.dataset, pool: one.closest('.pool').dataset.pool})).map((one) => one." + facet + ")"
    )
    choose(page, facet, value)
    assert count(page, ROWS) == rows.count(value) > 0
    if facet != "pool":
        assert {one[facet] for one in boxes(page, ROWS)} == {value}


def test_on_a_shared_gpu_only_what_matches_keeps_its_colour(show: Open) -> None:
    page = show(shared(MODELS))
    choose(page, "owner", "team-06")
    numbers = {number for number in range(MODELS) if owner(number) == "team-06"}
    on, off = boxes(page, ".bar .cut[data-v]:not(.off)"), boxes(page, ".bar .cut.off[data-v]")
    assert len(on) == len(numbers) > 0
    assert off
    assert {one["v"] for one in on}.isdisjoint(one["v"] for one in off)
    fills = page.evaluate(
        "['.cut.off[data-v] .slice', '.cut:not(.off)[data-v] .slice'].map((one) => "
        "Array.from(document.querySelectorAll(one), (slice) => getComputedStyle(slice).fill))"
    )
    assert [len(set(one)) for one in fills] == [1, 1]
    assert fills[0][0] != fills[1][0]


def test_servers_pools_and_gpus_without_a_match_go_and_come_back_with_escape(show: Open) -> None:
    page = show(shared(MODELS))
    before = [count(page, one) for one in (".pool", ".gpu", ".servers > tbody", ROWS)]
    page.press("/", 191, "/")
    page.type("model0023")
    assert [count(page, one) for one in (".pool", ".gpu", ".servers > tbody", ROWS)] == [1, 1, 1, 1]
    page.press("Escape", 27)
    page.evaluate("new Promise((then) => setTimeout(then))")
    assert [count(page, one) for one in (".pool", ".gpu", ".servers > tbody", ROWS)] == before
    assert focused(page) == "search"


def test_what_to_mind_follows_the_filters(show: Open) -> None:
    page = show(report_of())
    assert count(page, "[data-risk]") == 7
    choose(page, "engine", "tgi")
    kinds = page.evaluate(
        "Array.from(document.querySelectorAll('.mind details:not([hidden]) b'), (one) => one.textContent)"
    )
    assert kinds == ["1", "1"]
    assert count(page, "[data-risk]") == 2


def test_a_pool_that_serves_nothing_is_found_by_its_filter(show: Open) -> None:
    page = show(report_of())
    choose(page, "pool", "system-m6i-large")
    assert [one["pool"] for one in boxes(page, ".pool")] == ["system-m6i-large"]
    assert count(page, "#none") == 0


def test_a_search_for_nothing_there_says_so(show: Open) -> None:
    page = show(report_of())
    page.press("/", 191, "/")
    page.type("<b>nothing")
    assert count(page, ".pool") == 0
    assert count(page, "#none") == 1
    assert said(page) == "0 versions of 5"


def test_an_unknown_price_is_not_added_up_as_nothing(show: Open) -> None:
    page = show(report_of(prices={}))
    choose(page, "task", "QuestionAnswering")
    assert "cost unknown" in said(page)
    assert "$" not in said(page)


def test_tab_reaches_every_control_and_enter_opens_what_is_folded(show: Open) -> None:
    page = show(shared(MODELS))
    reached = []
    opened = False
    for _ in range(60):
        page.press("Tab", 9)
        reached.append(focused(page))
        in_gpu = page.evaluate("document.activeElement.matches('.gpu summary')")
        if in_gpu and not opened:
            page.press("Enter", 13, "\r")
            opened = bool(page.evaluate("document.activeElement.parentElement.open"))
        if reached[-1] == "body.":
            break
    controls = ["theme-auto", "search", "by-owner", "by-pool", "by-engine", "by-task", "by-language"]
    assert [one for one in reached if one in controls] == controls
    assert opened


def test_enter_in_the_search_sends_nothing(show: Open) -> None:
    page = show(report_of())
    page.press("/", 191, "/")
    page.type("fr")
    page.press("Enter", 13, "\r")
    assert len(page.requests()) == 1
    assert page.complaints() == []
    assert count(page, ROWS) == 2
