"""Each GPU as a stacked bar of SVG: its widths are attributes, which the page's policy allows and print keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cli.plan_formats import PARTS, gibibytes
from cli.plan_html.amounts import gib
from cli.plan_html.markup import NOTHING, Child, Html, join, tag
from cli.plan_html.reading import Key, ShownVersion, Slice, SliceKind, Stack, parts_on, stack
from planning.report import GpuBar, PoolReport
from quantities import counted

LETTER: Final = 6.5
"""Pixels that a letter of a bar takes, about; a name that would be cut is left out."""

WIDTHS: Final = {"": 760, " narrow": 310}
"""Pixels of a bar in a window and on a phone, about; of a name that fits the second as well, the class says so."""

NAMED_SERVERS: Final = 2
"""Servers of a GPU that its title names; of more it says how many."""

_KINDS: Final = {SliceKind.RESERVE: "reserved", SliceKind.FREE: "free"}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What every part of the page looks up."""

    versions: Mapping[Key, ShownVersion]
    tones: Mapping[str, int]
    """The colour of each owner."""


def bar_block(bar: GpuBar, pool: PoolReport, shown: Shown) -> Html:
    """One GPU, or several that hold the same: a title, the bar, and what it is made of."""
    if not bar.servers:
        return tag("div", _title(bar, pool, " spare"), _empty("spare"), class_="gpu spare")
    stacked = stack(bar, pool, shown.versions)
    if stacked is None:
        return tag(
            "div",
            _title(bar, pool, " \u00b7 usable memory unknown"),
            _empty("unknown"),
            _members(bar, pool, shown),
            class_="gpu",
            data_gpus=bar.count,
        )
    return tag(
        "div",
        _title(bar, pool, _summary(bar, stacked)),
        _drawn(bar, pool, stacked, shown),
        _made_of(bar, pool, shown),
        class_="gpu",
        data_gpus=bar.count,
    )


def patterns() -> Html:
    """The hatching that slices refer to, once in a page."""
    lines = [
        tag(
            "pattern",
            tag("rect", width=6, height=6, class_=f"{name}-ground"),
            tag("rect", width=2, height=6, class_=f"{name}-line"),
            id=name,
            width=6,
            height=6,
            patternUnits="userSpaceOnUse",
            patternTransform=f"rotate({turn})",
        )
        for name, turn in (("hatch", 45), ("claim", -45))
    ]
    return tag("svg", tag("defs", lines), width=0, height=0, aria_hidden="true", class_="defs")


def _title(bar: GpuBar, pool: PoolReport, *said: Child) -> Html:
    card = pool.gpu or "GPU"
    many = f"{bar.count} {card}s alike, each" if bar.count > 1 else f"1 {card}"
    return tag("p", tag("b", many), _holders(bar), said, class_="gpu-title")


def _holders(bar: GpuBar) -> Html:
    """By name as long as these are few; the table below names all."""
    if not bar.servers:
        return NOTHING
    if len(bar.servers) > NAMED_SERVERS:
        return Html(f" of {counted(len(bar.servers), 'server')}")
    names = [
        join([", " if index else " ", tag("span", name, class_="code")])
        for index, name in enumerate(bar.servers)
    ]
    return join([" of", names])


def _summary(bar: GpuBar, stacked: Stack) -> Html:
    grown = (
        [" \u00b7 ", tag("span", f"claims {gib(stacked.claimed)} once it runs", class_="claims")]
        if stacked.claimed
        else []
    )
    reserved = sum(one.memory for one in stacked.slices if one.kind is SliceKind.RESERVE)
    return join(
        [
            f" \u00b7 {gib(bar.usable)} usable \u00b7 ",
            f"{gib(int(bar.taken) - reserved)} of {counted(_tenants(stacked), 'version')} \u00b7 ",
            f"{gib(reserved)} reserved \u00b7 ",
            tag("b", f"{gib(bar.free)} free"),
            *grown,
        ]
    )


def _tenants(stacked: Stack) -> int:
    return sum(1 for one in stacked.slices if one.kind is SliceKind.VERSION)


