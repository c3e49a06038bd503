"""The plan's page trusts no text and needs nothing else: escaping, policy, and equal bytes everywhere."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from dataclasses import replace
from importlib import resources

import pytest
from typer.testing import CliRunner

from cli import main
from cli.console import CLONE
from cli.plan_formats import printable
from cli.plan_html import to_html
from cli.plan_html.markup import Html, tag
from planning.capacity import Charge
from planning.report import PoolReport, Report
from tests.support.html import Read
from tests.support.plan_reports import report_of, shared

EVIL = "\"'><script>alert(1)</script></style><img src=x onerror=alert(2)><!-- &amp; \x1b[31m \u202e"

runner = CliRunner()


def evil() -> Report:
    """dev's, in which every text that a catalog or a stack file could bring tries to be markup."""
    made = report_of()
    return replace(
        made,
        environment=EVIL,
        region=EVIL,
        pools=tuple(_evil(pool) for pool in made.pools),
        charges=tuple(_renamed(one) for one in made.charges),
        risks=tuple(replace(risk, message=EVIL, pool=EVIL, server=EVIL) for risk in made.risks),
        planned=replace(made.planned, name=EVIL),
    )


def _renamed(one: Charge) -> Charge:
    return replace(one, pool=EVIL, server=EVIL, owner=EVIL) if one.selector else replace(one, pool=EVIL)


def _evil(pool: PoolReport) -> PoolReport:
    return replace(
        pool,
        name=EVIL,
        instance_type=EVIL,
        usable_source=EVIL,
        servers=tuple(replace(server, name=EVIL, engine_version=EVIL) for server in pool.servers),
        bars=tuple(
            replace(
                bar,
                servers=(EVIL,),
                segments=tuple(
                    replace(
                        segment,
                        server=EVIL,
                        source=EVIL,
                        selector=replace(segment.selector, model=EVIL, version=EVIL),
                    )
                    for segment in bar.segments
                ),
            )
            for bar in pool.bars
        ),
    )


def test_no_text_of_a_catalog_becomes_markup() -> None:
    tame, read = Read(to_html(report_of())), Read(to_html(evil()))
    assert len(read.of("script")) == len(read.of("style")) == 1
    assert read.of("img") == []
    assert read.comments == []
    assert {name for name, _ in read.elements} <= {name for name, _ in tame.elements} | {"svg", "text"}
    assert not [name for _, attributes in read.elements for name in attributes if name.startswith("on")]
    shown = printable(EVIL)
    for element in ("em", "h3", "li", "option", "span", "th", "title"):
        assert any(shown in text for text in read.text_of(element)), element
    assert {one["value"] for one in read.of("option")} >= {shown}


def test_no_text_of_a_catalog_hides_in_control_characters() -> None:
    page = to_html(evil())
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", page)
    assert "&#8238;" not in page
    assert "\\u202e" in page


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (tag("p", "a < b & 'c'"), "<p>a &lt; b &amp; &#x27;c&#x27;</p>"),
        (tag("p", Html("<b>made</b>")), "<p><b>made</b></p>"),
        (tag("p", [tag("b", "x"), None, [" y"]]), "<p><b>x</b> y</p>"),
        (
            tag("i", class_="t1", data_v=0, aria_hidden="true"),
            '<i class="t1" data-v="0" aria-hidden="true"></i>',
        ),
        (
            tag("i", title='"><b>', hidden=True, lang=None, draggable=False),
            '<i title="&quot;&gt;&lt;b&gt;" hidden></i>',
        ),
        (tag("meta", name="x"), '<meta name="x">'),
    ],
)
def test_what_is_not_markup_is_text(element: Html, expected: str) -> None:
    assert element == expected


def test_the_page_needs_nothing_else() -> None:
    page = to_html(shared(12))
    read = Read(page)
    for element, attributes in read.elements:
        assert element not in {"link", "iframe", "img", "object", "embed", "base", "a"}
        assert {"src", "href", "style", "action", "srcset"}.isdisjoint(attributes)
    style = "".join(read.text_of("style"))
    assert "@import" not in style
    assert set(re.findall(r"url\((.*?)\)", style)) == {"#hatch", "#claim"}
    assert {one["id"] for one in read.of("pattern")} == {"hatch", "claim"}


def test_its_policy_allows_its_own_style_and_script_and_nothing_else() -> None:
    read = Read(to_html(report_of()))
    policy = next(one["content"] for one in read.of("meta") if one.get("http-equiv")) or ""
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for element in ("style", "script"):
        inside = "".join(read.text_of(element))
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy
    first = [name for name, _ in read.elements].index("meta")
    assert read.elements[first + 1][1]["http-equiv"] == "Content-Security-Policy"


@pytest.mark.parametrize("name", ["page.css", "page.js"])
def test_what_the_policy_s_digests_are_of_survives_every_encoding(name: str) -> None:
    text = resources.files("cli.plan_html").joinpath(name).read_text(encoding="utf-8")
    assert text.isascii()
    assert "</" not in text
    assert "\r" not in text


def test_equal_input_gives_equal_bytes_in_another_process_and_locale() -> None:
    script = (
        "import typer; from typer.testing import CliRunner as R; from cli.plan_command import plan; "
        "app = typer.Typer(); app.command()(plan); "
        "print(R().invoke(app, ['--env', 'dev', '--format', 'html']).output, end='')"
    )
    ran = subprocess.run(  # noqa: S603 (this very interpreter)
        [sys.executable, "-c", script],
        capture_output=True,
        check=True,
        cwd=CLONE,
        env={"PYTHONHASHSEED": "7", "LC_ALL": "C"},
    )
    here = runner.invoke(main.app, ["plan", "--env", "dev", "--format", "html"])
    assert here.exit_code == 0
    assert ran.stdout.decode("ascii") == here.output
    assert here.output == to_html(report_of())
