"""What the page takes from a report. A server may hold versions of many owners, so each version says whose it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from model_catalog import Selector
from planning.capacity import Cost, PartName
from planning.report import Alternative, GpuBar, PoolReport, Report, ServerReport

Key = tuple[str, str, str]
"""Pool, server, selector: what a version is known by in every part of a report."""


@dataclass(frozen=True, kw_only=True)
class ShownVersion:
    """One version in one server, with all that it is found by."""

    number: int | None
    """Its place in the report, which joins its row with its parts of bars. None: a selector leaves its row out."""
    key: Key
    engine: str
    owner: str
    """Empty where the report charges nobody for it, as it does for what a selector leaves out."""
    task: str
    model: str
    language: str
    version: str
    default: bool
    memory: int | None
    cost: Cost | None
    """None where the report charges nobody."""
    reason: str
    """Why it is on its server; empty where a selector leaves its row out."""

    @property
    def pool(self) -> str:
        """Its pool's name."""
        return self.key[0]

    @property
    def selector(self) -> str:
        """In full."""
        return self.key[2]

    @property
    def short(self) -> str:
        """Model/lang@version, for a segment of a bar."""
        language = f"/{self.language}" if self.language else ""
        return f"{self.model}{language}" + (f"@{self.version}" if self.version else "")


class SliceKind(StrEnum):
    """What a slice of a bar is."""

    VERSION = "version"
    RESERVE = "reserve"
    FREE = "free"


@dataclass(frozen=True, kw_only=True)
class Slice:
    """A piece of a GPU's bar."""

    kind: SliceKind
    memory: int
    version: ShownVersion | None = None


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A GPU's bar, from left to right; the slices add up to `whole`."""

    whole: int
    slices: tuple[Slice, ...]
    claimed: int
    """What the servers hold once they run, at most `whole`; 0 where it is no more than what is taken."""


def shown_versions(report: Report) -> dict[Key, ShownVersion]:
    """All of them, in the report's order."""
    charged: dict[Key, tuple[str, Cost]] = {}
    for one in report.charges:
        if one.selector:
            key = (one.pool, one.server, str(one.selector))
            _, before = charged.get(key, ("", Cost()))
            charged[key] = (one.owner, before + one.cost)
    found: dict[Key, ShownVersion] = {}
    for pool, server in _servers(report):
        for version in server.versions:
            key = (pool.name, server.name, str(version.selector))
            owner, cost = charged.get(key, ("", None))
            found[key] = replace(
                _named(key, version.selector),
                number=len(found),
                engine=server.engine.value,
                owner=owner,
                default=version.default,
                memory=None if version.memory is None else int(version.memory),
                cost=cost,
                reason=version.reason,
            )
    return found


def _named(key: Key, selector: Selector) -> ShownVersion:
    return ShownVersion(
        number=None,
        key=key,
        engine="",
        owner="",
        task=selector.task,
        model=selector.model or "",
        language=selector.language or "",
        version=selector.version or "",
        default=False,
        memory=None,
        cost=None,
        reason="",
    )


def _servers(report: Report) -> Iterator[tuple[PoolReport, ServerReport]]:
    for pool in report.pools:
        for server in pool.servers:
            yield pool, server


def by_server(versions: Mapping[Key, ShownVersion]) -> dict[tuple[str, str], list[ShownVersion]]:
    """Those of each pool and server."""
    found: dict[tuple[str, str], list[ShownVersion]] = {}
    for one in versions.values():
        found.setdefault(one.key[:2], []).append(one)
    return found


def parts_on(
    bar: GpuBar, pool: PoolReport, versions: Mapping[Key, ShownVersion]
) -> list[tuple[ShownVersion, dict[PartName, int]]]:
    """What each version on a GPU needs there, in the order of the bar."""
    found: dict[Key, tuple[ShownVersion, dict[PartName, int]]] = {}
    for segment in bar.segments:
        key = (pool.name, segment.server, str(segment.selector))
        if key not in found:
            found[key] = (versions.get(key) or _named(key, segment.selector), {})
        parts = found[key][1]
        parts[segment.part] = parts.get(segment.part, 0) + int(segment.memory)
    return list(found.values())


def stack(bar: GpuBar, pool: PoolReport, versions: Mapping[Key, ShownVersion]) -> Stack | None:
    """Versions, then what is reserved for all of them, then what is free. None where the usable memory is unknown."""
    if bar.usable is None or bar.free is None:
        return None
    parts = parts_on(bar, pool, versions)
    slices = [
        Slice(
            kind=SliceKind.VERSION,
            memory=sum(memory for part, memory in needs.items() if part is not PartName.RESERVE),
            version=version,
        )
        for version, needs in parts
    ]
    reserve = sum(needs.get(PartName.RESERVE, 0) for _, needs in parts)
    slices += [
        Slice(kind=SliceKind.RESERVE, memory=reserve),
        Slice(kind=SliceKind.FREE, memory=int(bar.free)),
    ]
    whole = sum(one.memory for one in slices)
    claimed = min(int(bar.claimed or 0), whole)
    return Stack(
        whole=whole,
        slices=tuple(one for one in slices if one.memory),
        claimed=claimed if claimed > int(bar.taken) else 0,
    )


def all_apart(report: Report) -> Alternative | None:
    """The alternative in which models share the least. None where no server has a GPU."""
    return max(report.alternatives, key=lambda one: one.gpus, default=None)


def difference(planned: Cost, other: Cost) -> Decimal | None:
    """What the other costs more, an hour. None where a part of either is unknown."""
    if planned.missing or other.missing:
        return None
    return other.usd_per_hour - planned.usd_per_hour


def largest_first(costs: Iterable[tuple[str, Cost]]) -> list[str]:
    """Names by what they cost, then by name; each once, the empty one left out."""
    sums: dict[str, Decimal] = {}
    for name, cost in costs:
        if name:
            sums[name] = sums.get(name, Decimal(0)) + cost.usd_per_hour
    return sorted(sums, key=lambda name: (-sums[name], name))
