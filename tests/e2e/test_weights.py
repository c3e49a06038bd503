"""Thin archives and weights by digest: what a change costs, what broken weights do, and what a kill leaves."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from sandbox.serving.runtime import TorchServeRuntime
from tests.e2e import archives
from tests.e2e.archives import Thin
from tests.e2e.load import Load, figures
from tests.e2e.s3 import Bucket
from tests.e2e.site import Site
from tests.e2e.test_broken_versions import metrics
from tests.e2e.waiting import until
from workloads.agent import Weights

MEGABYTE = 1 << 20
MODEL = "fr"


class Shelf:
    """A bucket's archives and artifacts."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket

    def weights(self, seed: str, size: int = 4096) -> Weights:
        found, objects = archives.artifact(archives.weights_files(seed, size))
        self.bucket.objects.update(objects)
        return found

    def thin(self, model: str, version: str, weights: Weights, *, code: str = "a") -> Thin:
        content = archives.build_thin(model, version, weights, code=code)
        described = archives.describe(f"archives/{model}-{version}-{code}.mar", content)
        self.bucket.objects[described.location] = content
        return Thin(described, weights)

    def key(self, weights: Weights, name: str) -> str:
        return f"{weights.location}/files/{name}"

    def sent_since(self, mark: int) -> dict[str, int]:
        """Key → bytes, of all that was given out since so many answers."""
        found: dict[str, int] = {}
        for key, size in self.bucket.sent[mark:]:
            found[key] = found.get(key, 0) + size
        return found


@contextmanager
def pod(runtime: TorchServeRuntime, store: Path | None = None) -> Iterator[tuple[Site, Shelf]]:
    with Bucket() as bucket:
        site = Site(
            runtime,
            store=store,
            source=f"s3://{bucket.name}",
            python=Path(sys.executable),
            environment=bucket.environment,
        )
        with site:
            yield site, Shelf(bucket)


def weights_on_disk(site: Site) -> set[str]:
    return {path.name for path in (site.store / "weights").iterdir()}


def folder(weights: Weights) -> str:
    return weights.digest.replace(":", "-")


def test_a_handler_only_patch_fetches_kilobytes_and_no_weights_and_nothing_fails(
    runtime: TorchServeRuntime, capsys: pytest.CaptureFixture[str]
) -> None:
    with pod(runtime) as (site, shelf):
        first, second = shelf.weights("one", 32 * MEGABYTE), shelf.weights("two", 32 * MEGABYTE)
        held = {"1": shelf.thin(MODEL, "1", first)}
        site.configure({MODEL: held}, {MODEL: "1"})
        site.until_serving(fr="1")
        spans: list[tuple[str, float, int]] = []

        def change(name: str, default: str) -> dict[str, int]:
            mark = len(shelf.bucket.sent)
            began, answered = time.monotonic(), len(load.answers)
            site.configure({MODEL: held}, {MODEL: default})
            site.until_serving(fr=default)
            took = time.monotonic() - began
            sent = shelf.sent_since(mark)
            load.more()
            lines.append(figures(f"{name}", load.answers[answered:]))
            spans.append((name, took, sum(sent.values())))
            return sent

        lines: list[str] = []
        with Load(site.torchserve.inference, [MODEL]) as load:
            load.more()
            held["2"] = shelf.thin(MODEL, "2", second)
            new = change("new version", "2")
            assert sum(new.values()) > 32 * MEGABYTE
            assert change("rollback", "1") == {}
            held["1.1"] = patch = shelf.thin(MODEL, "1.1", first, code="patched")
            patched = change("handler-only patch", "1.1")
            assert list(patched) == [patch.archive.location]
            assert sum(patched.values()) < 10_000
            assert weights_on_disk(site) == {folder(first), folder(second)}
            held.pop("1")
            held.pop("2")
            change("old ones leave", "1.1")
            site.until_only(MODEL, "1.1")
            until(lambda: weights_on_disk(site) == {folder(first)}, "unused weights are deleted")
            load.more()
        with capsys.disabled():
            print("\n" + "\n".join([figures("thin: all", load.answers), *lines]))
            for name, took, size in spans:
                print(f"{name}: {took:.2f} s, {size:,} bytes asked of the bucket")
        assert load.failures() == []
        assert {answer.text.split("|")[2] for answer in load.answers} == {"a", "patched"}
        told = site.store / "versions" / MODEL
        assert sorted(path.name for path in told.iterdir()) == ["1.1.json"]
        assert json.loads((told / "1.1.json").read_text()) == {
            "format": 1,
            "gpuMemoryFraction": None,
            "weights": str(site.store / "weights" / folder(first)),
        }
        assert "slipway_agent_weights 1\n" in metrics(site)


BROKEN = {
    "missing": "NoSuchKey",
    "wrong_bytes": "and the SHA-256",
    "manifest": "manifest.json is altered",
    "refused": "SlowDown",
    "cut": "weights.bin",
}
"""Model → what /versions says of its second version."""


