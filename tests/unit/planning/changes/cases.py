"""Small plans to compare: a TorchServe entry in some languages, a language model, and what a release runs of them."""

from collections.abc import Mapping
from typing import Any, Final

from hardware import PRICES
from model_catalog import Catalog, Entry, EntryFile, Environment, Release
from planning import Plan, PoolSettings, make_plan
from planning.capacity import Prices
from planning.capacity.placement import Lock
from planning.changes import PlanChanges, PlanSide, compare_plans
from tests.support.pools import POOLS
from tests.unit.planning.entries import VLLM_ENTRY

NAMESPACE: Final = "serving"
SETTINGS: Final = POOLS
NOTHING: Final = Lock()
SHARED: Final = "gpu-g4dn-xlarge-torchserve-1"
LLM: Final = "text-generation-chat-mul-1"
DIGEST: Final = f"sha256:{'a' * 64}"

_CHAT: Final = VLLM_ENTRY.languages["mul"]
CHAT: Final = VLLM_ENTRY.model_copy(
    update={
        "languages": {
            "mul": _CHAT.model_copy(update={"versions": {"1": _CHAT.versions["1"], "2": _CHAT.versions["1"]}})
        }
    }
)
"""A language model with the versions 1 and 2."""


def entry(
    model: str,
    *languages: str,
    weights: str = "400MiB",
    serving: Mapping[str, Any] | None = None,
    smoke: Mapping[str, str] | None = None,
    **said: Any,
) -> dict[str, Any]:
    """A TorchServe entry with the versions 1 and 2 of each language."""
    version = {
        "artifact": {"bucket": "research-models", "path": "a/b.mar", "digest": DIGEST},
        "license": "LicenseRef-internal",
        "memory": {"weights": weights, "per_request": "12MiB"},
        "serving": dict(serving or {}),
        "smoke": smoke,
    }
    return {
        "task": "QuestionAnswering",
        "model": model,
        "description": "As in tests.",
        "owner": "search",
        "engine": "torchserve",
        "languages": {
            language: {"scripts": ["Latn"], "versions": {"1": version, "2": version}}
            for language in languages
        },
        **said,
    }


def overriding(*variants: str, **serving: Any) -> dict[str, Any]:
    """Releases that say otherwise how their version 1 is served: what a running TorchServe cannot take restarts it."""
    said = {"serving": serving, "reason": "As in tests.", "by": "search", "until": "2027-06-30"}
    return {f"QuestionAnswering/{variant}": {"default": "1", "overrides": [said]} for variant in variants}


def plan(
    *entries: dict[str, Any],
    releases: Mapping[str, Any] | None = None,
    settings: PoolSettings = SETTINGS,
    lock: Lock = NOTHING,
    llm: Entry | None = None,
) -> Plan:
    """Everything runs its version 1, unless `releases` says otherwise."""
    read = [EntryFile.model_validate(one).root for one in entries] + ([llm] if llm else [])
    release = {
        f"{one.task}/{one.model}/{language}": {"default": "1"} for one in read for language in one.languages
    } | dict(releases or {})
    catalog = Catalog(entries=tuple(read), releases={Environment.DEV: Release.model_validate(release)})
    return make_plan(catalog, Environment.DEV, settings, lock)


def changes(
    before: Plan,
    after: Plan,
    *,
    regions: tuple[str, str] = ("us-east-1", "us-east-1"),
    prices: Prices = PRICES,
) -> PlanChanges:
    """What the second plan changes of the first."""
    sides = [PlanSide.of(one, region, prices) for one, region in zip((before, after), regions, strict=True)]
    return compare_plans(sides[0], sides[1], NAMESPACE)


def written(before: Plan, *entries: dict[str, Any], **said: Any) -> Plan:
    """The next plan, whose lock was written and committed."""
    first = plan(*entries, lock=before.placement.lock, **said)
    return plan(*entries, lock=first.placement.lock, **said)
