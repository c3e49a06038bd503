"""What a plan's report says to people, in every format alike: words, amounts and order."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from planning.capacity import Cost, CostLine, PartName, Use, by_language, by_model, by_owner, by_pool
from planning.report import Report, ServerReport
from quantities import counted

_GIB: Final = 1024**3


@dataclass(frozen=True, kw_only=True)
class Part:
    """How a part of a GPU's memory is shown."""

    letter: str
    colour: str
    words: str


PARTS: Final[Mapping[PartName, Part]] = {
    PartName.WEIGHTS: Part(letter="W", colour="blue", words="weights"),
    PartName.KV_CACHE: Part(letter="K", colour="green", words="KV cache"),
    PartName.ACTIVATIONS: Part(letter="A", colour="magenta", words="activations"),
    PartName.ADAPTERS: Part(letter="L", colour="cyan", words="LoRA adapters"),
    PartName.GRAPHS: Part(letter="G", colour="yellow", words="CUDA graphs"),
    PartName.FRAMEWORK: Part(letter="F", colour="red", words="framework"),
    PartName.RESERVE: Part(letter="R", colour="bright_black", words="reserve"),
}

USES: Final = {Use.MODEL: "", Use.IDLE: "(idle)", Use.SYSTEM: "(system)"}


def printable(text: str) -> str:
    """Without what a terminal would obey: control, bidirectional and line-ending characters show as their number."""
    return "".join(
        f"\\u{ord(character):04x}"
        if unicodedata.category(character)[0] == "C" or character in "\u2028\u2029"
        else character
        for character in text
    )


def placement_lines(report: Report) -> tuple[str, ...]:
    """What is to be known of the placement: whether its lock is behind, and what leaves its place."""
    command = f"`slipway plan --env {report.environment} --write`"
    behind = (
        (f"Its lock is behind: {command} writes where everything is now, to be committed.",)
        if report.stale
        else ()
    )
    moves = (
        printable(f"{move.selector} moves from {move.before} to {move.after}: {move.reason}")
        for move in report.moves
    )
    return (*behind, *_budget(report), *moves)


def _budget(report: Report) -> tuple[str, ...]:
    if report.spending is None:
        return ()
    found = report.spending
    of = f"the budget of {dollars(found.limit)} a month"
    match found.kept:
        case True:
            return (f"Within {of}: {-found.excess / found.limit:.0%} of it is left.",)
        case False:
            return (f"{dollars(found.excess)} a month above {of}: `slipway validate` refuses it.",)
        case None:
            return (f"Whether it is within {of} is unknown: {'; '.join(found.cost.missing)}.",)


def dollars(amount: Decimal) -> str:
    """To the cent."""
    return f"${amount:,.2f}"


def headline(report: Report) -> str:
    """What it is about, in one line."""
    of = f", {report.selector} alone" if report.selector else ""
    gpus = sum(pool.gpus for pool in report.pools)
    taken = sum(pool.gpus_taken for pool in report.pools)
    sizes = (
        f"{counted(len(report.pools), 'pool')}, {counted(sum(pool.nodes for pool in report.pools), 'node')}, "
        f"{counted(sum(len(pool.servers) for pool in report.pools), 'server')}"
    )
    gpu = f", {taken} of {counted(gpus, 'GPU')} taken" if gpus else ""
    return printable(f"{report.environment} in {report.region}{of}: {sizes}{gpu}")


def nothing(report: Report) -> str:
    """What to say instead of a report where the selector matches nothing that runs; else empty."""
    if report.selector and not report.charges:
        return printable(f"{report.environment} runs none of {report.selector}")
    return ""


def priced(cost: Cost) -> str:
    """Both amounts, and all that must be said beside them."""
    least = "at least " if cost.at_least else ""
    said = (
        "cost unknown" if cost.unknown else f"{least}{an_hour(cost)} an hour, {least}{a_month(cost)} a month"
    )
    return "; ".join((said, *cost.notes))


def replicas(server: ServerReport) -> str:
    """As in "1 replica", or "1 replica that does not run" where its version cannot be served."""
    said = counted(server.replicas, "replica")
    return said if server.running else f"{said} that {'does' if server.replicas == 1 else 'do'} not run"


def gibibytes(memory: int) -> str:
    """GiB with one digit, half up. What is not nothing is not shown as 0.0."""
    tenths = (int(memory) * 20 + _GIB) // (2 * _GIB)
    if not tenths:
        return "under 0.1" if memory else "0"
    return f"{tenths // 10}.{tenths % 10}"


def an_hour(cost: Cost) -> str:
    """In hundredths of a cent."""
    return _dollars(cost, cost.usd_per_hour, "0.0001")


def a_month(cost: Cost) -> str:
    """In cents."""
    return _dollars(cost, cost.usd_per_month, "0.01")


def _dollars(cost: Cost, amount: Decimal, digits: str) -> str:
    return "unknown" if cost.unknown else f"${amount.quantize(Decimal(digits), ROUND_HALF_UP):,f}"


def cost_tables(report: Report) -> tuple[tuple[str, tuple[CostLine, ...]], ...]:
    """By what the cost is divided, and its lines."""
    charges = report.charges
    return (
        ("owner", by_owner(charges)),
        ("model", by_model(charges)),
        ("language", by_language(charges)),
        ("pool", by_pool(charges)),
    )