def test_broken_weights_harm_nobody_and_recover_by_themselves_once_mended(
    runtime: TorchServeRuntime, capsys: pytest.CaptureFixture[str]
) -> None:
    with pod(runtime) as (site, shelf):
        bucket, common = shelf.bucket, shelf.weights("common")
        models = (*BROKEN, "halted")
        held = {model: {"1": shelf.thin(model, "1", common)} for model in models}
        site.configure(held, dict.fromkeys(models, "1"))
        site.until_serving(**dict.fromkeys(models, "1"))
        assert sum(key.startswith(common.location) for key, _ in bucket.sent) == 7

        second = {model: shelf.weights(model, 8192) for model in models}
        largest = {model: shelf.key(second[model], archives.WEIGHTS) for model in models}
        whole = dict(bucket.objects)
        manifest = f"{second['manifest'].location}/manifest.json"
        del bucket.objects[largest["missing"]]
        bucket.objects[largest["wrong_bytes"]] = b"x" * 8192
        bucket.objects[manifest] = whole[manifest].replace(b'"size": 8192', b'"size": 8193')
        bucket.refusing.add(largest["refused"])
        bucket.cutting.add(largest["cut"])
        bucket.halting.add(largest["halted"])
        both = {model: {**held[model], "2": shelf.thin(model, "2", second[model])} for model in models}
        with Load(site.torchserve.inference, models, every=0.1) as load:
            site.configure(both, dict.fromkeys(models, "2"))
            for model, reason in BROKEN.items():
                shown = site.until_state(model, "2", "failed")
                assert shown["stage"] == "fetch"
                assert reason in shown["reason"]
                assert shown["weights"] == second[model].digest
                assert site.agent.serving(model) == "1"
            halted = until(
                lambda: (
                    found
                    if (found := site.agent.shown("halted", "2")["fetching"]) and found["of_bytes"]
                    else None
                ),
                "/versions names what is being fetched",
            )
            assert halted is not None
            assert (halted["what"], halted["digest"]) == ("weights", second["halted"].digest)
            assert 0 < halted["bytes"] < halted["of_bytes"]
            assert site.agent.ready()
            load.more(20)
            assert {answer.version for answer in load.answers} == {"1"}
            bucket.objects.update(whole)
            bucket.refusing.clear()
            bucket.cutting.clear()
            bucket.halting.clear()
            bucket.go_on.set()
            site.until_serving(**dict.fromkeys(models, "2"))
            load.more(20)
        with capsys.disabled():
            print("\n" + figures("six kinds of broken weights", load.answers))
        assert load.failures() == []


def test_a_full_disk_is_named_and_the_weights_come_once_there_is_room(
    runtime: TorchServeRuntime, small_disk: Path
) -> None:
    with pod(runtime, small_disk) as (site, shelf):
        held = {"1": shelf.thin(MODEL, "1", shelf.weights("one"))}
        site.configure({MODEL: held}, {MODEL: "1"})
        site.until_serving(fr="1")
        with Load(site.torchserve.inference, [MODEL]) as load:
            large = shelf.weights("two", 4 * MEGABYTE)
            held["2"] = shelf.thin(MODEL, "2", large)
            site.configure({MODEL: held}, {MODEL: "2"})
            shown = site.until_state(MODEL, "2", "failed")
            assert shown["stage"] == "disk"
            assert f"{small_disk}/weights is full: {large.location} takes" in shown["reason"]
            assert not any(key.startswith(shelf.key(large, "")) for key in shelf.bucket.asked)
            assert site.agent.ready()
            load.more()
            subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
            site.until_serving(fr="2")
        assert load.failures() == []


POINTS = {
    "manifest": "manifest.json",
    "the largest of six files": f"files/{archives.WEIGHTS}",
    "a small one": "files/part-2.bin",
    "the last one": "files/config.json",
}


def finished(site: Site, weights: Weights) -> list[str]:
    """Files of weights in the making that need no fetching again."""
    whole = site.store / "weights" / f"{folder(weights)}.part" / "whole"
    return [path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file()]


def has_finished(site: Site, weights: Weights, count: int) -> bool:
    return len(finished(site, weights)) == count


def test_killing_the_agent_amid_its_weights_loses_no_request_and_fetches_no_finished_file_again(
    runtime: TorchServeRuntime, capsys: pytest.CaptureFixture[str]
) -> None:
    with pod(runtime) as (site, shelf):
        bucket = shelf.bucket
        held = {"1": shelf.thin(MODEL, "1", shelf.weights("0"))}
        site.configure({MODEL: held}, {MODEL: "1"})
        site.until_serving(fr="1")
        lines: list[str] = []
        with Load(site.torchserve.inference, [MODEL]) as load:
            for number, (point, name) in enumerate(POINTS.items(), start=2):
                version, weights = str(number), shelf.weights(str(number), 8 * MEGABYTE)
                halted = f"{weights.location}/{name}"
                bucket.go_on.clear()
                bucket.halting = {halted}
                held = {version: shelf.thin(MODEL, version, weights)}
                site.configure({MODEL: held}, {MODEL: version})
                others = 0 if name == "manifest.json" else 5
                until(partial(bucket.asked.__contains__, halted), f"{halted} is asked for")
                until(partial(has_finished, site, weights, others), "the others are finished")
                kept = finished(site, weights)
                site.agent.kill()
                bucket.halting = set()
                bucket.go_on.set()
                site.until_serving(fr=version)
                again = [file for file in kept if bucket.asked.count(shelf.key(weights, file)) > 1]
                lines.append(
                    f"agent killed at {point:<26} {len(kept)} files kept, {len(again)} fetched again"
                )
                assert again == []
                assert bucket.asked.count(halted) == 2
                site.until_only(MODEL, version)
        with capsys.disabled():
            print("\n" + "\n".join([figures("kills amid weights", load.answers), *lines]))
        assert site.agent.starts == 1 + len(POINTS)
        assert load.failures() == []
