"""kill -9 of a worker, of Java, of the agent, in each phase of a switch: it converges, and only who was held loses."""

import os
import signal
import time
from collections.abc import Callable
from functools import partial

import pytest

from sandbox.serving.runtime import TorchServeRuntime
from tests.e2e.load import Answer, Load, figures
from tests.e2e.site import Site
from tests.e2e.waiting import until

PHASES = ("Fetch", "Register", "Load", "Warm", "SetDefault", "Unregister")
WORKERS = (
    ("Fetch", "old"),
    ("Load", "new"),
    ("Load", "old"),
    ("Warm", "new"),
    ("SetDefault", "new"),
    ("SetDefault", "old"),
    ("Unregister", "new"),
)
"""Phase, and whose worker is killed: the new version has none until it loads."""
MODEL = "fr"


class Switches:
    """Switches the model from version to version, and notes who was killed when."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.number = 1
        self.kills: list[tuple[str, float]] = []
        self.archive = site.publish(MODEL, "1")
        site.configure({MODEL: {"1": self.archive}}, {MODEL: "1"})
        site.until_serving(fr="1")

    @property
    def version(self) -> str:
        return str(self.number)

    def begin(self) -> None:
        """The next version takes the place of this one, which leaves the configuration."""
        self.number += 1
        self.archive = self.site.publish(MODEL, self.version)
        self.site.configure({MODEL: {self.version: self.archive}}, {MODEL: self.version})

    def until_phase(self, phase: str) -> None:
        """Waits for the step to begin: of the new version, or at last of the old one."""
        version = str(self.number - 1) if phase == "Unregister" else self.version
        until(lambda: self.site.agent.begins(phase, MODEL, version), f"{phase} of version {version} begins")

    def kill(self, what: str, how: Callable[[], None]) -> None:
        self.kills.append((f"{what}", time.monotonic()))
        how()

    def end(self) -> None:
        self.site.until_serving(fr=self.version)
        self.site.until_only(MODEL, self.version)
        until(self.site.agent.ready, "the pod is ready")

    def lost(self, load: Load) -> tuple[list[str], list[Answer]]:
        """A line for each kill, and the failures that no kill excuses: a request that began after one that began after
        the kill was answered."""
        counts = [0] * len(self.kills)
        unexcused = []
        for failure in load.failures():
            before = [number for number, (_, moment) in enumerate(self.kills) if moment <= failure.ended]
            if not before or recovered(load.answers, self.kills[before[-1]][1], failure):
                unexcused.append(failure)
            else:
                counts[before[-1]] += 1
        lines = [f"{what:<34} {count:>3} lost" for (what, _), count in zip(self.kills, counts, strict=True)]
        return lines, unexcused


def recovered(answers: list[Answer], killed: float, failure: Answer) -> bool:
    """Whether service was back between the kill and the failure."""
    return any(
        answer.status == 200 and answer.began > killed and answer.ended < failure.began for answer in answers
    )


def told(load: Load, switches: Switches, capsys: pytest.CaptureFixture[str]) -> list[Answer]:
    lines, unexcused = switches.lost(load)
    with capsys.disabled():
        print("", figures("in all", load.answers), *lines, sep="\n")
    return unexcused


def test_killing_the_agent_in_each_phase_of_a_switch_loses_no_request(
    runtime: TorchServeRuntime, capsys: pytest.CaptureFixture[str]
) -> None:
    with Site(runtime) as site:
        switches = Switches(site)
        with Load(site.torchserve.inference, [MODEL]) as load:
            for phase in PHASES:
                switches.begin()
                switches.until_phase(phase)
                switches.kill(f"agent at {phase}", site.agent.kill)
                switches.end()
        told(load, switches, capsys)
        assert site.agent.starts == 1 + len(PHASES)
        assert load.failures() == []


def test_killing_java_in_each_phase_of_a_switch_loses_only_what_it_held_until_it_serves_again(
    runtime: TorchServeRuntime, capsys: pytest.CaptureFixture[str]
) -> None:
    with Site(runtime) as site:
        switches = Switches(site)
        with Load(site.torchserve.inference, [MODEL]) as load:
            for phase in PHASES:
                switches.begin()
                switches.until_phase(phase)
                switches.kill(f"Java at {phase}", site.torchserve.kill)
                switches.end()
                load.more(10)
        assert told(load, switches, capsys) == []
        assert site.torchserve.starts == 1 + len(PHASES)
        assert load.failures() != []


def test_killing_a_worker_loses_only_what_it_was_answering(
    runtime: TorchServeRuntime, capsys: pytest.CaptureFixture[str]
) -> None:
    with Site(runtime) as site:
        switches = Switches(site)

        with Load(site.torchserve.inference, [MODEL]) as load:
            for phase, whose in WORKERS:
                switches.begin()
                switches.until_phase(phase)
                version = switches.version if whose == "new" else str(switches.number - 1)
                (pid,) = until(
                    partial(site.torchserve.worker_pids, MODEL, version), "the worker has a process"
                )
                switches.kill(f"worker of the {whose} one at {phase}", partial(os.kill, pid, signal.SIGKILL))
                switches.end()
                load.more(10)
        assert told(load, switches, capsys) == []
