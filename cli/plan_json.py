"""A plan's report as JSON: one object whose keys are a contract (docs/plan.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from cli.plan_versions import route_json, version_json
from planning.capacity import (
    HOURS_PER_MONTH,
    Charge,
    Cost,
    CostLine,
    by_language,
    by_model,
    by_owner,
    by_pool,
)
from planning.report import Alternative, GpuBar, PoolReport, Report, ServerReport
from planning.spending import Spending


def to_json(report: Report) -> str:
    """Keys are added, never changed. Amounts of money are texts, so that no reader rounds them; memory is in bytes."""
    said = {
        "environment": report.environment,
        "region": report.region,
        "selector": str(report.selector) if report.selector else None,
        "hours_per_month": HOURS_PER_MONTH,
        "pools": [_pool(pool) for pool in report.pools],
        "versions": [version_json(version) for version in report.versions],
        "routes": [route_json(route) for route in report.routes],
        "cost": {
            "total": _cost(report.total),
            "by_model": _lines(by_model(report.charges)),
            "by_language": _lines(by_language(report.charges)),
            "by_owner": _lines(by_owner(report.charges)),
            "by_pool": _lines(by_pool(report.charges)),
            "charges": [_charge(one) for one in report.charges],
        },
        "placement": {
            "stale": report.stale,
            "moves": [
                {
                    "selector": move.selector,
                    "before": str(move.before),
                    "after": str(move.after),
                    "reason": move.reason,
                }
                for move in report.moves
            ],
        },
        "budget": _budget(report.spending),
        "planned": _alternative(report.planned),
        "alternatives": [_alternative(one) for one in report.alternatives],
        "risks": [
            {
                "kind": risk.kind.value,
                "pool": risk.pool or None,
                "server": risk.server or None,
                "message": risk.message,
            }
            for risk in report.risks
        ],
        "without_effect": [one.as_json() for one in report.without_effect],
    }
    return f"{json.dumps(said, indent=2, ensure_ascii=True)}\n"


def _budget(spending: Spending | None) -> dict[str, Any] | None:
    if spending is None:
        return None
    return {
        "usd_per_month": f"{spending.limit:f}",
        "excess_usd_per_month": f"{spending.excess:f}",
        "kept": spending.kept,
        "reason": spending.budget.reason,
        "by": spending.budget.by,
    }


def _pool(pool: PoolReport) -> dict[str, Any]:
    price = pool.price.price
    return {
        "name": pool.name,
        "use": pool.use.value,
        "instance_type": pool.instance_type,
        "purchase_option": pool.purchase_option.value,
        "nodes": pool.nodes,
        "max_nodes": pool.max_nodes,
        "gpu": pool.gpu,
        "share": pool.share or None,
        "gpus": {"all": pool.gpus, "taken": pool.gpus_taken, "spare": pool.gpus_spare},
        "usable_source": pool.usable_source or None,
        "price": {
            "usd_per_hour": f"{price.usd_per_hour:f}" if price else None,
            "region": price.region if price else None,
            "source": price.source if price else None,
            "date": price.source_date.isoformat() if price else None,
            "note": pool.price.note or None,
        },
        "cost": _cost(pool.cost),
        "servers": [_server(server) for server in pool.servers],
        "gpu_memory": [_bar(bar) for bar in pool.bars],
    }


def _server(server: ServerReport) -> dict[str, Any]:
    return {
        "name": server.name,
        "owner": ",".join(server.owners),
        "owners": list(server.owners),
        "engine": server.engine.value,
        "engine_version": server.engine_version,
        "replicas": server.replicas,
        "running": server.running,
        "millicores": server.resources.millicores,
        "memory": int(server.resources.memory),
        "gpus": server.resources.gpus,
        "startup_seconds": int(server.startup_budget.total_seconds()),
        "versions": [
            {
                "selector": str(version.selector),
                "owner": version.owner,
                "default": version.default,
                "gpu_memory": _whole(version.memory),
                "gpu_memory_bound": {"held": version.bound.held.value, "by": version.bound.by}
                if version.bound
                else None,
                "reason": version.reason,
                "not_served": version.not_served or None,
            }
            for version in server.versions
        ],
        "cost": _cost(server.cost),
    }


def _bar(bar: GpuBar) -> dict[str, Any]:
    return {
        "count": bar.count,
        "devices": bar.devices,
        "share": bar.share or None,
        "servers": list(bar.servers),
        "usable": _whole(bar.usable),
        "taken": int(bar.taken),
        "free": _whole(bar.free),
        "claimed": _whole(bar.claimed),
        "parts": {name.value: int(memory) for name, memory in bar.parts.items()},
        "segments": [
            {
                "server": segment.server,
                "selector": str(segment.selector),
                "part": segment.part.value,
                "memory": int(segment.memory),
                "source": segment.source,
            }
            for segment in bar.segments
        ],
    }


def _whole(amount: int | None) -> int | None:
    return None if amount is None else int(amount)


def _charge(one: Charge) -> dict[str, Any]:
    return {
        "pool": one.pool,
        "use": one.use.value,
        "server": one.server or None,
        "owner": one.owner or None,
        "selector": str(one.selector) if one.selector else None,
        **_cost(one.cost),
    }


def _lines(lines: Iterable[CostLine]) -> list[dict[str, Any]]:
    return [{"name": line.name or None, "use": line.use.value, **_cost(line.cost)} for line in lines]


def _alternative(one: Alternative) -> dict[str, Any]:
    return {"name": one.name, "gpu_nodes": one.gpu_nodes, "gpus": one.gpus, "cost": _cost(one.cost)}


def _cost(cost: Cost) -> dict[str, Any]:
    """`missing` says what the amount leaves out; null is an amount of which nothing is known."""
    return {
        "usd_per_hour": None if cost.unknown else f"{cost.usd_per_hour.normalize():f}",
        "usd_per_month": None if cost.unknown else f"{cost.usd_per_month.normalize():f}",
        "missing": list(cost.missing),
        "stand_ins": list(cost.stand_ins),
    }
