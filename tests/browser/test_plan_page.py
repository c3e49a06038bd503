"""How the plan's page is drawn: to scale, in both colour schemes, on a phone and on paper; and what it asks for."""

from __future__ import annotations

import json

import pytest

from planning.capacity.memory import PartName
from planning.report import GpuBar
from tests.browser.chromium import Browser, Page, Scheme
from tests.browser.pages import Keep, Open, boxes, colours, count, lightness
from tests.support.plan_reports import report_of, shared

PHONE = 390


def expected(bar: GpuBar) -> list[int]:
    """From left to right: each version without its reserve, all reserve, what is free."""
    versions: dict[tuple[str, str], int] = {}
    reserve = 0
    for segment in bar.segments:
        if segment.part is PartName.RESERVE:
            reserve += segment.memory
        else:
            key = (segment.server, str(segment.selector))
            versions[key] = versions.get(key, 0) + segment.memory
    assert bar.free is not None
    return [size for size in (*versions.values(), reserve, int(bar.free)) if size]


@pytest.mark.parametrize("width", [1280, PHONE])
def test_a_bar_is_a_gpu_drawn_to_scale(show: Open, page: Page, width: int) -> None:
    report = shared(24)
    page.size(width, 4000)
    show(report)
    bars = [bar for pool in report.pools for bar in pool.bars]
    assert count(page, ".bar") == len(bars) == 3
    for number, bar in enumerate(bars):
        whole = boxes(page, ".bar")[number]
        slices = page.evaluate(
            f"Array.from(document.querySelectorAll('.bar')[{number}].querySelectorAll('.cut > .slice'), (one) => {{"
            "const {x, width} = one.getBoundingClientRect(); return [x, width]})"
        )
        sizes = expected(bar)
        assert len(slices) == len(sizes)
        assert bar.usable is not None
        before = 0
        for (left, wide), size in zip(slices, sizes, strict=True):
            # A stroke's half, and a pixel's.
            assert left - whole["x"] == pytest.approx(before / bar.usable * whole["width"], abs=1.5)
            assert wide == pytest.approx(size / bar.usable * whole["width"], abs=2)
            before += size


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_drawn_and_as_light_as_the_reader_s_system(
    show: Open, page: Page, browser: Browser, keep: Keep, scheme: Scheme
) -> None:
    page.size(1280, 1600)
    page.prefer(scheme)
    show(shared(24))
    picture = keep(f"plan-{scheme}", page.screenshot())
    blank = browser.page()
    found = colours(blank, picture)
    blank.close()
    (ground, times), *others = found.most_common()
    assert times > sum(found.values()) / 4
    assert len(others) > 100
    assert (lightness(ground) > 0.9) if scheme == "light" else (lightness(ground) < 0.2)
    # The bars: colours that are none of the greys.
    vivid = sum(times for colour, times in others if max(colour) - min(colour) > 60)
    assert vivid > sum(found.values()) / 200


def test_every_owner_of_a_legend_has_a_colour_of_its_own_in_each_scheme(show: Open, page: Page) -> None:
    show(shared(24))
    seen = []
    for scheme in ("light", "dark"):
        page.prefer(scheme)
        fills = page.evaluate(
            "Array.from(document.querySelectorAll('.legend i'), (one) => getComputedStyle(one).background)"
        )
        assert len(set(fills)) == len(fills)
        seen += fills[:-2]
    assert len(set(seen)) == len(seen)


def test_a_reader_chooses_the_colours_without_a_script_and_without_storage(show: Open, page: Page) -> None:
    page.scripts(run=False)
    show(report_of())
    page.press("Tab", 9)
    grounds = []
    for _ in range(3):
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.press("ArrowRight", 39)
    auto, light, dark = grounds
    assert auto == light != dark
    assert page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]


@pytest.mark.parametrize("width", [PHONE, 320, 768, 1280])
def test_nothing_is_wider_than_the_window(show: Open, page: Page, keep: Keep, width: int) -> None:
    page.size(width, 844)
    show(shared(24))
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    keep(f"plan-{width}", page.screenshot())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = [
        one
        for one in boxes(page, ".pool, .bar, .figures, .tools > *, h1, h2")
        if one["x"] + one["width"] > width
    ]
    assert outside == []


def test_on_a_phone_no_cell_is_squeezed_into_a_column_of_letters(show: Open, page: Page) -> None:
    page.size(PHONE, 844)
    show(shared(24))
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert [one for one in boxes(page, "tbody td, tbody th") if one["height"] > 80] == []
    wide = page.evaluate(
        "Array.from(document.querySelectorAll('.servers td, .servers th'), (one) => "
        "one.getBoundingClientRect().right).filter((right) => right > innerWidth)"
    )
    assert wide == []


def test_without_a_script_all_but_the_tools_is_there(show: Open, page: Page) -> None:
    page.scripts(run=False)
    show(shared(24))
    assert count(page, ".tools") == 0
    assert count(page, ".bar") == 3
    assert count(page, "tr[data-v]") >= 25
    assert "need JavaScript" in page.evaluate("document.querySelector('main').innerText")


def test_on_paper_it_is_light_whole_and_without_tools(show: Open, page: Page) -> None:
    show(shared(24))
    page.prefer("dark", media="print")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert count(page, ".tools, .themes") == 0
    assert count(page, ".parts") == 3
    assert page.evaluate("getComputedStyle(document.querySelector('.tall')).overflowY") == "visible"
    assert page.pdf().startswith(b"%PDF-")


@pytest.mark.parametrize("models", [0, 24])
def test_it_asks_for_nothing_and_complains_of_nothing(show: Open, models: int) -> None:
    shown = show(shared(models) if models else report_of(prices={}))
    assert [address for address in shown.requests() if not address.startswith("file:")] == []
    assert len(shown.requests()) == 1
    assert shown.complaints() == []


def test_its_policy_stops_what_is_not_its_own(show: Open) -> None:
    page = show(report_of())
    page.evaluate(
        "(() => {const script = document.createElement('script'); script.textContent = 'window.ran = 1';"
        "document.body.append(script);"
        "const picture = new Image(); picture.src = 'http://localhost:9/x.png'; document.body.append(picture);"
        "document.body.setAttribute('style', 'color: rgb(1, 2, 3)')})()"
    )
    assert page.evaluate("window.ran === undefined")
    assert page.evaluate("getComputedStyle(document.body).color") != "rgb(1, 2, 3)"
    refused = json.dumps(page.complaints())
    assert "Content Security Policy" in refused
