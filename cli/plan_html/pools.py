"""Pools with their nodes, GPUs and servers. A version's row carries all that the search and the filters look at."""

from __future__ import annotations

from decimal import Decimal

from cli.plan_formats import gibibytes, replicas
from cli.plan_html.amounts import exact, gib, in_line, money
from cli.plan_html.bars import Shown, bar_block
from cli.plan_html.markup import NOTHING, Html, join, tag
from cli.plan_html.reading import ShownVersion, by_server
from planning.capacity import Use
from planning.report import PoolReport, Report, ServerReport
from quantities import counted, format_duration


def pool_sections(report: Report, shown: Shown) -> Html:
    """All of them, in the report's order."""
    servers = by_server(shown.versions)
    return join([_pool(number, pool, servers, shown) for number, pool in enumerate(report.pools, 1)])


def _pool(
    number: int, pool: PoolReport, servers: dict[tuple[str, str], list[ShownVersion]], shown: Shown
) -> Html:
    title = f"pool-{number}"
    return tag(
        "section",
        tag("h3", pool.name, id=title, class_="code"),
        tag("p", _facts(pool), class_="facts"),
        tag("p", in_line(pool.cost), class_="facts"),
        _gpus(pool, shown),
        _servers(title, pool, servers, shown),
        class_="pool",
        aria_labelledby=title,
        data_pool=pool.name,
        data_system=pool.use is Use.SYSTEM,
    )


def _facts(pool: PoolReport) -> Html:
    each = f" with {counted(pool.gpus // pool.nodes, pool.gpu or 'GPU')} each" if pool.gpus else ""
    facts: list[Html | str] = [
        join(
            [
                tag("b", counted(pool.nodes, "node")),
                f" of {pool.instance_type}{each}, at most {pool.max_nodes}",
            ]
        )
    ]
    if pool.gpus:
        facts.append(f"{pool.gpus_taken} of {counted(pool.gpus, 'GPU')} taken, {pool.gpus_spare} spare")
    if pool.use is Use.SYSTEM:
        facts.append("the system\u2019s: cluster DNS and other add-ons, whatever is served")
    return join([[" \u00b7 " if index else "", fact] for index, fact in enumerate(facts)])


def _gpus(pool: PoolReport, shown: Shown) -> Html:
    if not pool.bars:
        return NOTHING
    source = (
        tag("p", f"Usable memory of a GPU: {pool.usable_source}.", class_="source")
        if pool.usable_source
        else None
    )
    return tag(
        "div", tag("h4", "GPUs"), [bar_block(bar, pool, shown) for bar in pool.bars], source, class_="gpus"
    )


def _servers(
    title: str, pool: PoolReport, servers: dict[tuple[str, str], list[ShownVersion]], shown: Shown
) -> Html:
    if not pool.servers:
        return NOTHING
    columns = ("version", "owner", "", "GPU memory", "an hour", "a month", "note")
    head = tag(
        "tr",
        [
            tag("th", name, scope="col", class_="n" if index in {3, 4, 5} else None) if name else tag("td")
            for index, name in enumerate(columns)
        ],
    )
    groups = [
        tag(
            "tbody",
            _server_row(server, len(columns)),
            [_version_row(one, server, shown) for one in servers.get((pool.name, server.name), [])],
            data_server=server.name,
        )
        for server in pool.servers
    ]
    table = tag("table", tag("thead", head), groups, class_="servers", aria_label=f"Servers of {pool.name}")
    return join(
        [
            tag("h4", "Servers"),
            tag("div", table, class_="scroll", tabindex=0, role="group", aria_labelledby=title),
        ]
    )


def _server_row(server: ServerReport, columns: int) -> Html:
    wants = server.resources
    gpus = f", {counted(wants.gpus, 'GPU')}" if wants.gpus else ""
    said = (
        f"{server.engine.value} {server.engine_version} \u00b7 {replicas(server)} of "
        f"{Decimal(wants.millicores) / 1000:f} CPU, {gibibytes(wants.memory)} GiB{gpus} \u00b7 "
        f"may take {format_duration(server.startup_budget)} to start"
    )
    return tag(
        "tr",
        tag(
            "th",
            tag("span", server.name, class_="code"),
            " ",
            tag("span", said, class_="soft"),
            colspan=columns,
            scope="rowgroup",
        ),
        class_="server",
    )


def _version_row(one: ShownVersion, server: ServerReport, shown: Shown) -> Html:
    cells = (
        (tag("td", "not in this selection", colspan=3, class_="soft"),)
        if one.cost is None
        else money(one.cost)
    )
    return tag(
        "tr",
        tag(
            "th",
            tag("i", class_=f"swatch t{shown.tones.get(one.owner, 0)}", aria_hidden="true"),
            one.selector,
            tag("small", _why(one.reason), class_="why") if one.reason else NOTHING,
            scope="row",
            class_="code",
        ),
        tag("td", one.owner),
        tag("td", tag("span", "default", class_="badge") if one.default else ""),
        tag("td", gib(one.memory) if one.memory is not None else _no_memory(server), class_="n"),
        cells,
        data_v=one.number,
        data_owner=one.owner,
        data_engine=one.engine,
        data_task=one.task,
        data_language=one.language,
        data_month=exact(one.cost),
        data_notes="; ".join(one.cost.notes) if one.cost and one.cost.notes else None,
        data_least=one.cost is not None and one.cost.at_least,
    )


def _why(reason: str) -> str:
    """Without the place, which the row above names."""
    return reason[reason.find(" because ") + 1 :] if " because " in reason else reason


def _no_memory(server: ServerReport) -> str:
    """A version on a GPU whose memory nobody read has an unknown need; one on a CPU has none."""
    return "unknown" if server.resources.gpus else "\u2013"
