"""A version that is broken, in whichever way, harms nobody, says why in one place, and recovers once mended."""

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.serving.runtime import TorchServeRuntime
from tests.e2e import archives
from tests.e2e.load import Load, figures
from tests.e2e.s3 import Bucket
from tests.e2e.servers import get
from tests.e2e.site import Site
from tests.e2e.waiting import until
from workloads.agent import Archive

BROKEN = {
    "corrupt": ("register", "the archive is corrupt: File is not a zip file"),
    "missing": ("fetch", "missing-2.mar does not exist"),
    "on_load": ("load", "no vocabulary"),
    "on_smoke": ("smoke", "ValueError: no such token"),
    "wrong_digest": ("fetch", "wrong_digest-2.mar has the digest sha256:"),
}
"""Model → where its second version fails, and what /versions says."""


def test_five_ways_to_be_broken_harm_nobody_and_recover_once_mended(
    runtime: TorchServeRuntime, capsys: pytest.CaptureFixture[str]
) -> None:
    with Site(runtime) as site:
        held = {model: {"1": site.publish(model, "1")} for model in BROKEN}
        site.configure(held, dict.fromkeys(BROKEN, "1"))
        site.until_serving(**dict.fromkeys(BROKEN, "1"))
        whole = {model: archives.build(model, "2", code="mended") for model in BROKEN}

        with Load(site.torchserve.inference, BROKEN) as load:
            second = {
                "corrupt": archives.publish(site.source, "corrupt-2.mar", b"no archive at all"),
                "missing": archives.describe("missing-2.mar", whole["missing"]),
                "on_load": site.publish("on_load", "2", on_load="raise RuntimeError('no vocabulary')"),
                "on_smoke": site.publish("on_smoke", "2", on_request="raise ValueError('no such token')"),
                "wrong_digest": archives.describe("wrong_digest-2.mar", whole["wrong_digest"]),
            }
            (site.source / "wrong_digest-2.mar").write_bytes(b"other bytes")
            both = {model: {**held[model], "2": second[model]} for model in BROKEN}
            site.configure(both, dict.fromkeys(BROKEN, "2"))
            for model, (stage, reason) in BROKEN.items():
                shown = site.until_state(model, "2", "failed")
                assert shown["stage"] == stage
                assert reason in shown["reason"]
                assert site.agent.serving(model) == "1"
                assert (
                    f'slipway_agent_failures_total{{model="{model}",stage="{stage}",version="2"}}'
                    in metrics(site)
                )
            assert site.agent.ready()
            load.more()
            assert {answer.version for answer in load.answers} == {"1"}

            for model in ("missing", "wrong_digest"):
                (site.source / f"{model}-2.mar").write_bytes(whole[model])
            for model in ("corrupt", "on_load", "on_smoke"):
                both[model]["2"] = archives.publish(site.source, f"{model}-2-mended.mar", whole[model])
            site.configure(both, dict.fromkeys(BROKEN, "2"))
            site.until_serving(**dict.fromkeys(BROKEN, "2"))
            load.more()
            with capsys.disabled():
                print("\n" + figures("five broken versions", load.answers))
            assert load.failures() == []
        assert 'slipway_agent_version_servable{digest="' in metrics(site)


def test_a_full_disk_is_named_and_the_version_comes_once_there_is_room(
    runtime: TorchServeRuntime, small_disk: Path
) -> None:
    with Site(runtime, store=small_disk) as site:
        first = site.publish("fr", "1")
        site.configure({"fr": {"1": first}}, {"fr": "1"})
        site.until_serving(fr="1")
        with Load(site.torchserve.inference, ["fr"]) as load:
            second = site.publish("fr", "2", padding=4 << 20)
            site.configure({"fr": {"1": first, "2": second}}, {"fr": "2"})
            shown = site.until_state("fr", "2", "failed")
            assert shown["stage"] == "disk"
            assert f"{small_disk} is full" in shown["reason"]
            assert [file.stem for file in small_disk.glob("*.mar")] == [first.digest.replace(":", "-")]
            assert site.agent.ready()
            load.more()
            subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
            site.until_serving(fr="2")
            assert load.failures() == []


def test_a_source_that_answers_503_or_stalls_delays_only_the_version_it_holds_back(
    runtime: TorchServeRuntime,
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

        def put(model: str, version: str) -> Archive:
            name, content = f"{model}-{version}.mar", archives.build(model, version)
            bucket.objects[name] = content
            return archives.describe(name, content)

        models = ("quick", "refused", "stalled")
        held = {model: {"1": put(model, "1")} for model in models}
        site.configure(held, dict.fromkeys(models, "1"))
        site.until_serving(**dict.fromkeys(models, "1"))
        with Load(site.torchserve.inference, models) as load:
            bucket.refusing.add("refused-2.mar")
            bucket.halting.add("stalled-2.mar")
            both = {model: {**held[model], "2": put(model, "2")} for model in models}
            site.configure(both, dict.fromkeys(models, "2"))
            site.until_serving(quick="2")
            assert "SlowDown" in site.until_state("refused", "2", "failed")["reason"]
            until(lambda: "stalled-2.mar" in bucket.asked, "the agent asks for the stalled archive")
            assert site.agent.shown("stalled", "2")["state"] == "waiting"
            assert (site.agent.serving("refused"), site.agent.serving("stalled")) == ("1", "1")
            assert site.agent.ready()
            bucket.refusing.clear()
            bucket.go_on.set()
            site.until_serving(refused="2", stalled="2")
            assert load.failures() == []


def metrics(site: Site) -> str:
    return get(site.agent.port, "/metrics")[1].decode()
