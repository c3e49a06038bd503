"""Compares loading and validating a catalog with PyYAML's C loader on the same files, and shows the growth."""

import argparse
import gc
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

import yaml

from benchmarks.generated_catalog import write_catalog
from model_catalog import check_catalog

LIMIT: Final = 3.0
"""Load and validate may take this many times what parsing takes."""
LINEAR: Final = 1.5
"""Ten times the versions may take this many times what ten times as much costs the parser, whose growth holds what a
larger heap and a busy machine cost."""


def main() -> int:
    """Prints both ratios; 1 where one is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    taken: dict[int, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for entries in (100, 1000):
            root = Path(folder) / str(entries) / "catalog"
            write_catalog(root, entries=entries, versions=10, seed=options.seed)
            parse, load = _side_by_side(root, options.rounds)
            taken[entries] = (parse, load)
            print(
                f"{entries:5} entries, {entries * 10:6} versions: PyYAML's C loader {parse:.2f} s, "
                f"load and validate {load:.2f} s, ratio {load / parse:.2f} (limit {LIMIT:g})"
            )
    parser_growth, growth = (taken[1000][part] / taken[100][part] for part in (0, 1))
    print(
        f"ten times the versions take {growth:.1f} times as long, the parser {parser_growth:.1f} times "
        f"(limit {LINEAR:g} times the parser's)"
    )
    return int(load / parse > LIMIT or growth / parser_growth > LINEAR)


def _side_by_side(root: Path, rounds: int) -> tuple[float, float]:
    """Return the least of `rounds` for each, measured alternately so that other work on the machine slows both."""
    files = sorted(root.rglob("*.yaml"))
    checked = check_catalog(root, date(2026, 1, 1))
    if checked.errors:
        raise SystemExit(f"the generated catalog is wrong: {checked.errors[0]}")
    parses, loads = [], []
    for _ in range(rounds):
        parses.append(_timed(lambda: [yaml.load(path.read_bytes(), yaml.CSafeLoader) for path in files]))
        loads.append(_timed(lambda: check_catalog(root, date(2026, 1, 1))))
    return min(parses), min(loads)


def _timed(work: Callable[[], object]) -> float:
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    raise SystemExit(main())
