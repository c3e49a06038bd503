"""docs/agent.md's promises in their short form, against the real TorchServe: no request is lost at a switch, at a kill
of the agent, at a source that stalls. The rest of the tier tries more models, phases and faults."""

import sys
import time
from pathlib import Path

import pytest

from sandbox.serving.runtime import TorchServeRuntime
from tests.e2e import archives
from tests.e2e.load import Load, figures
from tests.e2e.s3 import Bucket
from tests.e2e.site import Site
from tests.e2e.test_kills import MODEL, Switches
from tests.e2e.test_switching import Change, wrong
from tests.e2e.waiting import until
from workloads.agent import Archive


def test_no_request_is_lost_when_a_version_takes_over_is_rolled_back_and_leaves(
    runtime: TorchServeRuntime, capsys: pytest.CaptureFixture[str]
) -> None:
    with Site(runtime) as site:
        changes: list[Change] = []
        held = {"1": site.publish(MODEL, "1")}
        site.configure({MODEL: held}, {MODEL: "1"})
        site.until_serving(fr="1")

        def change(name: str, before: str, after: str) -> None:
            wrote = time.monotonic()
            site.configure({MODEL: held}, {MODEL: after})
            site.until_serving(fr=after)
            changes.append(Change(name, wrote, time.monotonic(), before, after))
            load.more(20)

        with Load(site.torchserve.inference, [MODEL]) as load:
            load.more(20)
            held["2"] = site.publish(MODEL, "2", code="b")
            change("new version", "1", "2")
            change("rollback", "2", "1")
            del held["2"]
            site.configure({MODEL: held}, {MODEL: "1"})
            site.until_only(MODEL, "1")
            load.more(20)
        with capsys.disabled():
            print(f"\n{figures('a switch, its rollback, the end of the version', load.answers)}")
        assert load.failures() == []
        assert wrong(load.answers, changes, MODEL) == []


def test_no_request_is_lost_when_the_agent_is_killed_amid_a_switch_and_the_switch_is_finished(
    runtime: TorchServeRuntime, capsys: pytest.CaptureFixture[str]
) -> None:
    phases = ("Load", "SetDefault", "Unregister")
    with Site(runtime) as site:
        switches = Switches(site)
        with Load(site.torchserve.inference, [MODEL]) as load:
            for phase in phases:
                switches.begin()
                switches.until_phase(phase)
                switches.kill(f"agent at {phase}", site.agent.kill)
                switches.end()
            load.more(10)
        with capsys.disabled():
            print(f"\n{figures(f'agent killed at {phases}', load.answers)}")
        assert site.agent.starts == 1 + len(phases)
        assert load.failures() == []
        assert load.answers[-1].version == switches.version


def test_no_request_is_lost_while_the_source_stalls_and_the_version_comes_once_it_goes_on(
    runtime: TorchServeRuntime, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        Bucket() as bucket,
        Site(
            runtime,
            source=f"s3://{bucket.name}",
            python=Path(sys.executable),
            environment=bucket.environment,
        ) as site,
    ):

        def put(version: str) -> Archive:
            name, content = f"{MODEL}-{version}.mar", archives.build(MODEL, version)
            bucket.objects[name] = content
            return archives.describe(name, content)

        held = {"1": put("1")}
        site.configure({MODEL: held}, {MODEL: "1"})
        site.until_serving(fr="1")
        with Load(site.torchserve.inference, [MODEL]) as load:
            bucket.halting.add(f"{MODEL}-2.mar")
            site.configure({MODEL: {**held, "2": put("2")}}, {MODEL: "2"})
            until(lambda: f"{MODEL}-2.mar" in bucket.asked, "the agent asks for the archive")
            load.more(20)
            assert site.agent.shown(MODEL, "2")["state"] == "waiting"
            assert site.agent.ready()
            assert {answer.version for answer in load.answers} == {"1"}
            bucket.go_on.set()
            site.until_serving(fr="2")
            load.more(10)
        with capsys.disabled():
            print(f"\n{figures('the source stalls', load.answers)}")
        assert load.failures() == []
