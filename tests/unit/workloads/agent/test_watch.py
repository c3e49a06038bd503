"""A watch on one ConfigMap, against a server that speaks as the Kubernetes API does."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.workloads.agent.http_server import Answers, answering
from workloads.agent.document import MountedFile, WatchedDocument
from workloads.agent.events import Pod, PodEvents
from workloads.agent.kubernetes import ConfigMapWatch, KubernetesApi

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


def follow(
    server: Answers, account: Path, fallback: Path, enough: Callable[[WatchedDocument], bool]
) -> WatchedDocument:
    """Runs the watch until it has told enough."""
    stop = threading.Event()
    document = WatchedDocument(MountedFile(fallback))
    api = KubernetesApi(f"http://{server.address}", account)

    def changed() -> None:
        if enough(document):
            stop.set()

    watch = ConfigMapWatch(
        api, "serving", "models", "models.json", document, changed=changed, watch_seconds=1
    )
    thread = threading.Thread(target=watch.run, args=(stop,), daemon=True)
    thread.start()
    thread.join(timeout=20)
    assert not thread.is_alive(), f"the watch did not tell enough; at last {document.text()!r}"
    return document


def test_what_is_listed_and_what_changes_is_told(server: Answers, account: Path, tmp_path: Path) -> None:
    server.put("GET", PATH, listed(config_map("one", 7), version=8))
    server.put("GET", PATH, events(("MODIFIED", config_map("two", 9))))
    follow(server, account, tmp_path / "none", lambda document: document.text() == "two")
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
    follow(server, account, tmp_path / "none", lambda document: document.text() == "two")
    assert "resourceVersion=90" in server.asked[2].path


def test_a_token_that_the_kubelet_replaces_is_used_from_the_next_request_on(
    server: Answers, account: Path, tmp_path: Path
) -> None:
    server.put("GET", PATH, listed(config_map("one", 7), version=8))
    server.put("GET", PATH, {"message": "Unauthorized"}, 401)
    server.put("GET", PATH, listed(config_map("two", 9), version=9))

    def enough(document: WatchedDocument) -> bool:
        # as the kubelet does: the projected token's link is moved to a new folder
        (account / "..new").write_text("rotated\n")
        (account / "..new").replace(account / "token")
        return document.text() == "two"

    follow(server, account, tmp_path / "none", enough)
    assert [asked.headers["Authorization"] for asked in server.asked[:3]] == [
        "Bearer secret", "Bearer rotated", "Bearer rotated"
    ]  # fmt: skip


@pytest.mark.parametrize("how", ["event", "status"])
def test_a_version_that_is_too_old_is_met_by_listing_again(
    server: Answers, account: Path, tmp_path: Path, how: str
) -> None:
    server.put("GET", PATH, listed(config_map("one", 7), version=8))
    server.put("GET", PATH, *((events(GONE),) if how == "event" else ({"message": "gone"}, 410)))
    server.put("GET", PATH, listed(config_map("two", 200), version=201))
    follow(server, account, tmp_path / "none", lambda document: document.text() == "two")
    assert "watch=1" not in server.asked[2].path


def test_a_server_that_fails_is_asked_again(server: Answers, account: Path, tmp_path: Path) -> None:
    server.put("GET", PATH, {"message": "etcd is away"}, 500)
    server.put("GET", PATH, listed(config_map("one", 7), version=8))
    server.put("GET", PATH, events(BOOKMARK))
    follow(server, account, tmp_path / "none", lambda document: document.text() == "one")


def test_a_deleted_config_map_changes_nothing(server: Answers, account: Path, tmp_path: Path) -> None:
    server.put("GET", PATH, listed(config_map("one", 7), version=8))
    server.put("GET", PATH, events(("DELETED", config_map("one", 9)), ("ADDED", config_map("two", 10))))
    seen: list[str | None] = []

    def enough(document: WatchedDocument) -> bool:
        seen.append(document.text())
        return seen[-1] == "two"

    follow(server, account, tmp_path / "none", enough)
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
