"""No archive that could harm TorchServe or say two things reaches it, and what it serves goes on."""

import hashlib
import io
import json
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from artifacts import RefusedError
from artifacts.archives import read_archive
from tests.support.hostile_archives import HOSTILE, MANIFEST, MODEL, bomb_that_says_it_is_small, packed
from tests.unit.workloads.agent.bench import GOOD, KEY, Source
from tests.unit.workloads.agent.test_agent import Empty, turn_until
from workloads.agent import Archive, Configuration, Version, api, configuration_json
from workloads.agent.archive_rules import ArchiveRuleError, check_archive
from workloads.agent.contents import look_inside
from workloads.agent.disk import Disk
from workloads.agent.document import MountedFile
from workloads.agent.events import NoEvents
from workloads.agent.executor import Executor
from workloads.agent.loop import Agent
from workloads.artifacts.port import ContentError


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_by_the_same_rule_by_inspect_and_by_the_agent(
    tmp_path: Path, name: str
) -> None:
    make, rule = HOSTILE[name]
    path = tmp_path / "x.mar"
    path.write_bytes(make())
    with pytest.raises(RefusedError, match=f": {rule}: it .*Fix: "):
        read_archive(path)
    with pytest.raises(ContentError, match=f"the archive is refused: {rule}: it "):
        look_inside(path)


@pytest.mark.parametrize("name", HOSTILE)
def test_the_agent_refuses_a_hostile_archive_and_goes_on_serving_what_it_has(
    tmp_path: Path, name: str
) -> None:
    make, rule = HOSTILE[name]
    content = make()
    source, torchserve, file = Source(), Empty(), tmp_path / "models.json"
    source.held["2.mar"] = content
    executor = Executor(Disk.at(tmp_path / "store", source), torchserve)
    agent = Agent(MountedFile(file), executor, tmp_path / "agent.json", NoEvents())
    serving = {KEY.version: Version(Archive(digest=KEY.digest, location="1.mar"), default=True)}
    file.write_text(configuration_json(Configuration({KEY.model: serving})))
    turn_until(agent, '"state": "servable"')
    hostile = Archive(digest=f"sha256:{hashlib.sha256(content).hexdigest()}", location="2.mar")
    file.write_text(configuration_json(Configuration({KEY.model: {**serving, "2": Version(hostile)}})))
    turn_until(agent, rule)
    shown = json.loads(api.versions(agent)[2])["models"][KEY.model]["versions"]
    assert shown["1"]["state"] == "servable"
    assert not shown["2"]["servable"]
    assert [asked for asked in torchserve.asked if asked.startswith("register")] == ["register 1 1"]


def streamed() -> bytes:
    """As a packer writes that cannot go back: sizes come behind each file."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.held = b""

        def writable(self) -> bool:
            return True

        def write(self, content: bytes) -> int:  # type: ignore[override]
            self.held += bytes(content)
            return len(content)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, json.dumps({"model": MODEL}))
        archive.writestr("handler.py", "pass")
    return pipe.held


def with_wide_sizes() -> bytes:
    held = io.BytesIO(packed())
    with zipfile.ZipFile(held, "a") as archive, archive.open("w.bin", "w", force_zip64=True) as file:
        file.write(b"weights")
    return held.getvalue()


@pytest.mark.parametrize(
    "archive",
    [
        GOOD,
        packed(compress=zipfile.ZIP_DEFLATED),
        packed(("MAR-INF/", b""), ("weights/", b""), ("weights/a.bin", b"1")),
        packed(("données/modèle.bin", b"1"), ("100% (a+b)#c?&d=e.txt", b"2")),
        packed(("empty.txt", b""), compress=zipfile.ZIP_DEFLATED),
        packed(model={"handler": "text_classifier", "serializedFile": "model.pt"}),
        streamed(),
        with_wide_sizes(),
    ],
    ids=["stored", "deflated", "folders", "letters", "empty", "torchserve's handler", "streamed", "wide"],
)
def test_an_archive_as_packers_write_it_is_taken(archive: bytes) -> None:
    assert MANIFEST in check_archive(io.BytesIO(archive)).names


def test_a_bomb_that_lies_about_its_size_takes_no_memory() -> None:
    archive = io.BytesIO(bomb_that_says_it_is_small())
    tracemalloc.start()
    try:
        with pytest.raises(ArchiveRuleError, match="archive-size"):
            check_archive(archive)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("cut", range(0, len(GOOD), 7))
def test_an_archive_cut_off_anywhere_is_refused(cut: int) -> None:
    with pytest.raises(ArchiveRuleError):
        check_archive(io.BytesIO(GOOD[:cut]))
