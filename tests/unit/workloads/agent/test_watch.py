"""A watch on one ConfigMap, against a server that speaks as the Kubernetes API does."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.workloads.http_server import Answers, answering
from workloads.agent.document import MountedFile, WatchedDocument
from workloads.agent.events import Pod, PodEvents
from workloads.agent.kubernetes import STEADY, ConfigMapWatch, KubernetesApi

PATH = "/api/v1/namespaces/serving/configmaps"


def config_map(text: str, version: int) -> dict[str, Any]:
    return {"metadata": {"name": "models", "resourceVersion": str(version)}, "data": {"models.json": text}}


def listed(*items: dict[str, Any], version: int) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": str(version)}, "items": list(items)}


def events(*lines: tuple[str, dict[str, Any]]) -> bytes:
    return b"".join(json.dumps({"type": kind, "object": found}).encode() + b"\n" for kind, found in lines)


BOOKMARK = ("BOOKMARK", {"metadata": {"resourceVersion": "90"}})
GONE = ("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"})


@pytest.fixture(name="server")
def _server() -> Iterator[Answers]:
    with answering() as answers:
        yield answers


@pytest.fixture(name="account")
def _account(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("secret\n")
    return tmp_path


class Impatient(threading.Event):
    """Does not wait, and notes how long it should have; gives up after some waits."""

    def __init__(self, most: int = 50) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._most = most
        self._asked = 0

    def is_set(self) -> bool:
        self._asked += 1
        if self._asked > 500:
            self.set()  # it does not wait at all
        return super().is_set()

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0.0)
        if len(self.pauses) >= self._most:
            self.set()
        return self.is_set()


def follow(
    server: Answers,
    account: Path,
    document: WatchedDocument,
    enough: Callable[[], bool],
    *,
    most: int = 50,
    clock: Callable[[], float] = lambda: 0.0,
    chance: float = 1.0,
) -> list[float]:
    """Run the watch until it has told enough, and return the pauses that it made."""
    stop = Impatient(most)
    api = KubernetesApi(f"http://{server.address}", account)
    told = 0

    def changed() -> None:
        nonlocal told
        told += 1
        if enough():
            stop.set()

    watch = ConfigMapWatch(
        api, "serving", "models", "models.json", document,
        changed=changed, watch_seconds=1, clock=clock, chance=lambda: chance,
    )  # fmt: skip
    watch.run(stop)
    assert told, f"the watch told nothing; it made the pauses {stop.pauses}"
    return stop.pauses


def follow_until(server: Answers, account: Path, text: str, fallback: Path) -> WatchedDocument:
    """Run the watch until it has told the text."""
    document = WatchedDocument(MountedFile(fallback))
    follow(server, account, document, lambda: document.text() == text)
    assert document.text() == text
    return document


def never() -> bool:
    return False


def test_what_is_listed_and_what_changes_is_told(server: Answers, account: Path, tmp_path: Path) -> None:
    server.put("GET", PATH, listed(config_map("one", 7), version=8))
    server.put("GET", PATH, events(("MODIFIED", config_map("two", 9))))
    follow_until(server, account, "two", tmp_path / "none")
    first, second = server.asked[0], server.asked[1]
    assert "fieldSelector=metadata.name%3Dmodels" in first.path
    assert "watch=1" not in first.path
    assert "resourceVersion=8" in second.path
    assert "watch=1" in second.path
    assert second.headers["Authorization"] == "Bearer secret"


def test_a_watch_that_ends_goes_on_from_the_last_bookmark(
    server: Answers, account: Path, tmp_path: Path
) -> None:
    server.put("GET", PATH, listed(config_map("one", 7), version=8))
    server.put("GET", PATH, events(BOOKMARK))
    server.put("GET", PATH, events(("MODIFIED", config_map("two", 91))))
    follow_until(server, account, "two", tmp_path / "none")
    assert "resourceVersion=90" in server.asked[2].path


def test_a_token_that_the_kubelet_replaces_is_used_from_the_next_request_on(
    server: Answers, account: Path, tmp_path: Path
) -> None:
    server.put("GET", PATH, listed(config_map("one", 7), version=8))
    server.put("GET", PATH, {"message": "Unauthorized"}, 401)
    server.put("GET", PATH, listed(config_map("two", 9), version=9))

    document = WatchedDocument(MountedFile(tmp_path / "none"))

    def enough() -> bool:
        # as the kubelet does: the projected token's link is moved to a new folder
        (account / "..new").write_text("rotated\n")
        (account / "..new").replace(account / "token")
        return document.text() == "two"

    follow(server, account, document, enough)
    assert [asked.headers["Authorization"] for asked in server.asked[:3]] == [
        "Bearer secret", "Bearer rotated", "Bearer rotated"
    ]  # fmt: skip


@pytest.mark.parametrize("how", ["event", "status"])
def test_a_version_that_is_too_old_is_met_by_listing_again_and_the_watch_is_not_lost(
    server: Answers,
    account: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    how: str,
) -> None:
    """A lost watch would give way to the mounted file, which may be a minute older."""
    file = tmp_path / "models.json"
    file.write_text("a minute late")
    document = WatchedDocument(MountedFile(file))
    heard: list[str | None] = []
    original = server.take

    def take(method: str, path: str) -> tuple[int, bytes]:
        heard.append(document.text())
        file.write_text(f"still late, {len(heard)}")
        return original(method, path)

    server.take = take  # type: ignore[method-assign]
    server.put("GET", PATH, listed(config_map("one", 7), version=8))
    server.put("GET", PATH, *((events(GONE),) if how == "event" else ({"message": "gone"}, 410)))
    server.put("GET", PATH, listed(config_map("two", 200), version=201))
    follow(server, account, document, lambda: document.text() == "two")
    assert heard[1:] == ["one", "one"]
    assert "watch=1" not in server.asked[2].path
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"message": "forbidden"}, 403),
        ({"message": "etcd is away"}, 500),
        (events(("ERROR", {"kind": "Status", "code": 500, "message": "etcd is away"})), 200),
        (events(("ERROR", {"kind": "Status", "message": "without a code"})), 200),
        (b"nonsense", 200),
    ],
    ids=["403", "500", "an event with 500", "an event without a code", "nonsense"],
)
def test_a_watch_that_fails_otherwise_is_lost_and_gives_way_to_the_mounted_file(
    server: Answers,
    account: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    answer: Any,
    status: int,
) -> None:
    file = tmp_path / "models.json"
    document = WatchedDocument(MountedFile(file))
    heard: list[str | None] = []
    original = server.take

    def take(method: str, path: str) -> tuple[int, bytes]:
        file.write_text(f"mounted {len(heard)}")
        heard.append(document.text())
        return original(method, path)

    server.take = take  # type: ignore[method-assign]
    server.put("GET", PATH, listed(config_map("one", 7), version=8))
    server.put("GET", PATH, answer, status)
    server.put("GET", PATH, listed(config_map("two", 200), version=201))
    follow(server, account, document, lambda: document.text() == "two")
    assert heard == ["mounted 0", "one", "mounted 2"]
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert warning.getMessage() == "the watch on the ConfigMap is lost"


def test_watches_that_end_at_once_are_begun_again_with_growing_pauses(
    server: Answers, account: Path, tmp_path: Path
) -> None:
    """They were begun 1,743 times in 3 s."""
    server.put("GET", PATH, listed(config_map("one", 7), version=8))
    server.put("GET", PATH, events(BOOKMARK))
    pauses = follow(server, account, WatchedDocument(MountedFile(tmp_path / "none")), never, most=8)
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert len(server.asked) == 1 + len(pauses), "the watch goes on from its bookmark, and lists once"


def test_a_version_that_is_too_old_again_and_again_is_met_with_growing_pauses(
    server: Answers, account: Path, tmp_path: Path
) -> None:
    for _ in range(8):
        server.put("GET", PATH, listed(config_map("one", 7), version=8))
        server.put("GET", PATH, events(GONE))
    document = WatchedDocument(MountedFile(tmp_path / "none"))
    assert follow(server, account, document, never, most=6) == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0]
    assert len(server.asked) == 12


def test_a_random_half_of_each_pause_is_left_out_so_that_pods_do_not_come_back_together(
    server: Answers, account: Path, tmp_path: Path
) -> None:
    server.put("GET", PATH, listed(config_map("one", 7), version=8))
    server.put("GET", PATH, events(BOOKMARK))
    document = WatchedDocument(MountedFile(tmp_path / "none"))
    assert follow(server, account, document, never, most=3, chance=0.0) == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("ends", ["well", "with an error"])
def test_a_watch_that_lasted_ends_the_growth_of_the_pauses(
    server: Answers, account: Path, tmp_path: Path, ends: str
) -> None:
    now = [0.0]
    original = server.take

    def take(method: str, path: str) -> tuple[int, bytes]:
        now[0] += STEADY if len(server.asked) == 5 else 0.0
        return original(method, path)

    server.take = take  # type: ignore[method-assign]
    server.put("GET", PATH, listed(config_map("one", 7), version=8))
    for number in range(8):
        broken = ends == "with an error" and number == 3
        server.put("GET", PATH, b"nonsense" if broken else events(BOOKMARK))
    document = WatchedDocument(MountedFile(tmp_path / "none"))
    pauses = follow(server, account, document, never, most=5, clock=lambda: now[0])
    assert pauses == [1.0, 2.0, 4.0, 1.0, 2.0]


def test_a_server_that_fails_is_asked_again(server: Answers, account: Path, tmp_path: Path) -> None:
    server.put("GET", PATH, {"message": "etcd is away"}, 500)
    server.put("GET", PATH, listed(config_map("one", 7), version=8))
    server.put("GET", PATH, events(BOOKMARK))
    follow_until(server, account, "one", tmp_path / "none")


def test_a_deleted_config_map_changes_nothing(server: Answers, account: Path, tmp_path: Path) -> None:
    server.put("GET", PATH, listed(config_map("one", 7), version=8))
    server.put("GET", PATH, events(("DELETED", config_map("one", 9)), ("ADDED", config_map("two", 10))))
    seen: list[str | None] = []
    document = WatchedDocument(MountedFile(tmp_path / "none"))

    def enough() -> bool:
        seen.append(document.text())
        return seen[-1] == "two"

    follow(server, account, document, enough)
    assert seen == ["one", "two"]


def test_the_file_serves_until_the_watch_has_told_something(tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    document = WatchedDocument(MountedFile(file))
    assert document.text() is None
    file.write_text("from the file")
    assert document.text() == "from the file"
    document.told("from the watch")
    assert document.text() == "from the watch"


def test_a_lost_watch_leaves_its_last_word_until_the_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    file.write_text("old, a minute late")
    document = WatchedDocument(MountedFile(file))
    document.told("new")
    document.lost()
    document.lost()
    assert document.text() == "new"
    file.write_text("newer")
    assert document.text() == "newer"
    document.told("newest")
    assert document.text() == "newest"


def test_an_event_tells_kubernetes_which_pod_it_is_about(server: Answers, account: Path) -> None:
    server.put("POST", "/api/v1/namespaces/serving/events", {}, 201)
    arrived = threading.Event()
    original = server.take

    def take(method: str, path: str) -> tuple[int, bytes]:
        arrived.set()
        return original(method, path)

    server.take = take  # type: ignore[method-assign]
    pod = Pod(namespace="serving", name="torchserve-0", uid="1-2-3")
    PodEvents(KubernetesApi(f"http://{server.address}", account), pod).emit(
        "Warning", "VersionFailed", "x" * 5000
    )
    assert arrived.wait(20)
    body = json.loads(server.asked[0].body)
    assert body["involvedObject"] == {
        "apiVersion": "v1", "kind": "Pod", "name": "torchserve-0", "namespace": "serving", "uid": "1-2-3"
    }  # fmt: skip
    assert len(body["message"]) == 1024
