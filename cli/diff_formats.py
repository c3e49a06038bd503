"""A report as text, as Markdown for a pull request, and as annotations of GitHub Actions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cli.annotations import annotation
from cli.diff_cells import Cell, Code, Section
from cli.diff_report import Report, Side, headlines, sections
from cli.markdown import code, words
from cli.plan_formats import printable

MARKDOWN_LIMIT: Final = 65_536
"""Characters of a comment on GitHub: its API refuses more ("body is too long (maximum is 65536 characters)")."""

_ROWS: Final = (100, 40, 15, 5, 1)
"""Rows of each table to try, until the comment is short enough."""


def to_text(report: Report) -> str:
    """For a terminal: plain lines, columns aligned."""
    lines = [f"{_named(report.base)} → {_named(report.head)}", ""]
    lines += ["".join(line) for line in headlines(report)]
    for section in sections(report):
        lines += ["", section.title, *(f"  {line}".rstrip() for line in section.lines or _aligned(section))]
        lines += [f"  {''.join(note)}" for note in section.notes]
    return "\n".join(map(printable, lines)) + "\n"


def to_markdown(report: Report) -> str:
    """A comment on a pull request. Where it would be too long for one, the tables end early and say so."""
    for rows in _ROWS:
        text = _markdown(report, rows)
        if len(text) <= MARKDOWN_LIMIT:
            return text
    return f"{text[: MARKDOWN_LIMIT - 2]}…\n"


def to_annotations(report: Report) -> str:
    """A line for each finding, which GitHub shows at its place in the files of a pull request."""
    return "".join(f"{annotation(problem)}\n" for problem in (*report.broken, *report.problems))


def _named(side: Side) -> str:
    if side.commit is None:
        return "working tree"
    return f"{side.commit[:12]} ({side.revision})"


def _aligned(section: Section) -> Iterable[str]:
    rows = [section.columns, *(tuple("".join(cell) for cell in row) for row in section.rows)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(section.columns))]
    return ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _markdown(report: Report, rows: int) -> str:
    lines = ["## What this change does", "", *(f"- {_inline(line)}" for line in headlines(report)), ""]
    lines += [f"{code(_named(report.base))} → {code(_named(report.head))}"]
    for section in sections(report):
        lines += ["", f"### {section.title}", "", *_table(section, rows)]
    return "\n".join(lines) + "\n"


def _table(section: Section, limit: int) -> list[str]:
    left = len(section.rows) - limit
    return [
        f"| {' | '.join(section.columns)} |",
        f"|{'---|' * len(section.columns)}",
        *(f"| {' | '.join(map(_inline, row))} |" for row in section.rows[:limit]),
        *(["", f"and {left} more, which `slipway diff` lists."] if left > 0 else []),
        *(line for note in section.notes for line in ("", _inline(note))),
    ]


def _inline(cell: Cell) -> str:
    return "".join(code(printable(part)) if isinstance(part, Code) else words(part) for part in cell)
