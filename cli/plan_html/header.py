"""The page's head: what the environment is, its figures, what to mind, and the tools to look through it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cli.plan_formats import a_month, an_hour, placement_lines
from cli.plan_html.amounts import money, more, notes
from cli.plan_html.bars import Shown
from cli.plan_html.markup import NOTHING, Html, join, tag
from cli.plan_html.reading import all_apart, difference
from planning.capacity import HOURS_PER_MONTH, Cost, total_cost
from planning.report import Alternative, Report, Risk, RiskKind
from quantities import counted

RISKS: Final = {
    RiskKind.NODE_GROUP_QUOTA: "More node groups than EKS takes by default",
    RiskKind.NOT_SERVED: "Placed and not served: files that nothing can copy",
    RiskKind.GPU_MEMORY_UNKNOWN: "GPU memory unknown: whether models fit was not checked",
    RiskKind.PRICE_UNKNOWN: "No price known",
    RiskKind.PRICE_STAND_IN: "Counted with another region\u2019s price",
    RiskKind.SPOT_NODES: "Spot nodes, which may be taken",
    RiskKind.OUTAGE_AT_ROLLOUT: "Away during a rollout",
}
"""What each kind is called, the gravest first."""

_OPEN: Final = 6
"""Risks of a kind that are shown without being asked for."""


def masthead(report: Report) -> Html:
    """Which environment this is, and how light the page is."""
    themes = [
        tag(
            "label",
            tag("input", type="radio", name="theme", value=name, id=f"theme-{name}", checked=name == "auto"),
            tag("span", name.capitalize()),
        )
        for name in ("auto", "light", "dark")
    ]
    of = tag("p", f"{report.selector} alone", class_="alone") if report.selector else NOTHING
    return tag(
        "header",
        tag(
            "div",
            tag("h1", "Plan of ", tag("em", report.environment)),
            tag("p", f"Region {report.region}", class_="soft"),
            of,
        ),
        tag("fieldset", tag("legend", "Colours"), themes, class_="themes"),
    )


def figures(report: Report) -> Html:
    """Nodes, GPUs and cost at a glance, beside what one model per GPU would cost."""
    gpus = sum(pool.gpus for pool in report.pools)
    taken = sum(pool.gpus_taken for pool in report.pools)
    versions = sum(len(server.versions) for pool in report.pools for server in pool.servers)
    tiles = [
        _figure("Nodes", f"{sum(pool.nodes for pool in report.pools):,}", counted(len(report.pools), "pool")),
        _figure("GPUs", f"{gpus:,}", f"{taken:,} taken, {gpus - taken:,} spare"),
        _figure(
            "Versions",
            f"{versions:,}",
            f"in {counted(sum(len(pool.servers) for pool in report.pools), 'server')}",
        ),
        _cost(report.total),
    ]
    apart = all_apart(report)
    if apart:
        tiles.append(_apart(report.planned, apart))
    return tag("dl", tiles, class_="figures")


def _figure(name: str, number: str, below: Html | str) -> Html:
    return tag("div", tag("dt", name), tag("dd", tag("b", number), tag("small", below)))


def _cost(cost: Cost) -> Html:
    hourly = "" if cost.unknown else f"{_least(cost, an_hour(cost))} an hour "
    below = join([hourly, notes(cost)])
    return tag(
        "div",
        tag("dt", "Cost a month"),
        tag("dd", tag("b", _least(cost, a_month(cost))), tag("small", below)),
        class_="wide",
    )


def _least(cost: Cost, amount: str) -> str:
    return f"at least {amount}" if cost.at_least else amount


def _apart(planned: Alternative, apart: Alternative) -> Html:
    cost = apart.cost
    rest = more(difference(planned.cost, cost))
    said = f"{rest} a month" if rest[0] in "+\u2212" else f"difference {rest}"
    return tag(
        "div",
        tag("dt", "One model per GPU would cost"),
        tag(
            "dd",
            tag("b", _least(cost, a_month(cost))),
            tag(
                "small",
                f"on {counted(apart.gpus, 'GPU')}: ",
                tag("strong", said),
                " ",
                notes(cost),
            ),
        ),
        class_="wide",
    )


def alternatives(report: Report) -> Html:
    """The environment's cost if GPUs were used in another way."""
    if not report.alternatives:
        return NOTHING
    rows = [
        tag(
            "tr",
            tag("th", one.name, scope="row"),
            tag("td", f"{one.gpu_nodes:,}", class_="n"),
            tag("td", f"{one.gpus:,}", class_="n"),
            money(one.cost)[:2],
            tag(
                "td",
                "" if one is report.planned else more(difference(report.planned.cost, one.cost)),
                class_="n",
            ),
            money(one.cost)[2],
        )
        for one in (report.planned, *report.alternatives)
    ]
    columns = ("", "GPU nodes", "GPUs taken", "an hour", "a month", "difference", "note")
    head = tag(
        "tr",
        [
            tag("th", name, scope="col", class_="n" if 0 < index < 6 else None) if name else tag("td")
            for index, name in enumerate(columns)
        ],
    )
    table = tag("table", tag("thead", head), tag("tbody", rows))
    return tag(
        "section",
        tag("h2", "If GPUs were used in another way", id="alternatives"),
        tag(
            "p", notes(total_cost(one.cost for one in (report.planned, *report.alternatives))), class_="facts"
        ),
        tag("div", table, class_="scroll", tabindex=0, role="group", aria_labelledby="alternatives"),
        aria_labelledby="alternatives",
    )


