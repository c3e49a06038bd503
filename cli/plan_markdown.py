"""A plan's report as Markdown, for a comment on a pull request."""

from __future__ import annotations

from typing import Final

from cli.diff_formats import MARKDOWN_LIMIT
from cli.markdown import code, words
from cli.plan_formats import (
    PARTS,
    USES,
    a_month,
    an_hour,
    cost_tables,
    gibibytes,
    headline,
    nothing,
    placement_lines,
    priced,
    printable,
)
from cli.plan_versions import route_lines, setting_lines
from planning.capacity import HOURS_PER_MONTH, Cost, CostLine
from planning.report import GpuBar, PoolReport, Report

_ROWS: Final = (200, 40, 10, 1)
"""Rows of each table to try, until a comment is short enough."""


def to_markdown(report: Report) -> str:
    """A comment on a pull request. Where it would be too long for one, the tables end early and say so."""
    if said := nothing(report):
        return f"{words(said)}\n"
    for rows in _ROWS:
        text = _markdown(report, rows)
        if len(text) <= MARKDOWN_LIMIT:
            return text
    return f"{text[: MARKDOWN_LIMIT - 2]}\u2026\n"


def _markdown(report: Report, rows: int) -> str:
    lines = [f"## Plan of {words(headline(report))}", ""]
    lines += [f"**{_words(priced(report.total))}**, on demand; a month has {HOURS_PER_MONTH} hours."]
    if told := placement_lines(report):
        lines += ["", *(f"- {_words(line)}" for line in told[:rows])]
        lines += [f"- and {len(told) - rows} more"] if len(told) > rows else []
    lines += ["", "### Pools", ""]
    lines += _table(
        ("pool", "nodes", "at most", "GPUs taken", "an hour", "a month", "note"),
        [
            (
                _code(pool.name),
                str(pool.nodes),
                str(pool.max_nodes),
                f"{pool.gpus_taken} of {pool.gpus}" if pool.gpus else "",
                *_money(pool.cost),
            )
            for pool in report.pools
        ],
        rows,
    )
    bars = [(pool, bar) for pool in report.pools for bar in pool.bars if bar.servers]
    if bars:
        lines += ["", "### GPUs", ""]
        lines += _table(
            ("GPUs", "server", "memory", "usable", *(part.words for part in PARTS.values()), "free"),
            [_bar_row(pool, bar) for pool, bar in bars],
            rows,
        )
        lines += ["", "GiB of each GPU."]
    for title, said in (("Routes", route_lines(report)), ("Settings of models", setting_lines(report))):
        if found := list(said):
            lines += ["", f"### {title}", "", *(f"- {_words(line)}" for line in found[:rows])]
            lines += _left(len(found) - rows)
    for title, cost in cost_tables(report):
        if cost:
            lines += ["", f"### Cost by {title}", ""]
            lines += _table(
                (title, "an hour", "a month", "note"),
                [(_line_name(line), *_money(line.cost)) for line in cost],
                rows,
            )
    if report.alternatives:
        lines += ["", "### If GPUs were used in another way", ""]
        lines += _table(
            ("", "GPU nodes", "GPUs taken", "an hour", "a month", "note"),
            [
                (_words(one.name), str(one.gpu_nodes), str(one.gpus), *_money(one.cost))
                for one in (report.planned, *report.alternatives)
            ],
            rows,
        )
    if report.risks:
        lines += ["", "### Mind", "", *(f"- {_words(risk.message)}" for risk in report.risks[:rows])]
        lines += _left(len(report.risks) - rows)
    if report.without_effect:
        lines += [
            "",
            "### Without effect",
            "",
            *(f"- {_words(one.message)}" for one in report.without_effect),
        ]
    return "\n".join(lines) + "\n"


def _words(text: str) -> str:
    return words(printable(text))


def _code(text: str) -> str:
    return code(printable(text))


def _line_name(line: CostLine) -> str:
    return " ".join(part for part in (_code(line.name) if line.name else "", USES[line.use]) if part)


def _money(cost: Cost) -> tuple[str, str, str]:
    least = "at least " if cost.at_least else ""
    return (f"{least}{an_hour(cost)}", f"{least}{a_month(cost)}", _words("; ".join(cost.notes)))


def _bar_row(pool: PoolReport, bar: GpuBar) -> tuple[str, ...]:
    parts = bar.parts
    unknown = bar.usable is None or bar.free is None
    return (
        _words(f"{bar.count} x {' '.join(filter(None, (pool.gpu, pool.share)))}"),
        ", ".join(_code(server) for server in bar.servers),
        _words("; ".join(sorted(_bounds(pool, bar)))),
        "unknown" if bar.usable is None else gibibytes(bar.usable),
        *("" if unknown else gibibytes(parts.get(name, 0)) for name in PARTS),
        "" if bar.free is None else gibibytes(bar.free),
    )


def _bounds(pool: PoolReport, bar: GpuBar) -> set[str]:
    return {
        f"{version.bound.held}, {version.bound.by}"
        for server in pool.servers
        if server.name in bar.servers
        for version in server.versions
        if version.bound
    }


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]], limit: int) -> list[str]:
    return [
        f"| {' | '.join(columns)} |",
        f"|{'---|' * len(columns)}",
        *(f"| {' | '.join(row)} |" for row in rows[:limit]),
        *_left(len(rows) - limit),
    ]


def _left(more: int) -> list[str]:
    return ["", f"and {more} more, which `slipway plan` lists."] if more > 0 else []
