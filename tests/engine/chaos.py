"""`make chaos`: kills each process early, in the middle and late, and shows what the next command makes of it.

What the next command cannot put right, because a real engine cannot, a person does as docs/operations.md says: delete
what is in no state, and run the command again. The table says where that was needed.

    python -m tests.engine.chaos [--seed N] [--only REGEX] [--json FILE] [--folder DIR]

Early, middle and late are thirds of the resources that an undisturbed run creates; the seed draws the resource.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from tests.engine import crashes
from tests.engine.clones import Clone, Ran, new_clone
from tests.engine.crashes import Found, KillPoint

REPLACED: Final = ("engines/torchserve/config.py", '"metrics_mode": "prometheus"', '"metrics_mode": "legacy"')
"""File, text and what stands there after the edit: another config.properties is another ConfigMap. No catalog change
replaces anything of a server's."""
_THIRDS: Final = ("early", "middle", "late")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A kill, and the command that has to put it right."""

    name: str
    point: KillPoint
    command: tuple[str, ...] = ("sandbox", "up", "--no-serve")
    """What is killed."""
    then: tuple[str, ...] = ("sandbox", "up", "--no-serve")
    """What has to cope."""
    deployed: bool = False
    """Whether the stack is deployed first."""
    edits: bool = False
    """Whether TorchServe's own configuration is changed in between, so that a ConfigMap is replaced."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    name: str
    at: str
    """What the engine said last before the kill."""
    code: int
    """Exit code of the command that was killed."""
    seconds: float
    """Until the next command had ended."""
    outcome: str
    by_hand: list[str] = field(default_factory=list)
    """What a person had to delete, since no state knew it."""

    @property
    def ok(self) -> bool:
        """Whether it converged, if need be after a person had been there."""
        return self.outcome == "converged"