def placement(report: Report) -> Html:
    """Whether the lock is behind, how the budget stands, and what leaves its place. Nothing where all is as it was."""
    if not (told := placement_lines(report)):
        return NOTHING
    return tag(
        "section",
        tag("h2", "Placement", id="placement"),
        tag("ul", [tag("li", line) for line in told]),
        aria_labelledby="placement",
        class_="mind",
    )


def risks(report: Report) -> Html:
    """What to mind, by kind. A kind of many is folded."""
    if not report.risks:
        return NOTHING
    return tag(
        "section",
        tag("h2", "Mind", id="mind"),
        [
            _kind(RISKS.get(kind, kind.value), found)
            for kind in dict.fromkeys((*RISKS, *RiskKind))
            if (found := [one for one in report.risks if one.kind is kind])
        ],
        aria_labelledby="mind",
        class_="mind",
    )


def without_effect(report: Report) -> Html:
    """List what the catalog declares and nothing acts on yet."""
    if not report.without_effect:
        return NOTHING
    return tag(
        "section",
        tag("h2", "Without effect", id="without-effect"),
        tag("ul", [tag("li", one.message) for one in report.without_effect]),
        aria_labelledby="without-effect",
        class_="mind",
    )


def _kind(said: str, found: list[Risk]) -> Html:
    items = [tag("li", risk.message, data_risk=risk.pool, data_server=risk.server or None) for risk in found]
    return tag(
        "details",
        tag("summary", tag("b", f"{len(found):,}"), f" {said}"),
        tag("ul", items),
        open=len(found) <= _OPEN,
    )


def tools(report: Report, shown: Shown) -> Html:
    """Search and filters. Hidden until the script that answers them runs."""
    versions = shown.versions.values()
    facets = (
        ("owner", "Owner", (one.owner for one in versions)),
        ("pool", "Pool", (pool.name for pool in report.pools)),
        ("engine", "Engine", (one.engine for one in versions)),
        ("task", "Task", (one.task for one in versions)),
        ("language", "Language", (one.language for one in versions)),
    )
    return tag(
        "form",
        tag(
            "label",
            tag("span", "Search"),
            tag(
                "input",
                type="search",
                id="search",
                autocomplete="off",
                spellcheck="false",
                aria_keyshortcuts="/",
            ),
            class_="search",
        ),
        [_select(name, label, values) for name, label, values in facets],
        tag("button", "Show all", type="reset"),
        tag("p", role="status", id="found"),
        role="search",
        aria_label="Versions",
        class_="tools",
        id="tools",
        hidden=True,
    )


def _select(name: str, label: str, values: Iterable[str]) -> Html:
    options = [tag("option", value, value=value) for value in sorted({value for value in values if value})]
    return tag(
        "label",
        tag("span", label),
        tag("select", tag("option", "all", value=""), options, id=f"by-{name}"),
    )


def legend(shown: Shown) -> Html:
    """Whose colour is which, and what is nobody's."""
    named = [(owner, f"t{tone}") for owner, tone in shown.tones.items() if tone]
    if any(not tone for tone in shown.tones.values()):
        named.append(("other owners", "t0"))
    named += [("reserved", "reserve"), ("free", "free")]
    return tag(
        "ul",
        [tag("li", tag("i", class_=f"swatch {tone}", aria_hidden="true"), name) for name, tone in named],
        class_="legend",
        aria_label="Colours of the bars",
    )


def fine_print() -> Html:
    """What the numbers are, in short."""
    return tag(
        "footer",
        tag(
            "p",
            f"On demand, Linux, US dollars; a month has {HOURS_PER_MONTH} hours. Not counted: disks, NAT gateways, "
            "data transfer, the control plane, storage, taxes, discounts. A bar is what processes can allocate on one "
            "GPU; its parts are what the versions need there. Reserved is what an engine\u2019s settings leave unused, "
            "or the margin on an estimate that nobody measured. Free is what the plan does not need. What each number "
            "means is in docs/plan.md.",
        ),
    )
