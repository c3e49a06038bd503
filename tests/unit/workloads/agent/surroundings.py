"""What an agent's process has around it: TorchServe, a bucket, a volume, and a limit of memory. Each can turn hostile.

The limit is RLIMIT_DATA, which needs no root and counts what the process allocates; threads get stacks of 1 MiB, since
the limit counts a stack whole. What a container's limit counts is resident memory: its peak is the kernel's VmHWM.
"""

import contextlib
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from planning.capacity.resources import AGENT_MEMORY

REPOSITORY = Path(__file__).parents[4]
ALLOCATED = int(AGENT_MEMORY) + (64 << 20)
"""Bytes that the process may allocate: its container's limit, and the stacks of its threads."""
STACK = 1 << 20
NO_SUCH_KEY = b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"


@dataclass
class Neighbours:
    """TorchServe and the bucket, as one HTTP server. What stands in `instead` is answered whatever was asked."""

    objects: dict[str, bytes] = field(default_factory=dict)
    """Key → content, in the bucket `models`."""
    instead: dict[str, Callable[[], Iterator[bytes]]] = field(default_factory=dict)
    """Path without its query → the body's pieces."""
    registered: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    port: int = 0

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign] # the agent goes away as it likes
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        neighbours = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = self.path.partition("?")[0]
                if path in neighbours.instead:
                    self.send_response(200)
                    self.end_headers()
                    for piece in neighbours.instead[path]():
                        self.wfile.write(piece)
                    return
                status, content = neighbours.answer(self.command, self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = _do  # noqa: N815 - the base class's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Tests print nothing."""

        return Handler

    def answer(self, method: str, path: str) -> tuple[int, bytes]:
        """As the bucket or TorchServe answer."""
        where, _, query = path.partition("?")
        parts = [urllib.parse.unquote(part) for part in where.split("/")[1:]]
        if where.startswith(("/models/archives/", "/models/artifacts/")):
            found = self.objects.get("/".join(parts[1:]))
            return (404, NO_SUCH_KEY) if found is None else (200, found)
        if parts[0] == "predictions":
            return 200, b"fine"
        if method == "GET":
            return self._described(parts)
        self._change(method, parts, dict(urllib.parse.parse_qsl(query)))
        return 200, b"{}"

    def _described(self, parts: list[str]) -> tuple[int, bytes]:
        if len(parts) == 1:
            names = [{"modelName": name, "modelUrl": "x"} for name in self.registered]
            return 200, json.dumps({"models": names}).encode()
        versions = self.registered.get(parts[1])
        if not versions:
            return 404, b"{}"
        shown = list(versions.values()) if len(parts) == 3 else [versions[self.defaults[parts[1]]]]
        return 200, json.dumps(shown).encode()

    def _change(self, method: str, parts: list[str], query: dict[str, str]) -> None:
        if method == "POST":
            name, url = query["model_name"], query["url"]
            version = next(text for key, text in VERSIONS.items() if key in url)
            self.registered.setdefault(name, {})[version] = {
                "modelVersion": version, "modelUrl": url, "minWorkers": 0, "maxWorkers": 0, "workers": [],
                "batchSize": 1, "maxBatchDelay": 100, "responseTimeout": 120, "startupTimeout": 120,
                "jobQueueStatus": {"pendingRequests": 0},
            }  # fmt: skip
            self.defaults.setdefault(name, version)
        elif method == "DELETE":
            del self.registered[parts[1]][parts[2]]
        elif parts[-1] == "set-default":
            self.defaults[parts[1]] = parts[2]
        else:
            count = int(query["min_worker"])
            self.registered[parts[1]][parts[2]].update(
                minWorkers=count, maxWorkers=count, workers=[{"status": "READY"}] * count
            )


VERSIONS: dict[str, str] = {}
"""Hexadecimal digits of an archive's digest → the version that its manifest says."""


@dataclass
class Pod:
    """The agent's process on a volume of its own."""

    folder: Path
    neighbours: Neighbours
    process: subprocess.Popen[bytes] | None = None
    port: int = 0

    @property
    def configuration(self) -> Path:
        return self.folder / "models.json"

    @property
    def volume(self) -> Path:
        return self.folder / "store"

    @property
    def log(self) -> str:
        return (self.folder / "agent.log").read_text(encoding="utf-8")

    def start(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        server = f"127.0.0.1:{self.neighbours.port}"
        named = {
            "--configuration": self.configuration, "--source": "s3://models", "--model-store": self.volume,
            "--state": self.volume / "agent.json", "--listen": f"127.0.0.1:{self.port}", "--management": server,
            "--inference": server, "--interval": "0.1", "--longest-retry": "0.5",
        }  # fmt: skip
        environment = {
            "PATH": os.environ["PATH"], "AWS_ENDPOINT_URL_S3": f"http://{server}", "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip
        with (self.folder / "agent.log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own agent
                [sys.executable, "-m", "workloads.agent", *(str(item) for pair in named.items() for item in pair)],
                cwd=REPOSITORY, env=environment, stdout=log, stderr=log, preexec_fn=_limit,
            )  # fmt: skip

    def lives(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGKILL)
            self.process.wait(20)

    def asked(self, path: str) -> tuple[int, str]:
        """The agent's answer; status 0 where it gives none."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            found = connection.getresponse()
            return found.status, found.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def until(self, holds: Callable[[], object], seconds: float = 30) -> None:
        """Wait for it, as long as the process lives."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert self.process is not None
            assert self.process.poll() is None, f"the agent ended: {self.log[-2000:]}"
            assert time.monotonic() < deadline, f"{self.asked('/versions')}\n{self.log[-2000:]}"
            threading.Event().wait(0.05)

    def serves(self, model: str, version: str) -> bool:
        status, text = self.asked("/versions")
        if status != 200:
            return False
        shown = json.loads(text)["models"].get(model, {"versions": {}})["versions"].get(version)
        return bool(shown and shown["servable"]) and self.asked("/ready")[0] == 200

    def peak(self) -> int:
        """Bytes that were resident at most since the process began."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) << 10


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_STACK, (STACK, resource.getrlimit(resource.RLIMIT_STACK)[1]))
    resource.setrlimit(resource.RLIMIT_DATA, (ALLOCATED, ALLOCATED))
