"""What a running TorchServe server takes over without a restart: its agent loads, switches, drains (docs/agent.md).

Nobody loses capacity. What its agent cannot change in a version that is loaded waits for the next start.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from model_catalog import Selector
from model_catalog.changes import SettingChange
from planning.servers import Server
from planning.torchserve_servers import FIXED_SETTINGS, TorchServeModelPlan, TorchServePlan


class LiveKind(StrEnum):
    """In the order in which it happens."""

    ADDED = "added"
    DEFAULT = "default"
    """It becomes the one that answers where a caller names none."""
    WORKERS = "workers"
    """More of them: they are started beside those that run."""
    SMOKE = "smoke"
    """What it is asked before it becomes the default."""
    REMOVED = "removed"
    """After another answers and its drain grace is over."""


@dataclass(frozen=True, kw_only=True)
class LiveChange:
    """One change of one version that is served."""

    selector: Selector
    owner: str
    default: bool
    """Whether requests that name no version come to it, before or after."""
    kind: LiveKind
    setting: SettingChange | None = None
    """From what to what; None where the kind says it all."""


@dataclass(frozen=True, kw_only=True)
class WaitingChange:
    """A setting that a loaded version keeps until its server starts anew."""

    selector: Selector
    owner: str
    setting: SettingChange


@dataclass(frozen=True, kw_only=True)
class LiveChanges:
    """What one server takes over as it runs."""

    server: str
    changes: tuple[LiveChange, ...]
    """By version, then as they happen."""
    waiting: tuple[WaitingChange, ...]
    """By version and setting."""

    @property
    def owners(self) -> tuple[str, ...]:
        """Teams whose versions change, sorted. They lose nothing."""
        return tuple(sorted({one.owner for one in self.changes} | {one.owner for one in self.waiting}))


def live_changes(old: Server, new: Server) -> LiveChanges | None:
    """Of a server whose pods stay; None where nothing that it serves changes."""
    if not (isinstance(old, TorchServePlan) and isinstance(new, TorchServePlan)):
        return None
    before, after = _served(old), _served(new)
    changes = tuple(sorted(_changes(before, after), key=_place))
    waiting = tuple(
        WaitingChange(selector=selector, owner=after[selector].owner, setting=setting)
        for selector in before
        if selector in after
        for setting in _waiting(before[selector], after[selector])
    )
    return LiveChanges(server=new.name, changes=changes, waiting=waiting) if changes or waiting else None


_Served = Mapping[Selector, TorchServeModelPlan]


def _served(server: TorchServePlan) -> _Served:
    return {model.selector: model for model in server.models if not model.not_served}


def _place(change: LiveChange) -> tuple[tuple[str, ...], int]:
    return change.selector.sort_key, list(LiveKind).index(change.kind)


def _changes(before: _Served, after: _Served) -> Iterator[LiveChange]:
    defaults = {model.selector.variant: model.version for model in before.values() if model.default}
    for selector in sorted({*before, *after}, key=lambda one: one.sort_key):
        old, new = before.get(selector), after.get(selector)
        there = new or old
        assert there is not None  # noqa: S101 - one of them has it
        for kind, setting in _kinds(old, new, defaults.get(selector.variant)):
            yield LiveChange(
                selector=selector,
                owner=there.owner,
                default=any(side.default for side in (old, new) if side),
                kind=kind,
                setting=setting,
            )


def _kinds(
    old: TorchServeModelPlan | None, new: TorchServeModelPlan | None, default: str | None
) -> Iterator[tuple[LiveKind, SettingChange | None]]:
    """`default` is the variant's before; None where it had none."""
    if new is None:
        yield LiveKind.REMOVED, None
        return
    if old is not None and old.name != new.name:
        # To TorchServe, which knows its URL's name alone, it is another model.
        yield LiveKind.REMOVED, None
        old = default = None
    if old is None:
        yield LiveKind.ADDED, None
    if new.default and default != new.version:
        yield LiveKind.DEFAULT, SettingChange(path=("default",), old=default, new=new.version)
    if old is None:
        return
    if new.options.min_workers > old.options.min_workers:
        yield LiveKind.WORKERS, _setting("min_workers", old, new)
    if _smoke(old) != _smoke(new):
        yield LiveKind.SMOKE, SettingChange(path=("smoke",), old=_smoke(old), new=_smoke(new))


def _waiting(old: TorchServeModelPlan, new: TorchServeModelPlan) -> Iterator[SettingChange]:
    names = {*FIXED_SETTINGS} | ({"min_workers"} if _fewer_workers(old, new) else set())
    for name in sorted(names):
        if getattr(old.options, name) != getattr(new.options, name):
            yield _setting(name, old, new)
    was, becomes = old.gpu_memory_fraction, new.gpu_memory_fraction
    if was != becomes:
        yield SettingChange(path=("gpu_memory_fraction",), old=was, new=becomes)


def _fewer_workers(old: TorchServeModelPlan, new: TorchServeModelPlan) -> bool:
    return new.options.min_workers < old.options.min_workers


def _setting(name: str, old: TorchServeModelPlan, new: TorchServeModelPlan) -> SettingChange:
    was, becomes = (side.options.model_dump(mode="json")[name] for side in (old, new))
    return SettingChange(path=("serving", name), old=was, new=becomes)


def _smoke(model: TorchServeModelPlan) -> dict[str, str] | None:
    return model.smoke.model_dump() if model.smoke else None