def scenarios(random_: random.Random, creates: int, objects: int) -> list[Scenario]:
    """Every kill point; the seed decides which resource of each third it is."""
    found = []
    for victim in crashes.VICTIMS:
        kubernetes = victim == "kubernetes provider"
        total = objects if kubernetes else creates
        for index, third in enumerate(_THIRDS):
            count = random_.randint(max(3, total * index // 3), max(3, total * (index + 1) // 3 - 1))
            pattern = crashes.KUBERNETES_CREATING if kubernetes else crashes.CREATING
            point = KillPoint(victim=victim, pattern=pattern, count=count)
            found.append(Scenario(name=f"up: {victim}, {third}", point=point))
            if victim == "engine":
                silent = replace(point, loses_answers=True)
                found.append(Scenario(name=f"up: engine, {third}, answers lost", point=silent))
                found.append(
                    Scenario(
                        name=f"up: engine, {third}, answers lost, then down",
                        point=silent,
                        then=("sandbox", "down"),
                    )
                )
            if victim == "aws provider":
                found.append(
                    Scenario(name=f"up: {victim}, {third}, then down", point=point, then=("sandbox", "down"))
                )
    for victim in ("engine", "aws provider", "kubernetes provider", "slipway", "etcd"):
        deleting = KillPoint(victim=victim, pattern=crashes.DELETING, count=random_.randint(1, objects))
        found.append(
            Scenario(
                name=f"down: {victim}",
                point=deleting,
                command=("sandbox", "down"),
                then=("sandbox", "down"),
                deployed=True,
            )
        )
    found.append(
        Scenario(
            name="down: engine, then up",
            point=KillPoint(
                victim="engine", pattern=crashes.DELETING, count=random_.randint(1, creates // 2)
            ),
            command=("sandbox", "down"),
            deployed=True,
        )
    )
    for victim in ("engine", "kubernetes provider", "kube-apiserver"):
        for losing in (False, True) if victim == "engine" else (False,):
            found.append(
                Scenario(
                    name=f"replacement: {victim}" + (", answers lost" if losing else ""),
                    point=KillPoint(victim=victim, pattern=crashes.REPLACING, loses_answers=losing),
                    deployed=True,
                    edits=True,
                )
            )
    return found


def run(clone: Clone, scenario: Scenario) -> Row:
    """Plays one scenario in a clone whose sandbox is empty."""
    clone.restore()
    if scenario.deployed:
        clone.slipway("sandbox", "up", "--no-serve").ok()
    if scenario.edits:
        clone.edit(*REPLACED)
    killed = crashes.run_and_kill(clone, scenario.point, *scenario.command)
    if not killed.line:
        return Row(
            name=scenario.name,
            at="",
            code=killed.code,
            seconds=0.0,
            outcome=f"the point was never reached: {killed.output[-500:]}",
        )
    began = time.monotonic()
    found = _cope(clone, scenario)
    seconds, by_hand = time.monotonic() - began, list[str]()
    if found.strays or found.failed:
        by_hand = crashes.delete_by_hand(clone)
        found = _cope(clone, scenario) if by_hand else found
    return Row(
        name=scenario.name,
        at=killed.line[:70],
        code=killed.code,
        seconds=round(seconds, 1),
        outcome=str(found),
        by_hand=by_hand,
    )


def _cope(clone: Clone, scenario: Scenario) -> Found:
    """Run the command that has to put things right; say what the sandbox is afterwards."""
    ran = clone.slipway(*scenario.then)
    down = scenario.then == ("sandbox", "down")
    return crashes.check_gone(clone, ran) if down else crashes.check(clone, ran)


def _measure(clone: Clone) -> tuple[int, int, float]:
    """Resources and Kubernetes objects that an undisturbed `up` makes, and its seconds."""
    began = time.monotonic()
    output = clone.slipway("sandbox", "up", "--no-serve").ok()
    seconds = time.monotonic() - began
    lines = output.splitlines()
    found = crashes.check(clone, Ran(0, output))
    assert str(found) == "converged", found
    kinds = (crashes.CREATING, crashes.KUBERNETES_CREATING)
    creates, objects = (sum(bool(re.search(kind, line)) for line in lines) for kind in kinds)
    return creates, objects, seconds


def main() -> int:
    """Plays all scenarios; 0 when every one converged."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--only", default="", help="only scenarios whose name matches this expression")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--folder", type=Path, help="where the clone is made (default: a temporary folder)")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    clone, rows = new_clone(folder / "clone"), list[Row]()
    try:
        creates, objects, undisturbed = _measure(clone)
        crashes.wipe(clone)
        drawn = scenarios(random.Random(options.seed), creates, objects)  # noqa: S311 (reproducible, not secret)
        played = [scenario for scenario in drawn if re.search(options.only, scenario.name)]
        _say(
            f"seed {options.seed}; {creates} resources, {objects} of them in the cluster; an undisturbed up takes "
            f"{undisturbed:.1f} s; {len(played)} scenarios"
        )
        for scenario in played:
            rows.append(run(clone, scenario))
            _say(_line(rows[-1]))
            crashes.wipe(clone)
            if options.json:
                figures = {
                    "seed": options.seed,
                    "undisturbed": undisturbed,
                    "rows": [asdict(r) for r in rows],
                }
                options.json.write_text(json.dumps(figures, indent=1) + "\n")
    finally:
        clone.sandbox.stop()
        if not options.folder:
            shutil.rmtree(folder, ignore_errors=True)
    good = [row for row in rows if row.ok]
    times = sorted(row.seconds for row in good)
    middle = times[len(times) // 2] if times else 0.0
    helped = [row for row in good if row.by_hand]
    _say(
        f"\n{len(good)} of {len(rows)} converged, {len(good) - len(helped)} of them by themselves; median "
        f"{middle:.1f} s, longest {max(times, default=0):.1f} s"
    )
    for row in helped:
        _say(f"a person deleted what no state knew, after {row.name}: {', '.join(row.by_hand)}")
    return 0 if len(good) == len(rows) else 1


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _line(row: Row) -> str:
    hand = f", {len(row.by_hand)} deleted by hand" if row.by_hand else ""
    return f"{row.name:44} {row.seconds:6.1f} s  {row.outcome}{hand}   [killed at: {row.at}; exit {row.code}]"


if __name__ == "__main__":
    sys.exit(main())
