"""The versions and routes of a plan in words and as JSON: who answers, and what of the catalog acts on each model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from model_catalog import Selector
from planning.report import Report
from planning.routes import Destination, Route
from planning.versions import RequestLimits, VersionPlan
from preprocessing import write_step
from quantities import format_duration


def route_lines(report: Report) -> Iterator[str]:
    """One line for each variant: the versions that answer, where, and the share of each, or why none does."""
    for route in report.routes:
        yield f"{route.variant}: {_answers(route)}"


def _answers(route: Route) -> str:
    if route.refusal:
        named = ", ".join(f"{found.version.version}" for found in route.versions)
        return f"{route.refusal}" + (f"; by name: {named}" if named else "")
    return ", ".join(_destination(found) for found in route.destinations)


def _destination(found: Destination) -> str:
    share = "" if found.share == 100 else f"{found.share} to "
    return f"{share}version {found.version.version} at {found.server}:{found.port}{found.path}"


def setting_lines(report: Report) -> Iterator[str]:
    """One line for each entry that says more than how it is served: its keys as the catalog names them."""
    said: dict[Selector, dict[str, str]] = {}
    for version in report.versions:
        entry = Selector(task=version.selector.task, model=version.selector.model)
        said[entry] = _settings(version)
    for entry, settings in said.items():
        if settings:
            yield f"{entry}: {'; '.join(f'{key}: {value}' for key, value in settings.items())}"


def _settings(version: VersionPlan) -> dict[str, str]:
    models: Mapping[str, BaseModel | None] = {
        "slo": version.slo,
        "autoscaling": version.autoscaling,
        "drift": version.drift,
        "quality": version.quality,
    }
    steps = ", ".join(step.step for step in version.steps)
    return {
        **({"preprocessing": steps} if steps else {}),
        **({"language_from": str(version.language_from)} if version.language_from else {}),
        **{key: _in_words(model) for key, model in models.items() if model is not None},
    }


def _in_words(model: BaseModel) -> str:
    values = model.model_dump(mode="json", exclude_none=True)
    return ", ".join(f"{key} {_value(value)}" for key, value in values.items())


def _value(value: Any) -> str:
    match value:
        case list():
            return "+".join(_value(one) for one in value)
        case dict():
            return "/".join(_value(one) for one in value.values())
        case _:
            return str(value)


def version_json(version: VersionPlan) -> dict[str, Any]:
    """Everything of one version; null is what the catalog leaves out."""
    return {
        "selector": str(version.selector),
        "owner": version.owner,
        "engine": version.engine.value,
        "server": version.server,
        "default": version.default,
        "share": str(version.share),
        "not_served": version.not_served or None,
        "files": {
            "copies": [{"from": str(copied), "digest": copied.digest} for copied in version.copies],
            "handler": f"{version.handler.name} {version.handler.version}" if version.handler else None,
        },
        "scripts": list(version.scripts),
        "preprocessing": [write_step(step) for step in version.steps],
        "language_from": version.language_from.value if version.language_from else None,
        "limits": _limits(version.limits),
        "slo": _plain(version.slo),
        "autoscaling": _plain(version.autoscaling),
        "drift": _plain(version.drift),
        "quality": _plain(version.quality),
    }


def _limits(limits: RequestLimits) -> dict[str, Any]:
    timeout = limits.response_timeout
    return {
        "requests": limits.requests,
        "response_timeout": None if timeout is None else format_duration(timeout),
        "input_tokens": limits.input_tokens,
        "total_tokens": limits.total_tokens,
    }


def _plain(model: BaseModel | None) -> dict[str, Any] | None:
    return None if model is None else model.model_dump(mode="json", exclude_none=True)


def route_json(route: Route) -> dict[str, Any]:
    """One route; `refusal` says why nobody answers requests that name no version."""
    return {
        "variant": str(route.variant),
        "destinations": [_destination_json(found) for found in route.destinations],
        "versions": [_destination_json(found) for found in route.versions],
        "refusal": route.refusal or None,
    }


def _destination_json(found: Destination) -> dict[str, Any]:
    return {
        "version": str(found.version),
        "server": found.server,
        "port": found.port,
        "path": found.path,
        "share": str(found.share),
    }
