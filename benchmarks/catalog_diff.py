"""Compares the time to diff two states of a catalog with the time to load them, and shows its growth."""

import argparse
import gc
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from benchmarks.generated_catalog import write_catalog
from model_catalog import check_catalog
from model_catalog.changes import broken_rules, compare

T = TypeVar("T")

LINEAR: Final = 1.5
"""Ten times the versions may take this many times what ten times as much costs loading."""


def main() -> int:
    """Prints the ratios; 1 where growth is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    taken: dict[int, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for entries in (100, 1000):
            base, head = (Path(folder) / f"{entries}-{side}" / "catalog" for side in ("base", "head"))
            # Another seed is another digest, figure and path of every version.
            write_catalog(base, entries=entries, versions=10, seed=options.seed)
            write_catalog(head, entries=entries, versions=10, seed=options.seed + 1)
            before, load = _timed(lambda: check_catalog(base))  # noqa: B023 - called at once
            after, _ = _timed(lambda: check_catalog(head))  # noqa: B023
            _, diff = _timed(lambda: (compare(before, after), broken_rules(before, after)))  # noqa: B023
            taken[entries] = (load, diff)
            print(
                f"{entries:5} entries, all changed: load {load:.2f} s, compare and judge {diff:.2f} s, "
                f"ratio {diff / load:.2f}"
            )
    load_growth, growth = (taken[1000][part] / taken[100][part] for part in (0, 1))
    print(
        f"ten times the versions take {growth:.1f} times as long, loading {load_growth:.1f} times "
        f"(limit {LINEAR:g} times loading's)"
    )
    return int(growth / load_growth > LINEAR)


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    gc.collect()
    start = time.perf_counter()
    found = work()
    return found, time.perf_counter() - start


if __name__ == "__main__":
    raise SystemExit(main())
