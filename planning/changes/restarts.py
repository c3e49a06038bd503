"""Servers whose pods are replaced: who loses how much of them meanwhile, and for how long at most.

A rollout takes one pod away before it adds one (planning/workload/spec.py), so
that many replicas less one are ready at any time, and each waits for the one before it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from model_catalog import Engine, Selector, Version
from planning.changes.pods import PodPart, changed_parts
from planning.server import ModelPlan
from planning.servers import Server
from planning.text_generation_servers import TextGenerationPlan
from planning.workload import MAX_UNAVAILABLE


@dataclass(frozen=True, kw_only=True)
class Affected:
    """A variant that the server has before and after."""

    variant: Selector
    owner: str
    versions: tuple[str, ...]
    """That the server has of it on either side, sorted."""
    default: bool
    """Whether requests that name no version come here."""
    untouched: bool
    """Whether nothing of its own changes: it pays for a neighbour's change, or for its server's."""


@dataclass(frozen=True, kw_only=True)
class Restart:
    """A server with new pods."""

    server: str
    engine: Engine
    pool: str
    """Where the new pods run."""
    gpus: int
    """Of one new pod."""
    before: int
    """Replicas."""
    after: int
    startup_budget: timedelta
    """Of one new pod."""
    parts: tuple[PodPart, ...]
    """What of the pods differs."""
    affected: tuple[Affected, ...]
    """Who loses capacity, sorted."""
    gained: tuple[Selector, ...]
    """Variants that it gets, sorted."""
    lost: tuple[Selector, ...]
    """Variants that leave it, sorted."""

    @property
    def ready(self) -> int:
        """Replicas that answer at any time. More replicas than before make up for the one that is away."""
        return max(0, min(self.before, self.after - MAX_UNAVAILABLE))

    @property
    def away(self) -> bool:
        """Whether nobody answers for a while."""
        return self.ready == 0

    @property
    def longest(self) -> timedelta:
        """Until the last pod has loaded: each one's budget, one after another.

        An upper bound from the start of a pod. The end of the pod before it comes on top, and the pull of an image
        that its node does not have.
        """
        return self.startup_budget * self.after

    @property
    def for_neighbours(self) -> bool:
        """Whether all who lose capacity do so for models that join or leave, or for the server itself."""
        return all(one.untouched for one in self.affected)

    @property
    def owners(self) -> tuple[str, ...]:
        """Teams that lose capacity, sorted."""
        return tuple(sorted({one.owner for one in self.affected}))


def restart(old: Server, new: Server) -> Restart | None:
    """What becomes of the pods of a server that is there on both sides; None where they stay, and where one side has
    none: those that come first keep nobody waiting, and those that go for good are told as a risk (risks.py)."""
    parts = () if old == new else changed_parts(old, new)
    if not parts or not old.running_replicas or not new.running_replicas:
        return None
    before, after = _variants(old.models), _variants(new.models)
    same = _version(old) == _version(new)
    return Restart(
        server=new.name,
        engine=new.engine,
        pool=new.pool,
        gpus=new.resources.gpus,
        before=old.replicas,
        after=new.replicas,
        startup_budget=new.startup_budget,
        parts=parts,
        affected=tuple(
            _affected(variant, before[variant], after[variant], same=same)
            for variant in before
            if variant in after
        ),
        gained=tuple(variant for variant in after if variant not in before),
        lost=tuple(variant for variant in before if variant not in after),
    )


def _variants(models: Iterable[ModelPlan]) -> Mapping[Selector, tuple[ModelPlan, ...]]:
    """In their order, which is sorted."""
    return {
        variant: tuple(group) for variant, group in groupby(models, key=lambda model: model.selector.variant)
    }


def _version(server: Server) -> Version | None:
    """A language model's, which its server holds; those of TorchServe are in its models."""
    return server.version if isinstance(server, TextGenerationPlan) else None


def _affected(
    variant: Selector, old: tuple[ModelPlan, ...], new: tuple[ModelPlan, ...], *, same: bool
) -> Affected:
    both = (*old, *new)
    return Affected(
        variant=variant,
        owner=new[0].owner,
        versions=tuple(sorted({model.selector.version or "" for model in both})),
        default=any(model.default for model in both),
        untouched=same and old == new,
    )
