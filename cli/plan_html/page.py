"""The document: everything in one file, under a policy that lets nothing else in (docs/plan.md)."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Final

from cli.plan_formats import headline, nothing
from cli.plan_html.bars import Shown, patterns
from cli.plan_html.costs import cost_section
from cli.plan_html.header import (
    alternatives,
    figures,
    fine_print,
    legend,
    masthead,
    placement,
    risks,
    tools,
    without_effect,
)
from cli.plan_html.markup import Html, join, tag
from cli.plan_html.pools import pool_sections
from cli.plan_html.reading import largest_first, shown_versions
from cli.plan_html.routes import routes, settings
from planning.capacity import Cost
from planning.report import Report

TONES: Final = 7
"""Owners with a colour of their own, those that pay most; the others share one."""


def to_html(report: Report) -> str:
    """ASCII, so that it is the same page whatever a pipe or a server takes its encoding for."""
    style, script = _packaged("page.css"), _packaged("page.js")
    page = join(
        [
            Html("<!DOCTYPE html>\n"),
            tag("html", _head(report, style, script), _body(report), tag("script", Html(script)), lang="en"),
            Html("\n"),
        ]
    )
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _packaged(name: str) -> str:
    return resources.files("cli.plan_html").joinpath(name).read_text(encoding="utf-8")


def _head(report: Report, style: str, script: str) -> Html:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"Plan of {headline(report)}"),
        tag("style", Html(style)),
    )


def policy(style: str, script: str) -> str:
    """No request of any kind, no form that sends, and of styles and scripts these very two."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _body(report: Report) -> Html:
    if said := nothing(report):
        return tag("body", masthead(report), tag("main", tag("p", said, class_="nothing")))
    versions = shown_versions(report)
    owners = largest_first((one.owner, one.cost or Cost()) for one in versions.values())
    tones = {owner: place if place <= TONES else 0 for place, owner in enumerate(owners, 1)}
    shown = Shown(versions=versions, tones=tones)
    without_script = tag("p", "Search and filters need JavaScript; all else is here.", class_="soft")
    return tag(
        "body",
        patterns(),
        masthead(report),
        tag(
            "main",
            figures(report),
            tag("noscript", without_script),
            tools(report, shown),
            placement(report),
            risks(report),
            without_effect(report),
            tag(
                "section",
                tag("h2", "Pools, GPUs and servers", id="pools"),
                legend(shown),
                pool_sections(report, shown),
                tag("p", "Nothing matches.", id="none", class_="nothing", hidden=True),
                aria_labelledby="pools",
            ),
            routes(report),
            settings(report),
            cost_section(report),
            alternatives(report),
        ),
        fine_print(),
    )
