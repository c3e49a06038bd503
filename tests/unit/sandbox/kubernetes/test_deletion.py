"""The wait for an object that is to go, without a cluster."""

from collections.abc import Iterator
from typing import Any

import pytest

from plugin_server import ProviderError
from sandbox.kubernetes.apply import Target
from sandbox.kubernetes.awaiting import await_deleted, deletion
from sandbox.kubernetes.discovery import Kind

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"


class ForgetfulServer:
    """Its controller clears up after an object only when somebody changes that object."""

    def __init__(self, live: dict[str, Any]) -> None:
        self.objects = [live]
        self.changes: list[str] = []

    def get(self, path: str, query: dict[str, str]) -> dict[str, Any]:  # noqa: ARG002 (the client's form)
        return {"kind": f"{self.objects[0]['kind']}List", "items": self.objects}

    def watch(self, *_: object) -> Iterator[Any]:
        return iter(())

    def merge(self, path: str, query: dict[str, str], body: dict[str, Any]) -> None:  # noqa: ARG002
        self.changes.append(path)

    def raise_if_cancelled(self) -> None:
        if self.changes:
            self.objects[0]["metadata"]["uid"] = "of a later one"


def _deleting(kind: str, *finalizers: str) -> tuple[ForgetfulServer, Target]:
    metadata = {"name": "x", "uid": "u", "finalizers": list(finalizers)}
    body = {"apiVersion": "v1", "kind": kind, "metadata": metadata}
    target = Target(
        kind=Kind(api_version="v1", name=kind, plural="things", namespaced=False),
        namespace="",
        name="x",
        body=body,
        manager="m",
        force=True,
    )
    return ForgetfulServer(body), target


def test_a_definition_that_the_api_server_forgot_to_clear_up_is_brought_to_its_mind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deletion, "_FORGOTTEN_SECONDS", 0.0)
    server, target = _deleting("CustomResourceDefinition", CLEANUP)
    await_deleted(server, target, "u", 10, lambda _: None)  # type: ignore[arg-type]  # as much of a client as it takes
    assert server.changes == [target.path]


@pytest.mark.parametrize(
    ("kind", "finalizers"),
    [("ConfigMap", [CLEANUP]), ("CustomResourceDefinition", [CLEANUP, "somebody.example/holds"])],
)
def test_what_somebody_else_holds_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch, kind: str, finalizers: list[str]
) -> None:
    monkeypatch.setattr(deletion, "_FORGOTTEN_SECONDS", 0.0)
    server, target = _deleting(kind, *finalizers)
    with pytest.raises(ProviderError, match="is still there 0 s"):
        await_deleted(server, target, "u", 0.1, lambda _: None)  # type: ignore[arg-type]  # as above
    assert server.changes == []
