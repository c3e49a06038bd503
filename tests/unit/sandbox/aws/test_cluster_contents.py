"""What an earlier cluster left is removed, without a cluster."""

from typing import Any

import pytest

from plugin_server import ProviderError
from sandbox.aws import cluster_contents

RELEASED = {"meta.helm.sh/release-name": "r"}


class Server:
    """Holds one definition, which goes only after a deletion and then another change; or never."""

    def __init__(self, name: str, *, stays: bool = False, **metadata: Any) -> None:
        self._definitions = [{"metadata": {"name": name, **metadata}}]
        self._stays = stays
        self.deleted = False

    def items(self, path: str) -> list[dict[str, Any]]:
        return self._definitions if path.endswith("/customresourcedefinitions") else []

    def delete(self, path: str, **_: str) -> None:  # noqa: ARG002 (the client's form)
        self.deleted = True

    def merge(self, path: str, content: dict[str, Any]) -> None:  # noqa: ARG002
        if self.deleted and not self._stays:
            self._definitions = []


def _clear(server: Server) -> list[float]:
    """How long it waited, in pieces."""
    waited: list[float] = []
    cluster_contents.clear(server, waited.append, lambda _: None)  # type: ignore[arg-type]  # as much as it takes
    return waited


def test_a_definition_that_the_api_server_forgot_is_brought_to_its_mind_after_some_seconds() -> None:
    server = Server("x", annotations=RELEASED)
    assert 5 <= sum(_clear(server)) < 6
    assert server.items("/customresourcedefinitions") == []


def test_what_no_deployment_made_stays() -> None:
    server = Server("x", managedFields=[{"manager": "kube-apiserver"}])
    assert _clear(server) == []
    assert not server.deleted


def test_what_does_not_go_away_is_named() -> None:
    with pytest.raises(
        ProviderError, match=r"earlier cluster do not go away: .*/customresourcedefinitions/x"
    ):
        _clear(Server("x", stays=True, annotations=RELEASED))
