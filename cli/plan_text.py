"""A plan's report as text of 80 columns, with a bar for each GPU."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

import click

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
    replicas,
)
from cli.plan_versions import route_lines, setting_lines
from planning.capacity import HOURS_PER_MONTH, Cost, CostLine, Use
from planning.report import GpuBar, Held, PoolReport, Report, ServerReport
from quantities import counted

WIDTH: Final = 80
_BAR: Final = 66


def to_text(report: Report, *, colour: bool = False, sources: bool = False, why: bool = False) -> str:
    """For a terminal of 80 columns."""
    if said := nothing(report):
        return f"{said}\n"
    lines = _wrapped(headline(report))
    lines += [line for said in placement_lines(report) for line in _wrapped(said, "", "  ")]
    lines += [""]
    for pool in report.pools:
        lines += [*_pool_lines(pool, colour=colour, sources=sources, why=why), ""]
    for title, found in (("Routes", route_lines(report)), ("Settings of models", setting_lines(report))):
        if wrapped := [line for one in found for line in _wrapped(printable(one), "  ", "    ")]:
            lines += [title, *wrapped, ""]
    lines += _cost_lines(report)
    if report.alternatives:
        lines += ["", *_alternative_lines(report)]
    if report.risks:
        lines += ["", "Mind"]
        lines += [line for risk in report.risks for line in _wrapped(printable(risk.message), "- ", "  ")]
    if report.without_effect:
        lines += ["", "Without effect"]
        lines += [
            line for one in report.without_effect for line in _wrapped(printable(one.message), "- ", "  ")
        ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _wrapped(text: str, first: str = "", then: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _pool_lines(pool: PoolReport, *, colour: bool, sources: bool, why: bool) -> Iterator[str]:
    yield from _wrapped(_pool_title(pool), "", "  ")
    yield from _wrapped(priced(pool.cost), "  ", "  ")
    if sources and pool.usable_source:
        yield from _wrapped(printable(f"usable memory: {pool.usable_source}"), "  ", "    ")
    for server in pool.servers:
        yield from _server_lines(server, pool, why=why)
        for bar in pool.bars:
            if bar.servers == (server.name,):
                yield from _bar_lines(bar, colour=colour, sources=sources)
    for bar in pool.bars:
        if len(bar.servers) != 1:
            yield from _bar_lines(bar, colour=colour, sources=sources)


def _pool_title(pool: PoolReport) -> str:
    cards = f" with {counted(pool.gpus, pool.gpu or 'GPU')}" if pool.gpus else ""
    if pool.share:
        cards = f" with {counted(pool.gpus, 'share')} {pool.share} of {pool.gpu}"
    what = ", the system's" if pool.use is Use.SYSTEM else ""
    return f"{pool.name}: {counted(pool.nodes, 'node')}{cards}, at most {pool.max_nodes}{what}"


def _server_lines(server: ServerReport, pool: PoolReport, *, why: bool) -> Iterator[str]:
    wants = server.resources
    yield from _wrapped(
        printable(
            f"{server.name}: {server.engine} {server.engine_version}, {replicas(server)} of "
            f"{_cores(wants.millicores)} CPU and {gibibytes(wants.memory)} GiB"
            + (f" and {counted(wants.gpus, 'GPU')}" if wants.gpus else "")
            + f"; {', '.join(server.owners)}"
        ),
        "  ",
        "    ",
    )
    for version in server.versions:
        memory = f" {gibibytes(version.memory)} GiB" if version.memory is not None else ""
        held = f" {version.bound.held}" if version.bound else ""
        default = ", default" if version.default else ""
        yield from _wrapped(printable(f"{version.selector}{memory}{held}{default}"), "    ", "      ")
        if why:
            yield from _wrapped(printable(version.reason), "      ", "      ")
        if version.not_served:
            yield from _wrapped(printable(version.not_served), "      ", "      ")
    bounds = {version.bound for version in server.versions if version.bound}
    for bound in sorted(bounds, key=lambda bound: bound.by):
        if pool.share or bound.held is Held.TRUSTED:
            yield from _wrapped(printable(f"memory {bound.held}: {bound.by}"), "    ", "      ")


def _cores(millicores: int) -> str:
    return f"{Decimal(millicores) / 1000:f}"


def _bar_lines(bar: GpuBar, *, colour: bool, sources: bool) -> Iterator[str]:
    gpus = counted(bar.count, "share" if bar.share and bar.devices == 1 else "GPU")
    if not bar.servers:
        yield f"    {gpus} spare"
        return
    shared = f" of {', '.join(bar.servers)}" if len(bar.servers) > 1 else ""
    shared += f" ({bar.share})" if bar.share else ""
    if bar.usable is None:
        yield from _wrapped(printable(f"{gpus}{shared}: usable memory unknown"), "    ", "      ")
        return
    each = "each " if bar.count > 1 else ""
    grown = (
        f"; claims {gibibytes(bar.claimed)} once it runs" if bar.claimed and bar.claimed > bar.taken else ""
    )
    yield from _wrapped(
        printable(f"{gpus}{shared}, {each}{gibibytes(bar.usable)} GiB usable{grown}"), "    ", "      "
    )
    yield f"    {_drawn(bar, colour=colour)}"
    parts = [
        f"{PARTS[name].letter} {PARTS[name].words} {gibibytes(memory)}" for name, memory in bar.parts.items()
    ]
    parts.append(f". free {gibibytes(bar.free or 0)} GiB")
    # A letter stays with its words: textwrap breaks no line at a no-break space.
    legend = _wrapped(", ".join(part.replace(" ", "\xa0") for part in parts), "    ", "    ")
    yield from (line.replace("\xa0", " ") for line in legend)
    if sources:
        for segment in bar.segments:
            said = f"{segment.selector} {PARTS[segment.part].words} {gibibytes(segment.memory)}: {segment.source}"
            yield from _wrapped(printable(said), "      ", "        ")


def _drawn(bar: GpuBar, *, colour: bool) -> str:
    """[WWWWKKA...]: letters wherever, on their colour where the terminal has it."""
    parts = list(bar.parts.items())
    cells = bar_cells([memory for _, memory in parts], bar.usable or 0, _BAR)
    drawn = ""
    for (name, _), width in zip(parts, cells, strict=True):
        text = PARTS[name].letter * width
        drawn += click.style(text, fg=PARTS[name].colour, reverse=True) if colour and width else text
    return f"[{drawn}{'.' * (_BAR - sum(cells))}]"


def bar_cells(parts: Iterable[int], whole: int, width: int) -> tuple[int, ...]:
    """Cells of each part, to the nearest edge: one at least for what is not nothing, and never more than `width`."""
    sizes = list(parts)
    if not whole:
        return tuple(0 for _ in sizes)
    cells, used, memory = [], 0, 0
    for index, size in enumerate(sizes):
        memory += size
        edge = round(Fraction(memory * width, whole))
        later = sum(1 for other in sizes[index + 1 :] if other)
        edge = min(max(edge, used + (1 if size else 0)), max(used, width - later))
        cells.append(edge - used)
        used = edge
    return tuple(cells)


def _marks(cost: Cost) -> tuple[str, ...]:
    """Beside an amount in a table; what they mean in full stands below."""
    regions = sorted({note.partition(":")[0] for note in cost.stand_ins})
    return (*(("at least",) if cost.at_least else ()), *regions)


def _named(line: CostLine) -> str:
    return " ".join(word for word in (line.name, USES[line.use]) if word)


def _cost_lines(report: Report) -> Iterator[str]:
    whole = report.total
    yield from _wrapped(f"Cost on demand; a month has {HOURS_PER_MONTH} hours")
    rows = [
        *((f"  {_named(line)}", line.cost) for _, lines in cost_tables(report) for line in lines),
        ("total", whole),
    ]
    widths = _Widths(
        name=min(max(len(name) for name, _ in rows) + 2, 38),
        hour=max(len(an_hour(cost)) for _, cost in rows),
        month=max(len(a_month(cost)) for _, cost in rows),
    )
    for title, lines in cost_tables(report):
        if lines:
            yield (
                f"by {title}".ljust(widths.name)
                + f"  {'an hour'.rjust(widths.hour)}  {'a month'.rjust(widths.month)}"
            )
        for line in lines:
            yield from _row(f"  {printable(_named(line))}", line.cost, widths)
    yield from _row("total", whole, widths)
    for note in whole.notes:
        yield from _wrapped(printable(note), "  ", "  ")


@dataclass(frozen=True, kw_only=True)
class _Widths:
    name: int
    hour: int
    month: int


def _row(name: str, cost: Cost, widths: _Widths) -> Iterator[str]:
    """A name too long for its column has a line of its own, and so has what stands beside an amount."""
    if len(name) > widths.name:
        yield name
        name = ""
    amounts = f"{an_hour(cost).rjust(widths.hour)}  {a_month(cost).rjust(widths.month)}"
    row = f"{name.ljust(widths.name)}  {amounts}"
    for mark in _marks(cost):
        if len(row) + 2 + len(mark) > WIDTH:
            yield row
            row = " " * widths.name
        row = f"{row}  {mark}"
    yield row


def _alternative_lines(report: Report) -> Iterator[str]:
    yield "If GPUs were used in another way"
    for one in (report.planned, *report.alternatives):
        said = f"{one.name}: {counted(one.gpu_nodes, 'GPU node')}, {counted(one.gpus, 'GPU')} taken, {priced(one.cost)}"
        yield from _wrapped(said, "  ", "    ")
