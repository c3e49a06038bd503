"""The provider itself on the session's control plane: no engine in between."""

import itertools
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from plugin_server import (
    Check,
    Checked,
    Create,
    Created,
    Delete,
    Diff,
    Difference,
    Found,
    InitFailed,
    Read,
    Update,
)
from sandbox.kubernetes import kubeconfig
from sandbox.kubernetes.client import ApiClient
from sandbox.kubernetes.provider import KubernetesProvider


@dataclass
class Recorded:
    """Messages that the user would see."""

    lines: list[str] = field(default_factory=list)

    def status(self, urn: str, message: str) -> None:  # noqa: ARG002 (the protocol's form)
        self.lines.append(message)

    info = warning = status


@dataclass
class Resource:
    """One resource in the engine's state, and the calls that the engine would make for it."""

    provider: KubernetesProvider
    urn: str
    inputs: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    id: str = ""

    def check(self, inputs: dict[str, Any], *, replacing: bool = False) -> Checked:
        old = {} if replacing else self.inputs
        seed = uuid.uuid4().bytes
        return self.provider.check(Check(urn=self.urn, old_inputs=old, new_inputs=inputs, random_seed=seed))

    def preview(self, inputs: dict[str, Any]) -> Created:
        checked = self.check(inputs).inputs
        return self.provider.create(Create(urn=self.urn, inputs=checked, timeout=None, preview=True))

    def create(self, inputs: dict[str, Any], timeout: float | None = 60) -> "Resource":
        self.inputs = self.check(inputs).inputs
        made = self.provider.create(Create(urn=self.urn, inputs=self.inputs, timeout=timeout, preview=False))
        self.id, self.state = made.id, made.state
        return self

    def diff(self, inputs: dict[str, Any]) -> Difference:
        checked = self.check(inputs).inputs
        return self.provider.diff(
            Diff(
                urn=self.urn,
                id=self.id,
                old_inputs=self.inputs,
                old_state=self.state,
                new_inputs=checked,
            )
        )

    def update(self, inputs: dict[str, Any], *, preview: bool = False) -> dict[str, Any]:
        checked = self.check(inputs).inputs
        state = self.provider.update(
            Update(
                urn=self.urn,
                id=self.id,
                old_inputs=self.inputs,
                old_state=self.state,
                new_inputs=checked,
                timeout=60,
                preview=preview,
            )
        )
        if not preview:
            self.inputs, self.state = checked, state
        return state

    def read(self) -> Found | None:
        return self.provider.read(Read(urn=self.urn, id=self.id, inputs=self.inputs, state=self.state))

    def seen(self) -> dict[str, Any]:
        """The inputs that a refresh finds, whether or not the object has settled."""
        try:
            found = self.read()
        except InitFailed as unsettled:
            return unsettled.inputs
        assert found is not None
        return found.inputs

    def delete(self, timeout: float | None = 60) -> None:
        self.provider.delete(
            Delete(urn=self.urn, id=self.id, inputs=self.inputs, state=self.state, timeout=timeout)
        )


@pytest.fixture
def messages() -> Recorded:
    return Recorded()


@pytest.fixture
def api(control_plane: Any) -> Iterator[ApiClient]:
    """The API server for looking, and for changes behind the provider's back."""
    client = ApiClient(kubeconfig.access(json.loads(control_plane.admin_kubeconfig.read_text())))
    yield client
    client.close()


@pytest.fixture
def provider(control_plane: Any, messages: Recorded) -> Iterator[KubernetesProvider]:
    made = KubernetesProvider(messages)
    made.configure({"kubeconfig": str(control_plane.admin_kubeconfig)})
    yield made
    made.close()


@pytest.fixture
def resource(provider: KubernetesProvider) -> Callable[..., Resource]:
    numbers = itertools.count()

    def make(token: str, name: str = "") -> Resource:
        logical = name or f"r{next(numbers)}"
        return Resource(provider, f"urn:pulumi:sandbox::slipway::{token}::{logical}")

    return make


@pytest.fixture
def run_anew(provider: KubernetesProvider) -> Callable[[], None]:
    """Another run of the engine: a provider that has not heard of any resource yet."""
    return provider._known.clear


@pytest.fixture
def namespace(api: ApiClient) -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex[:8]}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    api.apply(f"/api/v1/namespaces/{name}", {"fieldManager": "test"}, body)
    yield name
    api.delete(f"/api/v1/namespaces/{name}", {})


@pytest.fixture
def edit(api: ApiClient) -> Callable[..., Any]:
    """Changes an object as another manager would."""

    def change(path: str, body: dict[str, Any], manager: str = "kubectl-edit") -> Any:
        return api.merge(path, {"fieldManager": manager}, body)

    return change


@pytest.fixture
def node(api: ApiClient) -> Iterator[str]:
    """A node with four CPUs and one GPU, which kwok plays."""
    name = f"node-{uuid.uuid4().hex[:6]}"
    size = {"cpu": "4", "memory": "8Gi", "pods": "50", "nvidia.com/gpu": "1"}
    body = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"test-node": name}},
    }
    api.apply(f"/api/v1/nodes/{name}", {"fieldManager": "test", "force": "true"}, body)
    api.apply(
        f"/api/v1/nodes/{name}/status",
        {"fieldManager": "test", "force": "true"},
        {**body, "status": {"capacity": size, "allocatable": size}},
    )
    yield name
    api.delete(f"/api/v1/nodes/{name}", {})
