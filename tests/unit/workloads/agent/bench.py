"""The executor on a real disk, with a TorchServe and a source in memory."""

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from tests.unit.workloads.agent.samples import MODEL, model, registered, spec
from tests.unit.workloads.artifacts.artifacts_on_disk import objects
from workloads.agent.configuration import Key, Smoke, Version, Weights
from workloads.agent.disk import Disk
from workloads.agent.executor import Executor
from workloads.agent.state import Failure, ObservedModel
from workloads.agent.steps import Fetch, FetchWeights, Step


def archive(version: str, weights: str | None = None, *more: str, model: str = MODEL) -> bytes:
    """The bytes are the same whenever it is called: digests of them are in names of tests."""
    manifest = {"model": {"modelName": model, "modelVersion": version}}
    files = {"MAR-INF/MANIFEST.json": json.dumps(manifest)}
    if weights is not None:
        files["slipway.json"] = json.dumps({"format": 1, "weights": weights})
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as packed:
        for name, text in {**files, **dict.fromkeys(more, "")}.items():
            packed.writestr(zipfile.ZipInfo(name), text)
    return held.getvalue()


GOOD, NAMED_OTHERWISE = archive("1"), archive("7")


def key_of(content: bytes) -> Key:
    return Key(MODEL, "1", f"sha256:{sha256(content).hexdigest()}")


KEY, SPEC = key_of(GOOD), spec("1")


@dataclass
class FakeTorchServe:
    """Says what it was asked; raises what it is told to."""

    fails: dict[str, Exception] = field(default_factory=dict)
    ready_after: int = 0
    lost: bool = False
    asked: list[str] = field(default_factory=list)

    def describe(self) -> dict[str, ObservedModel]:
        self._note("describe")
        self.ready_after -= 1
        return {} if self.lost else {MODEL: model("1", registered(KEY, ready=int(self.ready_after < 0)))}

    def register(self, key: Key, spec: Version) -> None:
        self._note(f"register {key.version} {spec.batch_size}")

    def scale(self, key: Key, minimum: int, maximum: int, timeout: timedelta) -> None:
        assert timeout
        self._note(f"scale {key.version} {minimum} {maximum}")

    def set_default(self, key: Key) -> None:
        self._note(f"default {key.version}")

    def unregister(self, key: Key) -> None:
        self._note(f"unregister {key.version}")

    def predict(self, key: Key, smoke: Smoke, timeout: timedelta) -> None:
        assert timeout
        self._note(f"predict {key.version} {smoke.body}")

    def _note(self, what: str) -> None:
        self.asked.append(what)
        if what.split()[0] in self.fails:
            raise self.fails[what.split()[0]]


class Source:
    def __init__(self) -> None:
        self.held: dict[str, bytes | Exception] = {"1.mar": GOOD}
        self.gate: threading.Event | None = None
        """Weights wait for it after each piece."""

    def read(self, location: str, start: int = 0) -> Iterator[bytes]:
        content = self.held[location]
        if isinstance(content, Exception):
            raise content
        yield content[start:]
        if self.gate is not None and "/files/" in location:
            assert self.gate.wait(20)


@dataclass
class Bench:
    executor: Executor
    torchserve: FakeTorchServe
    source: Source
    log: Path
    seconds: list[float]

    def run(self, step: Step) -> Failure | None:
        return self.executor.run(step).failure

    def failing(self, step: Step) -> Failure:
        failure = self.run(step)
        assert failure is not None
        return failure


def make_bench(folder: Path) -> Bench:
    torchserve, source, log, seconds = FakeTorchServe(), Source(), folder / "model_log.log", [0.0]
    executor = Executor(
        Disk.at(folder / "store", source),
        torchserve,
        log,
        clock=lambda: seconds[0],
        pause=lambda pause: seconds.__setitem__(0, seconds[0] + pause),
    )
    return Bench(executor, torchserve, source, log, seconds)


FILES = {"config.json": b"{}", "weights.bin": b"w" * 1000}
WEIGHTS, OBJECTS = objects(FILES)
THIN = archive("1", WEIGHTS.digest)
THIN_KEY = key_of(THIN)
WITH_WEIGHTS = replace(SPEC, weights=WEIGHTS, gpu_memory_fraction=0.5)


def fetched(bench: Bench, content: bytes, weights: Weights | None = WEIGHTS) -> Key:
    bench.source.held.update({"1.mar": content, **OBJECTS})
    assert bench.run(Fetch(key_of(content), "1.mar")) is None
    if weights is not None:
        assert bench.run(FetchWeights(key_of(content), weights)) is None
    return key_of(content)
