"""The reasons why servers leave versions out that are placed and paid for, until somebody completes the catalog."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from model_catalog import Selector, Version, unservable
from planning.server import ModelPlan

M = TypeVar("M", bound=ModelPlan)


def reason(selector: Selector, version: Version) -> str:
    """The reason in words, with the fix; empty where the version has files that can be copied and served."""
    why = unservable(selector, version)
    return f"not served: {why}" if why else ""


def without_lost_variants(models: Sequence[M]) -> tuple[M, ...]:
    """The versions of a shared server, where each whose variant has no served default is left out too.

    Requests that name no version would reach one that nobody chose.
    """
    lost: Mapping[Selector, str] = {
        model.selector.variant: f"not served: its default, version {model.selector.version}, is not"
        for model in models
        if model.default and model.not_served
    }
    return tuple(
        replace(model, not_served=model.not_served or lost.get(model.selector.variant, ""))
        for model in models
    )
