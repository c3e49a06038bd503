"""A report as JSON: one object whose keys are a contract."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from cli.diff_plan_json import plan_to_json, settings_to_json
from cli.diff_report import Report
from model_catalog.changes import Changed, EnvironmentChanges, SettingChange


def to_json(report: Report) -> str:
    """One object; keys and lists have a fixed order."""
    changes = report.changes
    plans = {plan.environment: plan for plan in report.plans}
    said = {
        "base": asdict(report.base),
        "head": asdict(report.head),
        "refused": report.refused,
        "broken_rules": [asdict(problem) for problem in report.broken],
        "problems": [asdict(problem) for problem in report.problems],
        "unread": list(changes.unread),
        "entries": _changed_to_json(changes.entries),
        "variants": _changed_to_json(changes.variants),
        "versions": _changed_to_json(changes.versions),
        "environments": [
            {**_environment_to_json(one), **plan_to_json(plans[one.environment])}
            for one in changes.environments
        ],
    }
    return f"{json.dumps(said, indent=2, ensure_ascii=False)}\n"


def _environment_to_json(changes: EnvironmentChanges) -> dict[str, Any]:
    return {
        "environment": changes.environment.value,
        "languages": list(changes.languages),
        "releases": [
            {
                "variant": str(one.variant),
                "change": one.change.value,
                "default": _pair(one.default),
                "canary": settings_to_json(one.canary),
                "starts": list(one.starts),
                "stops": list(one.stops),
                "settings": settings_to_json(one.settings),
            }
            for one in changes.releases
        ],
        "entries": _changed_to_json(changes.entries),
        "versions": _changed_to_json(changes.versions),
        "renamed": _changed_to_json(changes.renamed),
    }


def _changed_to_json(changes: Iterable[Changed]) -> list[dict[str, Any]]:
    return [
        {
            "selector": str(one.selector),
            "change": one.change.value,
            "settings": settings_to_json(one.settings),
        }
        for one in changes
    ]


def _pair(change: SettingChange | None) -> dict[str, Any] | None:
    return None if change is None else {"old": change.old, "new": change.new}
