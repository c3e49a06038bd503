"""What an entry says once for all its languages, and a language for all its versions, handed down to each version.

It happens on the plain text of the file, before any type is checked: so a version is judged by what it effectively
says, and a wrong value is reported where it was written.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from model_catalog.entry import ENTRY_KINDS
from model_catalog.problem import Problem
from model_catalog.version import MERGED
from model_catalog.yaml_source import Location, Source
from model_catalog.yaml_text import Place

_VERSION_DEPTH: Final = 4
"""languages, fr, versions, "2": what follows is a key of the version."""


HANDED_DOWN_LIMIT: Final = 200_000
"""Settings that one entry may hand down, counted once for each version that gets them: ten times what a file of the
largest size that is read can need, and soon validated."""


class Origin(StrEnum):
    """Where an effective value was written."""

    DEFAULT = "default"
    ENTRY = "entry"
    LANGUAGE = "language"
    VERSION = "version"


class EntrySource:
    """An entry's file with `value` handed down; places and problems are those of the file."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.file = source.file
        self.value: Any = None
        """None where the file could not be read, or hands down too much."""
        self.problems = source.problems
        """What was wrong with the file before any type was checked."""
        count = _count_handed_down(source.value)
        if count > HANDED_DOWN_LIMIT:
            too_much = source.problem(
                (),
                rule="yaml-size",
                message=f"the entry hands {count} settings down to its versions, and {HANDED_DOWN_LIMIT} is the most",
                fix="Say them where they are needed, or split the entry",
            )
            self.problems = (*source.problems, too_much)
        else:
            self.value = _handed_down(source.value)

    def problem(self, location: Location, *, rule: str, message: str, fix: str, key: bool = False) -> Problem:
        """A finding at a location of the effective value, placed where it was written."""
        return self._source.problem(self.written(location), rule=rule, message=message, fix=fix, key=key)

    def place(self, location: Location) -> Place:
        """Where a location of the effective value was written; its nearest parent where nobody wrote it."""
        return self._source.place(self.written(location), key=True)

    def written(self, location: Location) -> Location:
        """Where the file holds what stands at a location of the effective value."""
        return next((place for _, place in self._candidates(location)), location)

    def origin(self, location: Location) -> Origin:
        """Which level says it; DEFAULT where none does."""
        for origin, place in self._candidates(location):
            if _has(self._source.value, place):
                return origin
        return Origin.DEFAULT

    def _candidates(self, location: Location) -> list[tuple[Origin, Location]]:
        """The levels that say it, nearest first; where none does, the levels that say the key it is part of."""
        if len(location) <= _VERSION_DEPTH or location[0] != "languages" or location[2] != "versions":
            return [(Origin.ENTRY, location)]
        language, inner = location[:2], location[_VERSION_DEPTH:]
        levels = (
            (Origin.VERSION, location),
            (Origin.LANGUAGE, (*language, *inner)),
            (Origin.ENTRY, inner),
        )
        if str(inner[0]) not in inheritable(self._source.value):
            return [levels[0]]
        depth = len(inner) - 1
        saying = [(o, p) for o, p in levels if _has(self._source.value, p[: len(p) - depth])]
        if inner[0] not in MERGED:
            return saying[:1]
        return [(o, p) for o, p in saying if _has(self._source.value, p)] or saying


def inheritable(value: Any) -> frozenset[str]:
    """The keys that an entry with this engine may say for all its versions; none where the engine is unknown."""
    engine = value.get("engine") if isinstance(value, Mapping) else None
    kind = ENTRY_KINDS.get(engine) if isinstance(engine, str) else None
    return _INHERITED.get(kind, frozenset()) if kind else frozenset()


_INHERITED: Final[Mapping[Any, frozenset[str]]] = {
    kind: kind.VERSION.inherited() for kind in ENTRY_KINDS.values()
}


def _count_handed_down(value: Any) -> int:
    keys = inheritable(value)
    if not keys or not isinstance(value.get("languages"), dict):
        return 0
    shared = _size({key: part for key, part in value.items() if key in keys})
    count = 0
    for language in value["languages"].values():
        if isinstance(language, dict) and isinstance(language.get("versions"), dict):
            own = _size({key: part for key, part in language.items() if key in keys})
            count += (shared + own) * len(language["versions"])
    return count


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return sum(1 + _size(part) for part in value.values())
    return sum(1 + _size(part) for part in value) if isinstance(value, list) else 0


def _handed_down(value: Any) -> Any:
    """Leaves what is malformed as it is: the types report it."""
    keys = inheritable(value)
    if not keys or not isinstance(value.get("languages"), dict):
        return value
    own = {key: part for key, part in value.items() if key not in keys}
    shared = {key: part for key, part in value.items() if key in keys}
    own["languages"] = {
        name: _language(language, shared, keys) for name, language in value["languages"].items()
    }
    return own


def _language(value: Any, shared: dict[str, Any], keys: frozenset[str]) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get("versions"), dict):
        return value
    own = {key: part for key, part in value.items() if key not in keys}
    nearer = {key: part for key, part in value.items() if key in keys}
    defaults = _over(shared, nearer) if nearer else shared
    if defaults:
        own["versions"] = {
            name: _over(defaults, version) if isinstance(version, dict) else version
            for name, version in value["versions"].items()
        }
    return own


def _over(broader: dict[str, Any], nearer: dict[str, Any]) -> dict[str, Any]:
    joined = {**broader, **nearer}
    for key in MERGED:
        one, other = broader.get(key), nearer.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            joined[key] = {**one, **other}
    return joined


def _has(value: Any, location: Location) -> bool:
    for step in location:
        match value, step:
            case dict(), _ if step in value:
                value = value[step]
            case list(), int() if step < len(value):
                value = value[step]
            case _:
                return False
    return True
