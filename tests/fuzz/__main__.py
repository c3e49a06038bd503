"""`make fuzz`: broken catalogs by the thousand; each is accepted or refused with located problems, and soon.

With `--agent`: broken input of all kinds for the agent beside TorchServe, which has to turn and serve on.
"""

import argparse
import collections
import resource
import time

from tests.fuzz.agent_soak import KINDS as AGENT_KINDS
from tests.fuzz.agent_soak import soak
from tests.fuzz.cases import KINDS, broken, catalog_texts
from tests.fuzz.verdict import LIMIT_SECONDS, complaint

MEMORY = 1 << 30
"""Bytes that the soak may allocate, with the tests' own libraries and the stacks of its threads."""


def main() -> int:
    """Prints what was found; 1 where a case was not dealt with."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agent", action="store_true", help="input for the agent instead of catalogs")
    parser.add_argument(
        "--kind", choices=sorted(AGENT_KINDS), help="of input for the agent; all in turn if left out"
    )
    parser.add_argument("--cases", type=int, help="20,000 catalogs, or 10,000 inputs for the agent")
    parser.add_argument("--seed", type=int, default=1, help="of the first case; the others follow")
    options = parser.parse_args()
    if options.agent:
        kinds = [options.kind] if options.kind else sorted(AGENT_KINDS)
        return _agent(options.cases or 10_000, options.seed, kinds)
    return _catalogs(options.cases or 20_000, options.seed)


def _agent(cases: int, seed: int, kinds: list[str]) -> int:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    outcome = soak(cases, seed, lambda text: print(text, flush=True), kinds)
    print(*outcome.complaints, sep="\n")
    print(outcome)
    return int(bool(outcome.complaints))


def _catalogs(cases: int, first_seed: int) -> int:
    texts = catalog_texts()
    refused: collections.Counter[str] = collections.Counter()
    failures, slowest, started = 0, 0.0, time.monotonic()
    for number in range(cases):
        kind, seed = KINDS[number % len(KINDS)], first_seed + number
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
        f"{cases} cases, {failures} failures; refused: {shown}; slowest {slowest:.2f} s "
        f"(limit {LIMIT_SECONDS:g} s)"
    )
    return int(failures > 0)


if __name__ == "__main__":
    raise SystemExit(main())
