"""`slipway plan --format html`: what stands in the page. How a browser draws it is tested in tests/browser."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from cli.plan_formats import a_month
from cli.plan_html import to_html
from cli.plan_html.header import RISKS
from cli.plan_html.page import TONES
from hardware import PRICES
from model_catalog import Environment, Selector
from planning.report import RiskKind
from tests.support.html import Read, rows
from tests.support.plan_reports import owner, report_of, selector, shared

STAND_IN = "us-east-1's price: eu-west-1's is unknown"


def test_unknown_prices_are_unknown_and_never_zero() -> None:
    page = to_html(report_of(prices={}))
    assert "$" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert "no price of g4dn.xlarge is known" in page
    assert "difference unknown" in page
    months = {one["data-month"] for one in Read(page).of("tr") if "data-month" in one}
    assert months == {"unknown"}


def test_an_amount_that_leaves_something_out_says_at_least() -> None:
    page = to_html(report_of(prices={key: price for key, price in PRICES.items() if key[0] != "g4dn.xlarge"}))
    assert "at least $" in page
    owners = rows(page, holding="nlp-platform</span>")
    assert owners
    assert all("at least $" in row and "no price of g4dn.xlarge is known" in row for row in owners)


def test_what_must_be_said_of_an_amount_stands_beside_it() -> None:
    page = to_html(report_of()).replace("&#x27;", "'")
    amounts = rows(page, holding="$")
    assert len(amounts) > 20
    assert all("us-east-1's price" in row for row in amounts)
    figures = re.findall(r"<dd>.*?</dd>", page)
    assert all(STAND_IN in one for one in figures if "$" in one)
    assert "is unknown" not in to_html(report_of(region="us-east-1"))


def test_a_gpu_whose_memory_nobody_read_is_unknown_and_names_what_it_holds() -> None:
    made = report_of()
    unread = replace(
        made,
        pools=tuple(
            replace(
                pool,
                servers=tuple(
                    replace(
                        server, versions=tuple(replace(version, memory=None) for version in server.versions)
                    )
                    for server in pool.servers
                ),
                bars=tuple(replace(bar, usable=None, segments=(), claimed=None) for bar in pool.bars),
            )
            for pool in made.pools
        ),
    )
    page = to_html(unread)
    assert page.count("usable memory unknown") == 2
    assert "0 GiB" not in page
    (row,) = rows(
        page, holding='"code"><i class="swatch t1" aria-hidden="true"></i>TextGeneration/Writer/mul@1'
    )
    assert '<td class="n">unknown</td>' in row
    (cpu,) = rows(page, holding="</i>LanguageIdentification/FastText/mul@1")
    assert '<td class="n">&#8211;</td>' in cpu


def test_a_spare_gpu_is_drawn_as_one() -> None:
    made = report_of()
    spare = replace(
        made,
        pools=tuple(
            replace(
                pool,
                gpus=pool.gpus + 3,
                bars=(*pool.bars, replace(pool.bars[0], count=3, segments=(), servers=(), claimed=None)),
            )
            if pool.bars
            else pool
            for pool in made.pools
        ),
    )
    assert "3 T4s alike, each</b> spare" in to_html(spare)
    assert "2 taken, 3 spare" in to_html(spare)


def test_each_version_on_a_shared_server_is_its_own_owner_s() -> None:
    page = to_html(shared(24))
    for number in range(24):
        (row,) = rows(page, holding=f'scope="row" class="code"><i class="swatch t{_tone(number)}"')[:1] or [
            ""
        ]
        assert row, number
        (row,) = rows(page, holding=f"</i>{selector(number)}<small ")
        assert f'data-owner="{owner(number)}"' in row
        assert f'data-task="{selector(number).task}"' in row
    assert page.count('data-owner="nlp-platform"') == 1, "of the server that the report did not change"


def _tone(number: int) -> int:
    return int(owner(number)[-2:]) + 1


def test_the_owners_who_pay_most_have_a_colour_and_the_others_share_one() -> None:
    page = to_html(shared(24))
    legend = re.findall(r'<i class="swatch (t\d)" aria-hidden="true"></i>([^<]+)</li>', page)
    assert [tone for tone, _ in legend] == [*(f"t{place}" for place in range(1, TONES + 1)), "t0"]
    assert legend[-1][1] == "other owners"


def test_a_version_s_row_its_slice_and_its_line_have_one_number() -> None:
    read = Read(to_html(shared(24)))
    numbered = {
        name: [one["data-v"] or "" for one in read.of(name) if "data-v" in one] for name in ("tr", "svg")
    }
    on_gpus = sorted(numbered["svg"])
    assert len(on_gpus) == len(set(on_gpus)) == 24
    assert sorted(numbered["tr"]) == sorted([*on_gpus, *on_gpus, "0"])


def test_what_is_drawn_of_a_gpu_adds_up_to_what_is_usable() -> None:
    report = shared(24)
    page = to_html(report)
    bars = [bar for pool in report.pools for bar in pool.bars]
    drawn = re.findall(r'<svg class="bar".*?</svg></svg>', page)
    assert len(drawn) == len(bars)
    for bar, svg in zip(bars, drawn, strict=True):
        assert sum(int(size) for size in re.findall(r'data-memory="(\d+)"', svg)) == bar.usable
        widths = [float(width) for width in re.findall(r'<svg x="[\d.]+%" width="([\d.]+)%"', svg)]
        assert sum(widths) == pytest.approx(100, abs=0.01)


def test_every_kind_of_risk_has_words_and_every_risk_is_said() -> None:
    assert set(RISKS) == set(RiskKind)
    report = report_of()
    assert to_html(report).count("<li data-risk=") == len(report.risks) > 0


def test_a_selector_that_leaves_out_a_neighbour_still_draws_it() -> None:
    wanted = selector(3)
    page = to_html(shared(24).only(wanted))
    read = Read(page)
    assert f"{wanted} alone" in page
    slices = [one for one in read.of("svg") if "data-memory" in one]
    assert len(slices) == 10 + 2
    assert page.count("not in this selection") == 4


def test_a_selector_that_nothing_matches_says_so() -> None:
    page = to_html(report_of(Environment.PROD).only(Selector(task="QuestionAnswering")))
    assert "prod runs none of QuestionAnswering" in page
    assert "<table" not in page


def test_an_environment_without_gpus_has_no_other_way_to_use_them() -> None:
    page = to_html(report_of(Environment.PROD))
    assert "One model per GPU" not in page
    assert "$140.16" in page


def test_the_head_says_what_one_model_per_gpu_would_cost_and_how_much_that_is_more() -> None:
    report = shared(100)
    page = to_html(report)
    (apart,) = report.alternatives
    assert f"<dt>One model per GPU would cost</dt><dd><b>{a_month(apart.cost)}</b>" in page
    gpu = next(pool.price for pool in report.pools if pool.gpus)
    assert f"on 100 GPUs: <strong>+{a_month(gpu.times(100 - 10))} a month</strong>" in page


def test_all_four_ways_to_divide_the_cost_are_there_the_largest_first() -> None:
    page = to_html(report_of())
    for title in ("owner", "model", "language", "pool"):
        table = page.partition(f'id="cost-{title}"')[2].partition("</table>")[0]
        hours = [float(one) for one in re.findall(r'<td class="n">\$(\d+\.\d{4})</td>', table)]
        assert len(hours) >= 3
        models = [
            float(row.partition("$")[2].partition("<")[0])
            for row in rows(table, holding="$")
            if "(idle)" not in row and "(system)" not in row
        ]
        assert models == sorted(models, reverse=True)
        assert hours[: len(models)] == models
