"""Two values of one kind, setting by setting: which differ, from what to what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True, kw_only=True)
class SettingChange:
    """One setting that differs."""

    path: tuple[str, ...]
    """Keys down to it, as in ("serving", "batch_size")."""
    old: Any
    """Plain, as a catalog file would say it; None where it is not given."""
    new: Any

    @property
    def name(self) -> str:
        """serving.batch_size."""
        return ".".join(self.path)


def plain(value: BaseModel, *, exclude: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The whole value, defaults included, as mappings, lists and text with units."""
    return value.model_dump(mode="json", exclude=set(exclude))


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[SettingChange, ...]:
    """Each setting that differs, sorted by path. A mapping is entered where both have it; a list is one setting."""
    return tuple(_differences(old, new, ()))


def _differences(
    old: Mapping[str, Any], new: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[SettingChange]:
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _differences(before, after, (*path, key))
        else:
            yield SettingChange(path=(*path, key), old=before, new=after)