def _empty(kind: str) -> Html:
    box = tag("rect", width="100%", height="100%", class_=f"slice {kind}")
    word = tag("text", kind, x="50%", y="50%", class_="word narrow")
    return tag("svg", box, word, class_="bar", role="img", aria_label=kind)


def _drawn(bar: GpuBar, pool: PoolReport, stacked: Stack, shown: Shown) -> Html:
    drawn, before = [], 0
    for one in stacked.slices:
        drawn.append(_slice(one, before, stacked.whole, shown))
        before += one.memory
    if stacked.claimed:
        taken = int(bar.taken)
        drawn.append(
            tag(
                "rect",
                x=_percent(taken, stacked.whole),
                width=_percent(stacked.claimed - taken, stacked.whole),
                y="80%",
                height="20%",
                class_="claimed",
            )
        )
    label = f"{pool.gpu or 'GPU'}: " + "; ".join(_words(one) for one in stacked.slices)
    return tag("svg", drawn, class_="bar", role="img", aria_label=label)


def _slice(one: Slice, before: int, whole: int, shown: Shown) -> Html:
    version = one.version
    tone = f" t{shown.tones.get(version.owner, 0)}" if version else ""
    said = version.short if version else _KINDS[one.kind]
    return tag(
        "svg",
        tag("title", _words(one)),
        tag("rect", width="100%", height="100%", class_=f"slice {one.kind.value}{tone}"),
        _name(said, one.memory / whole),
        x=_percent(before, whole),
        width=_percent(one.memory, whole),
        height="100%",
        class_="cut",
        data_v=None if version is None else version.number,
        data_memory=one.memory,
    )


def _name(said: str, part: float) -> Html | None:
    """Within a slice that is this part of its bar, where it has room."""
    fits = [name for name, width in WIDTHS.items() if part * width >= LETTER * len(said) + 10]
    return tag("text", said, x=6, y="50%", class_=f"word{fits[-1]}") if fits else None


def _words(one: Slice) -> str:
    if one.version is None:
        return f"{_KINDS[one.kind]} {gib(one.memory)}"
    owner = f", {one.version.owner}" if one.version.owner else ""
    return f"{one.version.selector} {gib(one.memory)}{owner}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.4f}%"


def _members(bar: GpuBar, pool: PoolReport, shown: Shown) -> Html:
    """What runs where nothing can be drawn."""
    found = [one for key, one in shown.versions.items() if key[0] == pool.name and key[1] in bar.servers]
    chips = [
        join(
            [
                tag("span", one.selector, class_=f"chip t{shown.tones.get(one.owner, 0)}", data_v=one.number),
                " ",
            ]
        )
        for one in found
    ]
    return tag("p", chips, class_="chips") if chips else NOTHING


def _made_of(bar: GpuBar, pool: PoolReport, shown: Shown) -> Html:
    """A table of what each version needs, for those who want the numbers."""
    columns = list(bar.parts)
    rows = [
        tag(
            "tr",
            tag("th", _swatch(version, shown), version.selector, scope="row", class_="code"),
            [tag("td", gibibytes(needs[part]) if part in needs else "", class_="n") for part in columns],
            tag("td", gibibytes(sum(needs.values())), class_="n"),
            data_v=version.number,
        )
        for version, needs in parts_on(bar, pool, shown.versions)
    ]
    head = tag(
        "tr",
        tag("th", "version, GiB", scope="col"),
        [tag("th", PARTS[part].words, scope="col", class_="n") for part in columns],
        tag("th", "together", scope="col", class_="n"),
    )
    table = tag("table", tag("thead", head), tag("tbody", rows), class_="parts")
    summary = f"What {counted(len(rows), 'version')} of {counted(len(bar.servers), 'server')} needs of it"
    if len(rows) != 1:
        summary = summary.replace("needs", "need")
    return tag(
        "details",
        tag("summary", summary),
        tag("div", table, class_="scroll", tabindex=0, role="group", aria_label=f"{summary}, a table"),
    )


def _swatch(version: ShownVersion, shown: Shown) -> Html:
    return tag("i", class_=f"swatch t{shown.tones.get(version.owner, 0)}", aria_hidden="true")
