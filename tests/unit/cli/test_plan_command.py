"""`slipway plan`: what it prints in each format, and what it refuses."""

import functools
import html
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import main, plan_command, plans
from cli.console import CLONE
from cli.diff_formats import MARKDOWN_LIMIT
from cli.plan_formats import PARTS, gibibytes, printable
from cli.plan_json import to_json
from cli.plan_markdown import to_markdown
from cli.plan_text import WIDTH, bar_cells, to_text
from hardware import PRICES
from infra.settings import load_settings
from infra.stack_files import read_stack_config
from model_catalog import CatalogError, Environment, Selector, load_catalog
from planning import Plan, PlanningError
from planning.capacity.cost import Prices
from planning.capacity.memory import PartName
from planning.report import PoolReport, Report, make_report

STAND_IN = "us-east-1's price: eu-west-1's is unknown"
EVIL = "g5\x1b]0;x\x07 | [a](http://b) <img src=x>\n# @all `c`"

runner = CliRunner()


@functools.cache
def plan(*arguments: str) -> str:
    result = runner.invoke(main.app, ["plan", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


@functools.cache
def planned(environment: Environment) -> Plan:
    return plans.plan_of(load_catalog(), environment)


def report(
    environment: Environment = Environment.DEV, region: str = "eu-west-1", prices: Prices = PRICES
) -> Report:
    return make_report(planned(environment), region, prices)


def evil() -> Report:
    """A report in which the one free text of a catalog, and names that its patterns refuse, hold what must not work."""
    made = report()
    return replace(made, pools=tuple(_evil(pool) for pool in made.pools), environment=f"dev{EVIL}")


def _evil(pool: PoolReport) -> PoolReport:
    return replace(
        pool,
        servers=tuple(
            replace(
                server,
                owners=(EVIL,),
                versions=tuple(
                    replace(version, selector=replace(version.selector, model=EVIL), owner=EVIL, reason=EVIL)
                    for version in server.versions
                ),
            )
            for server in pool.servers
        ),
        bars=tuple(
            replace(
                bar,
                segments=tuple(replace(segment, source=EVIL) for segment in bar.segments),
            )
            for bar in pool.bars
        ),
    )


def test_text_has_a_bar_of_each_gpu_and_the_cost_by_owner_model_and_language() -> None:
    said = plan("--env", "dev")
    bars = re.findall(r"^ +\[([WKALGFR]*)(\.*)\]$", said, re.MULTILINE)
    assert len(bars) == 2
    assert {len(taken) + len(free) for taken, free in bars} == {66}
    for heading in ("by owner", "by model", "by language", "by pool", "total"):
        assert f"\n{heading}" in said
    assert "W weights" in said
    assert "14.0 GiB usable" in said


def test_every_line_with_a_stand_in_price_says_so() -> None:
    said = plan("--env", "dev")
    tables = said.partition("Cost on demand")[2].partition("If GPUs")[0]
    rows = [line for line in tables.splitlines() if "$" in line]
    assert rows
    assert all("us-east-1's price" in row for row in rows)
    assert STAND_IN in tables
    markdown = [line for line in plan("--env", "dev", "--format", "markdown").splitlines() if "| $" in line]
    assert markdown
    assert all(STAND_IN in line for line in markdown)


def test_a_region_whose_prices_are_known_says_nothing_of_another() -> None:
    made = report(region="us-east-1")
    for said in (to_text(made), to_markdown(made), to_json(made)):
        assert "is unknown" not in said


def test_unknown_prices_are_unknown_and_never_zero() -> None:
    made = report(prices={})
    assert "$" not in to_text(made)
    assert "cost unknown; no price of g4dn.xlarge is known" in to_text(made)
    assert "| unknown | unknown |" in to_markdown(made)
    assert json.loads(to_json(made))["cost"]["total"]["usd_per_hour"] is None


def test_a_total_that_leaves_something_out_says_at_least() -> None:
    made = report(prices={key: price for key, price in PRICES.items() if key[0] != "g4dn.xlarge"})
    total = next(line for line in to_text(made).splitlines() if line.startswith("total"))
    assert "at least" in total
    assert "at least $" in to_markdown(made)


@pytest.mark.parametrize("environment", list(Environment))
@pytest.mark.parametrize("prices", [{}, PRICES], ids=["unknown prices", "known prices"])
def test_text_fits_80_columns(environment: Environment, prices: Prices) -> None:
    made = report(environment, prices=prices)
    lines = to_text(made, sources=True).splitlines()
    # An address is not cut, so that it can be followed.
    assert [line for line in lines if len(line) > WIDTH and "https://" not in line] == []


def test_prod_releases_nothing_and_has_its_system_pool_and_its_cost() -> None:
    said = plan("--env", "prod")
    assert said.startswith("prod in eu-west-1: 1 pool, 2 nodes, 0 servers\n\nsystem-m6i-large: 2 nodes")
    assert "total                          $0.1920  $140.16  us-east-1's price" in said
    assert "[" not in said


def test_equal_input_gives_equal_bytes_in_another_process() -> None:
    script = (
        "import typer; from typer.testing import CliRunner as R; from cli.plan_command import plan; "
        "app = typer.Typer(); app.command()(plan); "
        "print(*(R().invoke(app, ['--env', 'dev', '--format', f]).output for f in "
        "('text', 'json', 'markdown')), sep='', end='')"
    )
    ran = subprocess.run(  # noqa: S603 (this very interpreter)
        [sys.executable, "-c", script],
        capture_output=True,
        check=True,
        cwd=CLONE,
        env={"PYTHONHASHSEED": "7", "LC_ALL": "C"},
    )
    here = "".join(plan("--env", "dev", "--format", format_) for format_ in ("text", "json", "markdown"))
    assert ran.stdout.decode() == here


def test_json_keeps_its_keys_and_its_amounts_add_up() -> None:
    said = json.loads(plan("--env", "dev", "--format", "json"))
    assert list(said) == [
        "environment",
        "region",
        "selector",
        "hours_per_month",
        "pools",
        "versions",
        "routes",
        "cost",
        "placement",
        "budget",
        "planned",
        "alternatives",
        "risks",
        "without_effect",
    ]
    pool = said["pools"][1]
    assert list(pool) == [
        "name",
        "use",
        "instance_type",
        "purchase_option",
        "nodes",
        "max_nodes",
        "gpu",
        "share",
        "gpus",
        "usable_source",
        "price",
        "cost",
        "servers",
        "gpu_memory",
    ]
    bar = pool["gpu_memory"][0]
    assert sum(bar["parts"].values()) == bar["taken"] == bar["usable"] - bar["free"]
    assert list(bar["segments"][0]) == ["server", "selector", "part", "memory", "source"]
    cost = said["cost"]
    for lines in ("by_model", "by_language", "by_owner", "by_pool", "charges"):
        assert sum(Decimal(line["usd_per_hour"]) for line in cost[lines]) == Decimal(
            cost["total"]["usd_per_hour"]
        )
    assert cost["total"]["stand_ins"] == [STAND_IN]


def test_the_page_names_every_key_of_the_json() -> None:
    page = (CLONE / "docs" / "plan.md").read_text()
    found: set[str] = set()

    def collect(value: Any, *, named: bool = True) -> None:
        match value:
            case dict():
                found.update(value if named else ())
                for key, below in value.items():
                    # The catalog's own keys and steps are described in docs/catalog.md.
                    if key not in ("slo", "autoscaling", "drift", "quality", "preprocessing"):
                        collect(below, named=key != "parts")
            case list():
                for below in value:
                    collect(below)

    collect(json.loads(to_json(report())))
    assert sorted(key for key in found if f"`{key}`" not in page) == []


def test_a_selector_shows_what_matches_and_its_part_of_the_cost() -> None:
    said = plan("QuestionAnswering/Reader/fr", "--env", "dev")
    assert "dev in eu-west-1, QuestionAnswering/Reader/fr alone" in said
    assert "text-generation-writer" not in said
    assert [line for line in said.splitlines() if line.startswith("  en ")] == []
    assert "(system)" not in said


@pytest.mark.parametrize("format_", ["text", "markdown"])
def test_a_selector_that_nothing_of_the_environment_matches_says_so(format_: str) -> None:
    said = plan("QuestionAnswering", "--env", "prod", "--format", format_)
    assert said == "prod runs none of QuestionAnswering\n"


def test_a_selector_of_no_entry_is_a_usage_error() -> None:
    assert runner.invoke(main.app, ["plan", "Nothing/Here"]).exit_code == 2


def test_sources_say_what_each_figure_was_made_of() -> None:
    short, long = plan("--env", "dev"), plan("--env", "dev", "--sources")
    assert "1 workers x 440MiB" not in short
    assert "1 workers x 440MiB" in long
    assert "https://" in long


def test_a_catalog_with_errors_is_refused_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(CLONE / "model_catalog" / "entries", tmp_path / "model_catalog" / "entries")
    shutil.copytree(CLONE / "model_catalog" / "releases", tmp_path / "model_catalog" / "releases")
    entry = tmp_path / "model_catalog" / "entries" / "question_answering" / "reader.yaml"
    entry.write_text(entry.read_text().replace("owner:", "onwer:"))
    monkeypatch.setattr(plan_command, "CLONE", tmp_path)
    error = runner.invoke(main.app, ["plan"]).exception
    assert isinstance(error, CatalogError)
    assert re.search(r"question_answering/reader\.yaml:\d+:\d+ ", str(error))


def test_an_environment_without_a_plan_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PlanningError("no node has it")

    monkeypatch.setattr(plan_command, "plan_of", refuse)
    assert isinstance(runner.invoke(main.app, ["plan"]).exception, PlanningError)


@pytest.mark.parametrize("error", [CatalogError(()), PlanningError("no node has it")])
def test_a_refusal_is_a_line_and_exit_1(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(plan_command, "plan_of", refuse)
    monkeypatch.setattr(sys, "argv", ["slipway", "plan"])
    with pytest.raises(SystemExit) as exit_:
        main.main()
    assert exit_.value.code == 1
    assert capsys.readouterr().err.startswith("slipway: ")


def test_no_text_of_a_catalog_reaches_the_terminal_as_an_escape() -> None:
    said = to_text(evil(), sources=True)
    assert "\x1b" not in said
    assert "\x07" not in said
    assert "\\u001b" in said


def test_no_text_of_a_catalog_becomes_markdown() -> None:
    said = to_markdown(evil())
    assert not re.search(r"(?<!\\)<img|^# |(?<!\w)@all|(?<!\\)\[a\]", said, re.MULTILINE)
    assert "\x1b" not in said


def test_json_is_ascii_so_that_no_terminal_obeys_it() -> None:
    assert to_json(evil()).isascii()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", to_json(evil()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [bold]é[/]", "plain [bold]é[/]"),
        ("\x1b[31m", "\\u001b[31m"),
        ("a\nb\u2028c", "a\\u000ab\\u2028c"),
        ("\u202eevil", "\\u202eevil"),
        ("\x9b2J", "\\u009b2J"),
    ],
)
def test_what_a_terminal_would_obey_shows_as_its_number(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_colour_adds_escapes_and_changes_no_letter() -> None:
    plain, coloured = to_text(report()), to_text(report(), colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert plain.isascii()


@pytest.mark.parametrize(
    ("parts", "whole", "cells"),
    [
        ((), 10, ()),
        ((5, 5), 10, (5, 5)),
        ((1, 1), 1000, (1, 1)),
        ((1, 998, 1), 1000, (1, 8, 1)),
        ((20,), 10, (10,)),
        ((0, 5), 10, (0, 5)),
        ((5,), 0, (0,)),
    ],
)
def test_each_part_of_a_bar_is_seen_and_all_fit_into_it(
    parts: tuple[int, ...], whole: int, cells: tuple[int, ...]
) -> None:
    assert bar_cells(parts, whole, 10) == cells


def test_each_part_of_memory_has_its_own_letter() -> None:
    assert set(PARTS) == set(PartName)
    assert len({part.letter for part in PARTS.values()}) == len(PartName)


@pytest.mark.parametrize(
    ("memory", "said"),
    [(0, "0"), (1, "under 0.1"), (1024**3, "1.0"), (1024**3 * 5 // 4, "1.3"), (25 * 1024**3, "25.0")],
)
def test_memory_is_shown_in_gib_and_what_is_there_never_as_nothing(memory: int, said: str) -> None:
    assert gibibytes(memory) == said


def test_a_comment_is_never_too_long_for_github() -> None:
    made = report()
    many = replace(made, pools=made.pools * 400, charges=made.charges * 400, risks=made.risks * 400)
    said = to_markdown(many)
    assert len(said) <= MARKDOWN_LIMIT
    assert "more, which `slipway plan` lists." in said


def test_help_teaches_with_an_example() -> None:
    said = plan("--help")
    assert "Example: slipway plan --env dev" in said
    assert "docs/plan.md" in said


def test_the_region_is_the_stack_file_s() -> None:
    settings = load_settings("prod", read_stack_config("prod", CLONE))
    assert json.loads(plan("--env", "prod", "--format", "json"))["region"] == settings.region


def test_a_selector_is_named_in_json() -> None:
    said = json.loads(plan("QuestionAnswering", "--env", "dev", "--format", "json"))
    assert said["selector"] == str(Selector.parse("QuestionAnswering"))


WRITER = "TextGeneration/Writer/mul@1"
NOT_SERVED = (
    "not served: its artifact is Qwen/Qwen2.5-1.5B-Instruct on the Hub, and servers read nothing but their "
    f"environment's bucket; `slipway artifacts mirror {WRITER} --to s3://BUCKET/PREFIX --write` brings it into a "
    "research bucket, and writes bucket, path and digest into its entry"
)


def test_a_language_model_that_cannot_be_served_is_told_in_every_format_with_reason_and_fix() -> None:
    text = " ".join(plan(WRITER, "--env", "dev").split())
    assert "tgi 3.3.5, 1 replica that does not run of" in text
    assert f"{WRITER} is {NOT_SERVED}" in text
    said = json.loads(plan("--env", "dev", "--format", "json"))
    (server,) = (
        server
        for pool in said["pools"]
        for server in pool["servers"]
        if server["name"] == "text-generation-writer-mul-1"
    )
    assert (server["replicas"], server["running"]) == (1, 0)
    assert [version["not_served"] for version in server["versions"]] == [NOT_SERVED]
    told = {(risk["kind"], risk["server"]) for risk in said["risks"]}
    assert ("not_served", server["name"]) in told
    assert ("outage_at_rollout", server["name"]) not in told, "it has no pod that a rollout could stop"
    for written in ("markdown", "html"):
        page = html.unescape(plan("--env", "dev", "--format", written))
        assert f"slipway artifacts mirror {WRITER}" in page
        assert f"{WRITER} is not served" in page
