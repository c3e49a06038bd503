"""The agent's watch and events against the real API server, with a role that is limited to one ConfigMap."""

import json
import threading
from collections.abc import Iterator
from http.client import FORBIDDEN
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import ControlPlane
from workloads.agent.document import MountedFile, WatchedDocument
from workloads.agent.events import Pod, PodEvents
from workloads.agent.kubernetes import ApiError, ConfigMapWatch, KubernetesApi

NAMESPACE = "agent-watch"
RULES = [
    {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "resourceNames": ["models"],
        "verbs": ["get", "list", "watch"],
    },
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
]
"""What docs/agent.md says the role needs."""
CORE, RBAC = f"/api/v1/namespaces/{NAMESPACE}", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"


def account(folder: Path, control_plane: ControlPlane, token: str) -> KubernetesApi:
    folder.mkdir()
    (folder / "token").write_text(token)
    (folder / "ca.crt").write_bytes(control_plane.ca.read_bytes())
    return KubernetesApi(control_plane.url, folder)


def send(api: KubernetesApi, method: str, path: str, body: Any = None) -> Any:
    with api.ask(method, path, 10, body) as response:
        return json.load(response)


def config_map(name: str, text: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": {"models.json": text}}


@pytest.fixture(name="admin")
def _admin(control_plane: ControlPlane, tmp_path: Path) -> Iterator[KubernetesApi]:
    api = account(tmp_path / "admin", control_plane, control_plane.token)
    send(api, "POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    send(api, "POST", f"{CORE}/serviceaccounts", {"metadata": {"name": "agent"}})
    send(api, "POST", f"{RBAC}/roles", {"metadata": {"name": "agent"}, "rules": RULES})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "agent"}
    subject = {"kind": "ServiceAccount", "name": "agent", "namespace": NAMESPACE}
    binding = {"metadata": {"name": "agent"}, "roleRef": role, "subjects": [subject]}
    send(api, "POST", f"{RBAC}/rolebindings", binding)
    for name in ("models", "other"):
        send(api, "POST", f"{CORE}/configmaps", config_map(name, "one"))
    yield api
    send(api, "DELETE", f"/api/v1/namespaces/{NAMESPACE}")


def test_a_role_limited_to_one_config_map_is_enough_to_follow_it_and_to_send_events(
    control_plane: ControlPlane, admin: KubernetesApi, tmp_path: Path
) -> None:
    granted = send(admin, "POST", f"{CORE}/serviceaccounts/agent/token", {"spec": {}})
    agent = account(tmp_path / "agent", control_plane, granted["status"]["token"])
    with pytest.raises(ApiError) as refused:
        send(agent, "GET", f"{CORE}/configmaps/other")
    assert refused.value.status == FORBIDDEN

    document = WatchedDocument(MountedFile(tmp_path / "none"))
    told, stop = threading.Event(), threading.Event()
    watch = ConfigMapWatch(
        agent, NAMESPACE, "models", "models.json", document, changed=told.set, watch_seconds=5
    )
    thread = threading.Thread(target=watch.run, args=(stop,), daemon=True)
    thread.start()
    for text in ("one", "two", "three"):
        if text != "one":
            send(admin, "PUT", f"{CORE}/configmaps/models", config_map("models", text))
        assert told.wait(30), f"{text} was not told"
        told.clear()
        assert document.text() == text
    stop.set()

    PodEvents(agent, Pod(NAMESPACE, "torchserve-0", "1-2-3")).emit(
        "Warning", "VersionFailed", "fr 2: load: no room"
    )
    found: list[Any] = []
    pause = threading.Event()
    for _ in range(200):
        found = send(admin, "GET", f"{CORE}/events?fieldSelector=involvedObject.name%3Dtorchserve-0")["items"]
        if found:
            break
        pause.wait(0.05)
    assert [event["message"] for event in found] == ["fr 2: load: no room"]
    thread.join(timeout=20)
    assert not thread.is_alive()
