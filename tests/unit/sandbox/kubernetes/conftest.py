"""A kubeconfig and a tiny API server for tests that need no cluster."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sandbox.kubernetes import kubeconfig
from sandbox.kubernetes.client import ApiClient

Answer = tuple[int, dict[str, Any]]


@dataclass
class Server:
    """Answers requests with what ``answer`` returns, and remembers them."""

    url: str = ""
    answer: Callable[["Asked"], Answer] = lambda _: (200, {})
    asked: list["Asked"] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    token: str
    body: Any


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            asked = Asked(self.command, self.path, token, body)
            state.asked.append(asked)
            status, answer = state.answer(asked)
            data = answer["lines"].encode() if "lines" in answer else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_PATCH = do_DELETE = do_GET  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{listening.server_port}"
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    yield state
    listening.shutdown()
    thread.join()
    listening.server_close()


def config_for(server: str, user: dict[str, Any] | None = None) -> dict[str, Any]:
    """A kubeconfig with one cluster and one user."""
    return {
        "clusters": [{"name": "here", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": user or {}}],
        "contexts": [{"name": "all", "context": {"cluster": "here", "user": "me"}}],
        "current-context": "all",
    }


@pytest.fixture
def kubeconfig_for() -> Callable[..., dict[str, Any]]:
    return config_for


@pytest.fixture
def client_for() -> Iterator[Callable[..., ApiClient]]:
    made: list[ApiClient] = []

    def make(server: str, user: dict[str, Any] | None = None, patience: float = 0.3) -> ApiClient:
        made.append(ApiClient(kubeconfig.access(config_for(server, user)), patience=patience))
        return made[-1]

    yield make
    for client in made:
        client.close()
