"""An HTTP server on loopback for the adapters' tests: path → answers, and every request is kept."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Asked:
    method: str
    path: str
    body: bytes
    headers: dict[str, str]


@dataclass
class Answers:
    """What is answered, by method and path without its query; what is not there is a 404."""

    given: dict[tuple[str, str], list[tuple[int, Any]]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    address: str = ""

    def put(self, method: str, path: str, body: Any, status: int = 200) -> None:
        """Answers are used up in order; the last one stays."""
        self.given.setdefault((method, path), []).append((status, body))

    def take(self, method: str, path: str) -> tuple[int, bytes]:
        waiting = self.given.get((method, path), [(404, {"message": f"no {path}"})])
        status, body = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return status, body if isinstance(body, bytes) else json.dumps(body).encode()

    def paths(self, method: str) -> list[str]:
        return [asked.path for asked in self.asked if asked.method == method]


@contextmanager
def answering() -> Iterator[Answers]:
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            answers.asked.append(Asked(self.command, self.path, body, dict(self.headers.items())))
            status, content = answers.take(self.command, self.path.partition("?")[0])
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    answers.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield answers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
