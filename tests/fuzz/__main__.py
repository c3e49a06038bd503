"""`make fuzz`: broken catalogs by the thousand; each is accepted or refused with located problems, and soon."""

import argparse
import collections
import time

from tests.fuzz.cases import KINDS, broken, catalog_texts
from tests.fuzz.verdict import LIMIT_SECONDS, complaint


def main() -> int:
    """Prints what was found; 1 where a case was not dealt with."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first case; the others follow")
    options = parser.parse_args()
    texts = catalog_texts()
    refused: collections.Counter[str] = collections.Counter()
    failures, slowest, started = 0, 0.0, time.monotonic()
    for number in range(options.cases):
        kind, seed = KINDS[number % len(KINDS)], options.seed + number
        _, case = broken(texts, kind, seed)
        outcome = complaint(case)
        slowest = max(slowest, outcome.seconds)
        refused[kind] += outcome.refused
        if outcome.text:
            failures += 1
            print(f"{kind} --seed {seed} --cases 1: {outcome.text}")
        if (number + 1) % 1000 == 0:
            print(f"{number + 1} cases, {failures} failures, {time.monotonic() - started:.0f} s", flush=True)
    shown = ", ".join(f"{kind} {refused[kind]}" for kind in KINDS)
    print(
        f"{options.cases} cases, {failures} failures; refused: {shown}; slowest {slowest:.2f} s "
        f"(limit {LIMIT_SECONDS:g} s)"
    )
    return int(failures > 0)


if __name__ == "__main__":
    raise SystemExit(main())
