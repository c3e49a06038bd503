"""Measures a placement: cost above the cheapest possible, savings by sharing, time, and moves that a change causes."""

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from benchmarks.generated_demands import CATALOGS, all_offers
from benchmarks.placement_bound import lower_bound
from model_catalog import Device
from planning.capacity.placement import (
    Demand,
    Placement,
    PlacementRules,
    SharedDemand,
    WholeDemand,
    plan_placement,
)

COST: Final = 1.05
"""A placement may cost this many times the lower bound."""
SAVING: Final = 3.0
"""One model a GPU must take this many times the GPUs, for the small models."""
SECONDS: Final = {100: 0.5, 1000: 10.0}
RULES: Final = PlacementRules()


def main() -> int:
    """Prints the figures; 1 where one misses its target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    offers = all_offers()
    missed: list[str] = []

    def judge(name: str, holds: bool) -> str:
        if not holds:
            missed.append(name)
        return "" if holds else "  MISSED"

    for name, (make, count) in CATALOGS.items():
        demands = make(count, options.seed)
        placement, seconds = _timed(demands)
        bound = lower_bound(demands, offers, RULES)
        ratio = float(placement.price or 0) / bound
        alone = sum(_alone(demand) for demand in demands)
        print(
            f"{name}: {len(demands)} models, {float(placement.price or 0):.2f} USD an hour, lower bound {bound:.2f}, "
            f"ratio {ratio:.4f} (target {COST}){judge(name, ratio <= COST)}; {len(placement.groups)} pools, "
            f"{placement.gpus} GPUs, one model a GPU {alone} ({alone / placement.gpus:.1f} times); {seconds:.1f} s"
        )
        if name == "small models":
            print(f"  saving: target {SAVING:g} times{judge('saving', alone >= SAVING * placement.gpus)}")
    for count, limit in SECONDS.items():
        slowest = max(_timed(make(count, options.seed))[1] for make, _ in CATALOGS.values())
        verdict = judge(f"{count} models", slowest < limit)
        print(f"{count} models of the slowest catalog: {slowest:.2f} s (target {limit:g}){verdict}")
    for name, (make, _) in CATALOGS.items():
        demands = make(1000, options.seed)
        before = plan_placement(demands, offers)
        for what, changed in (("added", _one_more(demands)), ("removed", demands[1:])):
            began = time.perf_counter()
            after = plan_placement(changed, offers, before.lock)
            seconds = time.perf_counter() - began
            more = float((after.price or 0) - (before.price or 0))
            print(
                f"{name}, 1000 models, one {what}: {len(after.moves)} others move{judge(what, not after.moves)}, "
                f"{more:+.2f} USD an hour, {seconds:.1f} s"
            )
    print(f"missed: {', '.join(missed)}" if missed else "all targets met")
    return int(bool(missed))


def _timed(demands: Sequence[Demand]) -> tuple[Placement, float]:
    began = time.perf_counter()
    placement = plan_placement(demands, all_offers())
    return placement, time.perf_counter() - began


def _alone(demand: Demand) -> int:
    """GPUs that it takes with none shared."""
    if isinstance(demand, WholeDemand):
        return demand.replicas * demand.gpus
    return demand.replicas if demand.device is Device.GPU else 0


def _one_more(demands: Sequence[Demand]) -> list[Demand]:
    """One like the first that shares, under another name."""
    like = next(demand for demand in demands if isinstance(demand, SharedDemand))
    return [*demands, replace(like, selector="Zero/Added/fr")]


if __name__ == "__main__":
    raise SystemExit(main())
