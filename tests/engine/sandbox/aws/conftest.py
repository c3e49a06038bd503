"""A moto server, a tiny Kubernetes API server, and a driver that calls the provider as the engine does."""

from __future__ import annotations

import copy
import gc
import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import yaml

from plugin_server import provider as api
from sandbox.aws.account import Clients
from sandbox.aws.provider import AwsProvider
from sandbox.aws.schema import inputs_of
from sandbox.aws.table import KINDS
from sandbox.paths import SandboxPaths

REGION = "eu-west-1"


class RecordingLog:
    """Stands in for the engine's log."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def status(self, _urn: str, message: str) -> None:
        self.lines.append(("status", message))

    def info(self, _urn: str, message: str) -> None:
        self.lines.append(("info", message))

    def warning(self, _urn: str, message: str) -> None:
        self.lines.append(("warning", message))


@dataclass
class Resource:
    """What the engine's state holds of a resource."""

    urn: str
    id: str
    inputs: dict[str, Any]
    state: dict[str, Any]


@dataclass
class Engine:
    """Drives a provider through the calls that the engine makes."""

    provider: AwsProvider
    log: RecordingLog
    environment: dict[str, str]
    clients: Clients
    project: str = field(default_factory=lambda: f"project-{os.urandom(6).hex()}")
    made: list[Resource] = field(default_factory=list)

    def urn(self, token: str, name: str) -> str:
        return f"urn:pulumi:sandbox::{self.project}::{token}::{name}"

    def check(
        self, token: str, name: str, inputs: dict[str, Any], old: dict[str, Any] | None = None
    ) -> api.Checked:
        return self.provider.check(
            api.Check(
                urn=self.urn(token, name),
                old_inputs=old or {},
                new_inputs=copy.deepcopy(inputs),
                random_seed=os.urandom(32),
            )
        )

    def checked(
        self, token: str, name: str, inputs: dict[str, Any], old: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result = self.check(token, name, inputs, old)
        assert not result.failures, result.failures
        return result.inputs

    def create(self, token: str, name: str, inputs: dict[str, Any], *, preview: bool = False) -> Resource:
        checked = self.checked(token, name, inputs)
        urn = self.urn(token, name)
        created = self.provider.create(
            api.Create(urn=urn, inputs=copy.deepcopy(checked), timeout=None, preview=preview)
        )
        resource = Resource(urn, created.id, checked, created.state)
        if not preview:
            assert created.id, "the engine insists on an id"
            self.made.append(resource)
        return resource

    def diff(self, resource: Resource, inputs: dict[str, Any]) -> api.Difference:
        return self.provider.diff(
            api.Diff(
                urn=resource.urn,
                id=resource.id,
                old_inputs=resource.inputs,
                old_state=resource.state,
                new_inputs=inputs,
            )
        )

    def plan(self, resource: Resource, inputs: dict[str, Any]) -> tuple[dict[str, Any], api.Difference]:
        _, _, token, name = resource.urn.split("::")
        checked = self.checked(token, name, inputs, resource.inputs)
        return checked, self.diff(resource, checked)

    def update(self, resource: Resource, inputs: dict[str, Any], *, preview: bool = False) -> dict[str, Any]:
        state = self.provider.update(
            api.Update(
                urn=resource.urn,
                id=resource.id,
                old_inputs=resource.inputs,
                old_state=resource.state,
                new_inputs=inputs,
                timeout=None,
                preview=preview,
            )
        )
        if not preview:
            resource.inputs, resource.state = inputs, state
        return state

    def read(self, resource: Resource) -> api.Found | None:
        return self.provider.read(
            api.Read(urn=resource.urn, id=resource.id, inputs=resource.inputs, state=resource.state)
        )

    def drift(self, resource: Resource) -> list[str]:
        """Property paths that a refresh would show as changed."""
        found = self.read(resource)
        assert found is not None, "the resource is gone"
        shown = Resource(resource.urn, found.id, found.inputs, found.state)
        return sorted(".".join(map(str, change.path)) for change in self.diff(shown, resource.inputs).changes)

    def delete(self, resource: Resource) -> None:
        self.provider.delete(
            api.Delete(
                urn=resource.urn, id=resource.id, inputs=resource.inputs, state=resource.state, timeout=None
            )
        )
        if resource in self.made:
            self.made.remove(resource)

    def aws(self, service: str) -> Any:
        """A client of one's own, to do things behind Pulumi's back."""
        return self.clients.client(service, REGION)


class FakeCluster:
    """Just enough of an API server: nodes and pods, merge patches, label and field selectors."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.ready = True
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
                """Keeps quiet."""

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(length)) if length else None
                status, content = cluster.handle(self.command, self.path, body)
                payload = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 (the base class's names)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def nodes(self) -> dict[str, dict[str, Any]]:
        return {p.rpartition("/")[2]: o for p, o in self.objects.items() if p.startswith("/api/v1/nodes/")}

    def handle(self, method: str, url: str, body: Any) -> tuple[int, Any]:
        parts = urlsplit(url)
        path, query = parts.path, parse_qs(parts.query)
        if path == "/readyz":
            return (200, "ok") if self.ready else (500, {"message": "not ready"})
        if method == "POST":
            where = f"{path}/{body['metadata']['name']}"
            if where in self.objects:
                return 409, {"message": f"{where} already exists"}
            self.objects[where] = copy.deepcopy(body)
            return 201, body
        if method == "GET" and path in ("/api/v1/nodes", "/api/v1/pods"):
            return 200, {"items": self._select(path.rpartition("/")[2], query)}
        target = path.removesuffix("/status")
        if target not in self.objects:
            return 404, {"message": "not found"}
        if method == "DELETE":
            return 200, self.objects.pop(target)
        if method == "PATCH":
            self.objects[target] = _merged(self.objects[target], body)
        return 200, self.objects[target]

    def _select(self, kind: str, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        found = [o for p, o in sorted(self.objects.items()) if re.search(rf"/{kind}/[^/]+\Z", p)]
        for selector in query.get("labelSelector", []):
            key, value = selector.split("=")
            found = [o for o in found if o["metadata"].get("labels", {}).get(key) == value]
        for selector in query.get("fieldSelector", []):
            found = [o for o in found if o.get("spec", {}).get("nodeName") == selector.split("=")[1]]
        return found


def _merged(old: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """One server for the session; each test resets it."""
    import moto.backends
    from moto.server import ThreadedMotoServer

    # Half of a request's time otherwise: moto lists its own package's folders, and werkzeug logs a line.
    modules = list(moto.backends.list_of_moto_modules())
    moto.backends.list_of_moto_modules = lambda: iter(modules)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture(scope="session", autouse=True)
def _environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")  # secrets are fake: moto asks for none
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def _fake_cluster() -> Iterator[FakeCluster]:
    fake = FakeCluster()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


@pytest.fixture
def cluster(_fake_cluster: FakeCluster) -> FakeCluster:
    """The API server, empty and ready."""
    _fake_cluster.objects.clear()
    _fake_cluster.ready = True
    return _fake_cluster


@pytest.fixture(scope="session")
def clients(moto_url: str, _environment: None) -> Clients:
    """boto3 clients for the session: reading a service's model takes up to a second each."""
    clients = Clients(moto_url)
    clients.send("iam", REGION, "ListRoles", {})
    for token in KINDS:
        inputs_of(token)
    gc.freeze()  # 1,582 managed policies and the SDK's modules: walking them took a third of the tests' time
    return clients


@pytest.fixture
def empty_account(moto_url: str) -> Callable[[], None]:
    """Empties the account, as when the server was started anew."""

    def empty() -> None:
        assert requests.post(f"{moto_url}/moto-api/reset", timeout=60).ok

    return empty


def _forget_named_objects() -> None:
    """Empties what is searched by name; moto's own reset reads IAM's 1,582 managed policies again, for seconds."""
    from moto.eks.models import eks_backends
    from moto.iam.models import iam_backends
    from moto.s3.models import s3_backends

    named: list[dict[str, Any]] = []
    named += [region.clusters for account in eks_backends.values() for region in account.values()]
    named += [partition.buckets for account in s3_backends.values() for partition in account.values()]
    named += [partition.roles for account in iam_backends.values() for partition in account.values()]
    for objects in named:
        objects.clear()


@pytest.fixture
def engine(
    clients: Clients, moto_url: str, cluster: FakeCluster, tmp_path: Path, _environment: None
) -> Engine:
    """A configured provider, and a project of its own: the rest of the account is shared between tests."""
    _forget_named_objects()
    kubeconfig = SandboxPaths(tmp_path).admin_kubeconfig
    kubeconfig.parent.mkdir(parents=True)
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "local", "cluster": {"server": cluster.url}}],
                "users": [{"name": "admin", "user": {"token": "t"}}],
            }
        )
    )
    environment = {"AWS_ENDPOINT_URL": moto_url, "SLIPWAY_SANDBOX": str(tmp_path)}
    log = RecordingLog()
    provider = AwsProvider(log, environment, clients)  # type: ignore[arg-type]
    provider.configure({"region": REGION, "defaultTags": '{"tags": {"project": "slipway"}}'})
    return Engine(provider, log, environment, clients)
