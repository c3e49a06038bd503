"""What becomes of one environment's plan, as JSON: keys are a contract, added and never changed (docs/diff.md)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from model_catalog.changes import SettingChange
from planning.capacity import Cost
from planning.changes import (
    CostChange,
    CostChanges,
    LiveChange,
    LiveChanges,
    PlaceChanges,
    PlanChanges,
    Restart,
    ServerChange,
    WaitingChange,
)


def plan_to_json(plan: PlanChanges) -> dict[str, Any]:
    """Amounts of money are texts, spans whole seconds; null is what is not compared."""
    return {
        "servers": [_server(one) for one in plan.servers],
        "pools": [
            {
                "name": pool.name,
                "instance_type": pool.instance_type,
                "before": pool.before,
                "after": pool.after,
                "gpus": _sides(pool.gpus),
                "cost": _cost(pool.cost),
            }
            for pool in plan.pools
        ],
        "gpus": None if plan.unplanned else _sides(plan.gpus),
        "unplanned": plan.unplanned or None,
        "restarts": [_restart(one) for one in plan.restarts],
        "live": [_live(one) for one in plan.live],
        "placement": _placement(plan.places),
        "stale": None if plan.unplanned else plan.stale,
        "gpus_bought": None if plan.unplanned else _sides(plan.gpus_bought),
        "cost": _costs(plan.cost) if plan.cost else None,
        "alerts": [
            {
                "alert": one.name,
                "server": one.server,
                "change": one.change.value,
                "settings": settings_to_json(one.settings),
            }
            for one in plan.alerts
        ],
        "risks": [
            {
                "kind": one.kind.value,
                "server": one.server or None,
                "pool": one.pool or None,
                "message": one.message,
            }
            for one in plan.risks
        ],
        "without_effect": [one.as_json() for one in plan.without_effect],
    }


def settings_to_json(settings: Iterable[SettingChange]) -> list[dict[str, Any]]:
    """Each setting with both values."""
    return [_setting(one) for one in settings]


def _setting(one: SettingChange) -> dict[str, Any]:
    return {"name": one.name, "old": one.old, "new": one.new}


def _sides(pair: tuple[int, int]) -> dict[str, int]:
    return {"before": pair[0], "after": pair[1]}


def _server(one: ServerChange) -> dict[str, Any]:
    return {
        "server": one.name,
        "change": one.change.value,
        "before": asdict(one.before),
        "after": asdict(one.after),
        "settings": settings_to_json(one.settings),
        "pool": one.pool,
        "restarts": one.restart is not None,
    }


def _restart(one: Restart) -> dict[str, Any]:
    return {
        "server": one.server,
        "engine": one.engine.value,
        "pool": one.pool,
        "owners": list(one.owners),
        "replicas": {"before": one.before, "after": one.after, "ready": one.ready},
        "away": one.away,
        "startup_seconds": one.startup_budget // timedelta(seconds=1),
        "longest_seconds": one.longest // timedelta(seconds=1),
        "because": [part.value for part in one.parts],
        "affected": [
            {
                "variant": str(affected.variant),
                "language": affected.variant.language,
                "owner": affected.owner,
                "versions": list(affected.versions),
                "default": affected.default,
                "untouched": affected.untouched,
            }
            for affected in one.affected
        ],
        "gained": [str(variant) for variant in one.gained],
        "lost": [str(variant) for variant in one.lost],
    }


def _live(one: LiveChanges) -> dict[str, Any]:
    return {
        "server": one.server,
        "owners": list(one.owners),
        "changes": [
            {
                **_version(change),
                "default": change.default,
                "change": change.kind.value,
                "setting": _setting(change.setting) if change.setting else None,
            }
            for change in one.changes
        ],
        "at_next_start": [
            {**_version(change), "setting": _setting(change.setting)} for change in one.waiting
        ],
    }


def _version(change: LiveChange | WaitingChange) -> dict[str, Any]:
    return {
        "selector": str(change.selector),
        "language": change.selector.language,
        "version": change.selector.version,
        "owner": change.owner,
    }


def _placement(places: PlaceChanges) -> dict[str, Any]:
    return {
        "moves": [
            {
                "selector": one.selector,
                "before": str(one.before),
                "after": str(one.after),
                "reason": one.reason,
            }
            for one in places.moved
        ],
        "added": [
            {"selector": one.selector, "place": str(one.place), "reason": one.reason} for one in places.added
        ],
        "removed": [{"selector": one.selector, "place": str(one.place)} for one in places.removed],
    }


def _costs(costs: CostChanges) -> dict[str, Any]:
    return {
        **_cost(costs.total),
        "by_owner": [{"name": one.owner, "use": one.use.value, **_cost(one.cost)} for one in costs.by_owner],
    }


def _cost(cost: CostChange) -> dict[str, Any]:
    return {
        "before": _amount(cost.before),
        "after": _amount(cost.after),
        "more": {"usd_per_hour": f"{cost.usd_per_hour:f}", "usd_per_month": f"{cost.usd_per_month:f}"},
        "missing": list(cost.missing),
        "stand_ins": list(cost.stand_ins),
    }


def _amount(cost: Cost) -> dict[str, Any]:
    return {"usd_per_hour": f"{cost.usd_per_hour:f}", "usd_per_month": f"{cost.usd_per_month:f}"}
