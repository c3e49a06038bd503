"""What an earlier cluster left is removed, without a cluster."""

from typing import Any

import pytest

from plugin_server import ProviderError
from sandbox.aws import cluster_contents

DEFINITIONS = "/apis/apiextensions.k8s.io/v1"
MADE = [{"manager": "pulumi-kubernetes-3f2a91", "operation": "Apply"}]
OWN = [{"manager": "kube-apiserver", "operation": "Update"}]


class Server:
    """Holds objects of three kinds; a definition goes only after a deletion and then another change, or never."""

    def __init__(
        self, *objects: dict[str, Any], plural: str = "customresourcedefinitions", stays: bool = False
    ) -> None:
        self._objects = {plural: [{"metadata": metadata} for metadata in objects]}
        self._stays = stays
        self.deleted: list[str] = []

    def find(self, path: str) -> dict[str, Any] | None:
        listings = {
            "/apis": {"groups": [{"preferredVersion": {"groupVersion": "apiextensions.k8s.io/v1"}}]},
            "/api/v1": {"resources": [_entry("namespaces", "Namespace"), _entry("configmaps", "ConfigMap")]},
            DEFINITIONS: {"resources": [_entry("customresourcedefinitions", "CustomResourceDefinition")]},
        }
        return listings.get(path)

    def items(self, path: str) -> list[dict[str, Any]]:
        return self._objects.get(path.rpartition("/")[2], [])

    def delete(self, path: str, **_: str) -> None:
        self.deleted.append(path)
        plural, name = path.split("/")[-2:]
        if plural != "customresourcedefinitions":
            self._objects[plural] = [
                item for item in self._objects[plural] if item["metadata"]["name"] != name
            ]

    def merge(self, path: str, content: dict[str, Any]) -> None:  # noqa: ARG002 (the client's form)
        if self.deleted and not self._stays:
            self._objects = {}


def _entry(plural: str, kind: str) -> dict[str, Any]:
    return {"name": plural, "kind": kind, "verbs": ["delete", "list"]}


def _clear(server: Server) -> list[float]:
    """How long it waited, in pieces."""
    waited: list[float] = []
    cluster_contents.clear(server, waited.append, lambda _: None)  # type: ignore[arg-type]  # as much as it takes
    return waited


def test_a_definition_whose_deletion_the_api_server_missed_is_changed_after_some_seconds() -> None:
    server = Server({"name": "x", "managedFields": MADE})
    assert 5 <= sum(_clear(server)) < 6
    assert server.items("/customresourcedefinitions") == []


@pytest.mark.parametrize(
    ("plural", "metadata"),
    [
        ("namespaces", {"name": "serving", "managedFields": MADE}),
        ("namespaces", {"name": "by-hand", "managedFields": [{"manager": "kubectl-create"}]}),
        ("configmaps", {"name": "settings", "namespace": "kube-system", "managedFields": MADE}),
        ("configmaps", {"name": "mixed", "namespace": "default", "managedFields": [*OWN, *MADE]}),
    ],
)
def test_what_anybody_deployed_is_removed(plural: str, metadata: dict[str, Any]) -> None:
    server = Server(metadata, plural=plural)
    _clear(server)
    assert [path.rpartition("/")[2] for path in server.deleted] == [metadata["name"]]


@pytest.mark.parametrize(
    ("plural", "metadata"),
    [
        ("customresourcedefinitions", {"name": "x", "managedFields": OWN}),
        ("namespaces", {"name": "kube-system", "managedFields": MADE}),
        ("namespaces", {"name": "default", "managedFields": [{"manager": "kubectl-label"}]}),
        ("configmaps", {"name": "kube-root-ca.crt", "namespace": "default", "managedFields": OWN}),
        ("configmaps", {"name": "part", "namespace": "serving", "managedFields": MADE}),
        (
            "configmaps",
            {"name": "a", "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}, "managedFields": MADE},
        ),
        ("configmaps", {"name": "b", "ownerReferences": [{"name": "owner"}], "managedFields": MADE}),
    ],
    ids=["own", "own namespace", "labelled default", "own file", "in a namespace", "bootstrap", "owned"],
)
def test_what_kubernetes_made_or_what_goes_with_something_else_stays(
    plural: str, metadata: dict[str, Any]
) -> None:
    server = Server(metadata, plural=plural)
    assert _clear(server) == []
    assert server.deleted == []


def test_what_does_not_go_away_is_named() -> None:
    with pytest.raises(
        ProviderError, match=r"earlier cluster do not go away: .*/customresourcedefinitions/x"
    ):
        _clear(Server({"name": "x", "managedFields": MADE}, stays=True))
