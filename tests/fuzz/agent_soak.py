"""An agent that serves, and thousands of broken inputs of all kinds: whatever it reads, it turns and serves on."""

import collections
import contextlib
import json
import logging
import random
import resource
import socket
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from tests.fuzz import agent_cases as cases
from tests.unit.workloads.agent import surroundings
from tests.unit.workloads.agent.bench import archive
from tests.unit.workloads.agent.samples import MODEL
from tests.unit.workloads.agent.surroundings import Neighbours
from tests.unit.workloads.artifacts.artifacts_on_disk import Bucket, manifest
from workloads.agent import Archive, Configuration, Version, api, configuration_json
from workloads.agent.contents import look_inside
from workloads.agent.disk import Disk
from workloads.agent.document import MountedFile, WatchedDocument
from workloads.agent.events import NoEvents
from workloads.agent.executor import Executor
from workloads.agent.kubernetes import ConfigMapWatch, KubernetesApi
from workloads.agent.limits import LONGEST_CONFIGURATION
from workloads.agent.loop import Agent
from workloads.agent.torchserve import TorchServeApi
from workloads.artifacts.folders import delete, own_folder
from workloads.artifacts.manifest import read_manifest
from workloads.artifacts.port import ContentError

LIMIT_SECONDS: Final = 5.0
"""For one case with all that follows from it."""
GOOD: Final = archive("1")
DIGEST: Final = f"sha256:{sha256(GOOD).hexdigest()}"
TEXT: Final = configuration_json(
    Configuration({MODEL: {"1": Version(Archive(DIGEST, "1.mar"), default=True)}})
)
THIN: Final = archive("1", f"sha256:{'ab' * 32}", "weights/config.json")
MANIFEST: Final = manifest({"a/b.txt": b"1", "é": b"22", "config.json": b"{}"})
PLACES: Final = (
    "agent.json", "agent.json.part", "configuration.last.json", "store/weights", "store/versions",
    f"store/versions/{MODEL}",
    f"store/versions/{MODEL}/1.json", f"store/{DIGEST.replace(':', '-')}.mar", "store/x.part", "store/weights/x.gone",
    f"store/weights/sha256-{'cd' * 32}", f"store/weights/sha256-{'cd' * 32}.part",
)  # fmt: skip
_WATCHED: Final = {"metadata": {"resourceVersion": "7"}, "data": {"models.json": TEXT}}
_LISTED: Final = json.dumps({"metadata": {"resourceVersion": "8"}, "items": [_WATCHED]}).encode()
_EVENT: Final = json.dumps({"type": "MODIFIED", "object": _WATCHED}).encode()
_MAPS: Final = "/api/v1/namespaces/serving/configmaps"


@dataclass
class Site:
    """The agent, what is around it, and its own server."""

    folder: Path
    neighbours: Neighbours
    agent: Agent = field(init=False)
    port: int = 0

    def begin(self) -> None:
        """Start an agent on what lies there, which is what a restart does."""
        address = f"127.0.0.1:{self.neighbours.port}"
        disk = Disk.at(self.folder / "store", Bucket({"1.mar": GOOD}))
        executor = Executor(disk, TorchServeApi(management=address, inference=address))
        self.agent = Agent(
            MountedFile(self.folder / "models.json"), executor, self.folder / "agent.json", NoEvents(),
            longest_retry=0.05,
        )  # fmt: skip

    def restore(self) -> str:
        """Put everything back, and turn until it serves. Returns what is to complain of."""
        self.neighbours.instead.clear()
        (self.folder / "models.json").write_text(TEXT)
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:
            self.agent.take_a_turn()
            if self.agent.counters.errors:
                return f"parts of turns raised: {dict(self.agent.counters.errors)}"
            shown = json.loads(api.versions(self.agent)[2])
            if api.ready(self.agent)[0] == 200 and shown["models"][MODEL]["versions"]["1"]["servable"]:
                return ""
            self.agent.wait(0.02)
        return f"it does not serve again: {api.versions(self.agent)[2]}"


def _configuration(site: Site, chance: random.Random) -> bool:
    (site.folder / "models.json").write_bytes(cases.changed_document(TEXT.encode(), chance))
    site.agent.take_a_turn()
    api.metrics(site.agent)
    return site.agent.turn is not None and site.agent.turn.document_error is not None


def _manifest(site: Site, chance: random.Random) -> bool:  # noqa: ARG001 - of all kinds alike
    content = cases.changed_document(MANIFEST.to_bytes(), chance)
    size = chance.choice((1, 100, 10**6))
    try:
        read_manifest([content[at : at + size] for at in range(0, len(content), size)], MANIFEST.digest, "m")
    except ContentError:
        return True
    return False


def _archive(site: Site, chance: random.Random) -> bool:
    path = site.folder / "x.mar"
    path.write_bytes(cases.changed_archive(chance.choice((GOOD, THIN)), chance))
    try:
        look_inside(path)
    except ContentError:
        return True
    return False


def _journal(site: Site, chance: random.Random) -> bool:
    name = chance.choice(("agent.json", "configuration.last.json"))
    path = site.folder / name
    sound = (
        path.is_file() and path.stat().st_size < LONGEST_CONFIGURATION
    )  # an earlier case may have been there
    good = path.read_bytes() if sound else b"{}"
    delete(path)
    path.write_bytes(cases.changed_document(good, chance))
    site.begin()
    site.agent.take_a_turn()
    return not site.agent._memory.last_default


