"""The placement as a committed file: one sorted line for each variant or language model, and where it is.

    QuestionAnswering/Reader/fr  gpu-g4dn-xlarge/torchserve-1
    TextGeneration/Chat/en@2  gpu-g5-12xlarge

Assignments only: no sizes, versions of shared variants, dates or counts, so that a rollback touches nothing and two
changes that place different models merge line by line.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

from model_catalog import CatalogError, Problem, Selector

LOCK_RULE: Final = "placement-lock"

HEADER: Final = """\
# Which model is on which server. Written by `slipway plan --write`; keep it in git.
# In a merge conflict keep both sides' lines, and of two for one model the one that runs; then write it again.
"""
_PLACE: Final = re.compile(r"(?P<pool>[a-z][a-z0-9-]*)(/torchserve-(?P<server>[1-9][0-9]{0,5}))?")
_CONFLICT: Final = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A shared server of a pool; or, for what has whole GPUs, the pool alone."""

    pool: str
    server: int | None = None

    @property
    def name(self) -> str | None:
        """Of the shared server, within its pool."""
        return None if self.server is None else f"torchserve-{self.server}"

    def __str__(self) -> str:
        return self.pool if self.server is None else f"{self.pool}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Lock:
    """Where everything is that has been placed before."""

    places: Mapping[str, Place] = field(default_factory=lambda: MappingProxyType({}))
    """By selector."""


def parse_lock(text: str, file: str) -> Lock:
    """Read a lock file; `file` is its name in messages, and ends in <environment>.lock.

    Raises CatalogError with every line that is wrong. Lines may stand in any order, since a merge may have mixed them.
    """
    places: dict[str, Place] = {}
    lines: dict[str, int] = {}
    rewrite = f"Mend it, or delete the line and run `slipway plan --env {PurePosixPath(file).stem} --write`"
    problems: list[Problem] = []

    def report(line: int, message: str, fix: str) -> None:
        problems.append(Problem(file=file, line=line, column=1, rule=LOCK_RULE, message=message, fix=fix))

    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith(_CONFLICT):
            report(number, "a merge conflict is not resolved", "Keep both sides' lines without the markers")
            continue
        words = line.split()
        if len(words) != 2:
            report(number, f"{line.strip()!r} is not a selector and a place", rewrite)
            continue
        selector, place = words
        wrong = _wrong_selector(selector)
        match = _PLACE.fullmatch(place)
        if wrong:
            report(number, wrong, rewrite)
        elif match is None:
            report(number, f"{place!r} is not a place; it is pool/torchserve-N, or a pool alone", rewrite)
        elif ("@" in selector) == (match["server"] is not None):
            report(number, f"{selector} cannot be at {place}", _KINDS)
        elif selector in places and str(places[selector]) != place:
            report(
                number,
                f"{selector} is at {place} here and at {places[selector]} in line {lines[selector]}",
                "Keep the line that runs now",
            )
        else:
            lines[selector] = number
            server = match["server"]
            places[selector] = Place(pool=match["pool"], server=None if server is None else int(server))
    if problems:
        raise CatalogError(problems)
    return Lock(places=MappingProxyType(places))


_KINDS: Final = (
    "A variant (Task/Model/lang) is in a pool's torchserve-N, a language model (…@version) in a pool"
)


def _wrong_selector(text: str) -> str | None:
    try:
        selector = Selector.parse(text)
    except ValueError as error:
        return str(error)
    if selector.language is None:
        return f"{text} names no language; write Task/Model/lang or Task/Model/lang@version"
    return None


def format_lock(lock: Lock) -> str:
    """The inverse of parse_lock, sorted."""
    return HEADER + "".join(f"{selector}  {lock.places[selector]}\n" for selector in sorted(lock.places))
