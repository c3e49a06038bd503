"""Compares the time to say what a change does with the time to plan it, and shows its growth with the models."""

import argparse
import gc
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from benchmarks.generated_catalog import write_catalog
from cli.diff_formats import to_markdown, to_text
from cli.diff_json import to_json
from cli.diff_report import Report, Side
from model_catalog import Checked, Environment, check_catalog
from model_catalog.changes import compare
from planning import Plan, PoolSettings, make_plan
from planning.capacity.placement import Lock
from planning.changes import PlanSide, compare_plans

T = TypeVar("T")

REGION: Final = "us-east-1"
SETTINGS: Final = PoolSettings(
    region=REGION,
    gpu_nodes={"g4dn.xlarge": 2000, "g5.2xlarge": 2000},
    cpu_nodes={"m6i.2xlarge": 2000},
    system_instance_type="m6i.large",
    system_nodes=2,
)
LINEAR: Final = 1.5
"""Ten times the models may take this many times ten times as long."""


def main() -> int:
    """Prints seconds of CPU and ratios; 1 where growth is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    taken = {entries: _measure(entries, options.seed) for entries in (50, 500)}
    growth = taken[500] / taken[50]
    print(f"ten times the models take {growth:.1f} times as long (limit {10 * LINEAR:g})")
    return int(growth > 10 * LINEAR)


def _measure(entries: int, seed: int) -> float:
    """Return the CPU seconds of comparing and reporting: every server restarts or is changed, and nothing moves."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "catalog"
        write_catalog(root, entries=entries, versions=4, seed=seed)
        before = check_catalog(root)
        for path in sorted((root / "entries").rglob("*.yaml")):
            text = path.read_text()
            tuned = text.replace("response_timeout: 120s", "response_timeout: 121s")
            path.write_text(tuned.replace("max_num_seqs: 64", "max_num_seqs: 63"))
        after = check_catalog(root)
    first, planning = _timed(lambda: _plan(before, Lock()))
    old, new = (_plan(side, first.placement.lock) for side in (before, after))
    _, nothing = _timed(lambda: _reported(before, before, old, old))
    (restarts, live), everything = _timed(lambda: _reported(before, after, old, new))
    print(
        f"{len(old.demands):5} placements in {len(old.servers):4} servers: plan {planning:.2f} s, tell that nothing "
        f"changes {nothing:.2f} s, tell that {restarts} restart and {live} change running {everything:.2f} s "
        f"(ratio {everything / planning:.2f})"
    )
    return everything


def _plan(checked: Checked, lock: Lock) -> Plan:
    return make_plan(checked.catalog, Environment.DEV, SETTINGS, lock)


def _reported(before: Checked, after: Checked, old: Plan, new: Plan) -> tuple[int, int]:
    """Report two plans in all three formats; return how many servers restart, and how many change running."""
    side = PlanSide.of(old, REGION)
    plans = compare_plans(side, side if new is old else PlanSide.of(new, REGION), "serving")
    changes = compare(before, after)
    mine = tuple(one for one in changes.environments if one.environment is Environment.DEV)
    report = Report(
        base=Side(revision="base", commit="0" * 40),
        head=Side(revision="head", commit="1" * 40),
        changes=replace(changes, environments=mine),
        plans=(plans,),
        broken=(),
        problems=(),
    )
    for format_ in (to_text, to_json, to_markdown):
        format_(report)
    return len(plans.restarts), len(plans.live)


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    gc.collect()
    start = time.process_time()
    found = work()
    return found, time.process_time() - start


if __name__ == "__main__":
    raise SystemExit(main())