def _answer(site: Site, chance: random.Random) -> bool:
    path = chance.choice(("/models", f"/models/{MODEL}", f"/models/{MODEL}/all"))
    good = site.neighbours.answer("GET", path)[1]
    content = cases.changed_document(good, chance)
    site.neighbours.instead[path] = lambda: iter([content])
    site.agent.take_a_turn()
    return api.ready(site.agent)[0] == 503


def _folder(site: Site, chance: random.Random) -> bool:
    path = site.folder / chance.choice(PLACES)
    for parent in reversed(path.relative_to(site.folder).parents):
        own_folder(site.folder / parent)
    delete(path)
    cases.IN_A_PLACE[chance.choice(sorted(cases.IN_A_PLACE))](path, chance)
    if chance.randrange(2):
        site.begin()
    site.agent.take_a_turn()
    return False


def _request(site: Site, chance: random.Random) -> bool:
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", site.port), timeout=10) as client,
    ):
        client.sendall(cases.changed_request(chance))
        client.shutdown(socket.SHUT_WR)
        answered = client.recv(20)
        return not answered.startswith(b"HTTP/1.0 200")
    return True


def _watch(site: Site, chance: random.Random) -> bool:
    """One list and one watch; the watch's own pauses end it."""
    (site.folder / "token").write_text("x")
    pieces = [_LISTED, _EVENT + b"\n"]
    broken = chance.randrange(2)
    pieces[broken] = cases.changed_document(pieces[broken], chance)
    given = iter(pieces)
    site.neighbours.instead[_MAPS] = lambda: iter([next(given, b"")])
    document = WatchedDocument(MountedFile(site.folder / "models.json"))
    stop = _Once()
    account = KubernetesApi(f"http://127.0.0.1:{site.neighbours.port}", site.folder)
    ConfigMapWatch(account, "serving", "models", "models.json", document, changed=lambda: None).run(stop)
    text = document.text()
    if text is not None and text != TEXT:
        (site.folder / "models.json").write_text(text, encoding="utf-8", errors="surrogatepass")
        site.agent.take_a_turn()
    return not document._watching


class _Once(threading.Event):
    def wait(self, timeout: float | None = None) -> bool:
        """Stop instead of waiting."""
        assert timeout is not None
        self.set()
        return True


KINDS: Final[Mapping[str, Callable[[Site, random.Random], bool]]] = {
    "answer": _answer, "archive": _archive, "configuration": _configuration, "folder": _folder, "journal": _journal,
    "manifest": _manifest, "request": _request, "watch": _watch,
}  # fmt: skip
"""Kind → what does a case and says whether it was refused."""


@dataclass
class Soak:
    """What was tried, and what came of it."""

    tried: collections.Counter[str] = field(default_factory=collections.Counter)
    refused: collections.Counter[str] = field(default_factory=collections.Counter)
    complaints: list[str] = field(default_factory=list)
    slowest: float = 0.0
    seconds: float = 0.0

    def __str__(self) -> str:
        kinds = ", ".join(
            f"{kind} {self.tried[kind]} ({self.refused[kind]} refused)" for kind in sorted(self.tried)
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        return (
            f"{sum(self.tried.values())} inputs in {self.seconds:.0f} s, {len(self.complaints)} failures; {kinds}; "
            f"slowest {self.slowest:.2f} s (limit {LIMIT_SECONDS:g} s); {peak} MiB resident at most"
        )


@contextmanager
def _site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="slipway-soak-") as folder, Neighbours() as neighbours:
        surroundings.VERSIONS[DIGEST[len("sha256:") :]] = "1"
        site = Site(Path(folder), neighbours)
        site.begin()
        complaint = site.restore()
        assert not complaint, complaint
        server = api.serve(_Current(site), "127.0.0.1", 0)  # type: ignore[arg-type] # the agent, as it is now
        site.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _Current:
    """The site's agent, also after a restart."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def __getattr__(self, name: str) -> object:
        return getattr(self._site.agent, name)


def soak(
    count: int,
    seed: int,
    say: Callable[[str], None] = lambda _: None,
    kinds: Sequence[str] = tuple(sorted(KINDS)),
) -> Soak:
    """Try so many inputs, of the kinds in turn. Equal seeds give equal inputs."""
    found, began = Soak(), time.monotonic()
    logging.disable()
    try:
        with _site() as site:
            for number in range(count):
                kind = kinds[number % len(kinds)]
                _try(site, kind, seed + number, found)
                if (number + 1) % 1000 == 0:
                    found.seconds = time.monotonic() - began
                    say(str(found))
    finally:
        logging.disable(logging.NOTSET)
    found.seconds = time.monotonic() - began
    return found


def _try(site: Site, kind: str, seed: int, found: Soak) -> None:
    started = time.monotonic()
    found.tried[kind] += 1
    try:
        found.refused[kind] += KINDS[kind](site, cases.chance_of(seed))
        complaint = site.restore()
    except Exception as error:  # noqa: BLE001 - any exception is the finding
        complaint = "".join(traceback.format_exception(error)[-4:])
    took = time.monotonic() - started
    found.slowest = max(found.slowest, took)
    if not complaint and took > LIMIT_SECONDS:
        complaint = f"took {took:.1f} s"
    if complaint:
        found.complaints.append(f"{kind} --agent --seed {seed} --kind {kind} --cases 1: {complaint}")
        for left in site.folder.iterdir():
            delete(left)
        site.begin()
        site.restore()
