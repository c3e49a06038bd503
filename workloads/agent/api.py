"""What the agent answers over HTTP: /ready, /live, /versions, /metrics."""

from __future__ import annotations

import http.client
import io
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from workloads.agent.exchange import until
from workloads.agent.limits import LONGEST_REQUEST, MOST_CONNECTIONS
from workloads.agent.loop import Agent, Turn
from workloads.agent.metrics import render
from workloads.agent.status import not_ready_because, versions_document
from workloads.artifacts.bounded import printable

STUCK_SECONDS = 120.0
"""A loop that has not turned for so long is stuck: one turn asks TorchServe twice for each model, for at most 10 s."""

LONGEST_REQUEST_LINE = 2048
"""Bytes; the longest that anybody has reason to send has 30."""

REQUEST_SECONDS = 10.0
"""For a whole request, and for the answer: a connection that says nothing, or a byte now and then, holds no thread for
ever."""

_SHOWN = 200

_log = logging.getLogger(__name__)

Answer = tuple[int, str, str]
JSON = "application/json"


def serve(agent: Agent, host: str, port: int) -> ThreadingHTTPServer:
    """A server that is bound; the caller runs it. Port 0 takes a free one."""
    routes: Mapping[str, Callable[[Agent], Answer]] = {
        "/live": live,
        "/metrics": metrics,
        "/ready": ready,
        "/versions": versions,
    }

    pages = _Pages(agent)

    class Handler(BaseHTTPRequestHandler):
        def setup(self) -> None:
            super().setup()
            self.rfile = _Request(until(self.rfile, self.connection, REQUEST_SECONDS))

        def parse_request(self) -> bool:
            if len(self.raw_requestline) > LONGEST_REQUEST_LINE:  # type: ignore[attr-defined] # typeshed leaves it out
                self.requestline, self.request_version, self.command = "", "HTTP/1.0", ""
                self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
                self.close_connection = True
                return False
            return super().parse_request()

        def do_GET(self) -> None:
            self.connection.settimeout(REQUEST_SECONDS)  # to send all of it, from here on
            path = self.path.partition("?")[0]
            try:
                answer = pages.answer(path, routes[path]) if path in routes else _no_such_path(sorted(routes))
            except Exception as error:  # noqa: BLE001 - whoever asks sees that it failed, and the log says where
                _log.exception("an answer could not be made")
                answer = 500, JSON, _json({"reason": f"{type(error).__name__}: {error}"})
            self._answer(*answer)

        def _refuse(self) -> None:
            self.close_connection = True  # its body was not read
            self._answer(HTTPStatus.METHOD_NOT_ALLOWED, JSON, _json({"methods": ["GET"]}), Allow="GET")

        do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = do_POST = do_PUT = do_TRACE = _refuse  # noqa: N815 - the base class's names

        def _answer(self, status: int, kind: str, text: str, **headers: str) -> None:
            body = printable(text)
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_error(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            _log.info("a request was refused", extra={"fields": {"reason": (format % args)[:_SHOWN]}})

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Probes come every few seconds; they are no news."""

    return _Server((host, port), Handler)


class _Request(io.BufferedIOBase):
    """What a client sends, LONGEST_REQUEST bytes at most. http.server alone takes 100 headers of 64 KiB."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self._left = LONGEST_REQUEST

    def readline(self, size: int | None = -1, /) -> bytes:
        """See io.IOBase. Raises HTTPException where there is more, which is answered with 431."""
        if self._left <= 0:
            raise http.client.HTTPException(f"the rule: at most {LONGEST_REQUEST} bytes")
        line = self._file.readline(self._left if size is None or size < 0 else min(size, self._left))
        self._left -= len(line)
        return line

    def close(self) -> None:
        """See io.IOBase."""
        self._file.close()
        super().close()


class _Pages:
    """The pages that are made once for each turn: they may have megabytes, and many may ask at once."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._lock = threading.Lock()
        self._made: dict[str, tuple[Turn | None, Answer]] = {}

    def answer(self, path: str, make: Callable[[Agent], Answer]) -> Answer:
        """The answer of the last turn. Of /live and /ready a new one: they depend on the time too."""
        if make in (live, ready):
            return make(self._agent)
        with self._lock:
            turn, answer = self._made.get(path, (None, None))
            if answer is None or turn is not self._agent.turn or turn is None:
                turn = self._agent.turn
                answer = make(self._agent)
                self._made[path] = turn, answer
            return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Close at once what is one connection too many: each holds a thread and what it has sent."""
        if not self._room.acquire(blocking=False):
            _log.warning("a connection is closed", extra={"fields": {"rule": f"at most {MOST_CONNECTIONS}"}})
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """See ThreadingMixIn."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class's names
        """Who asked and went away, as probes do when they run out of time, is no traceback on standard error."""
        _log.info("an answer was not delivered", exc_info=True)


def _no_such_path(known: list[str]) -> Answer:
    return 404, JSON, _json({"paths": known})


def ready(agent: Agent) -> Answer:
    """200 or 503, with the reason."""
    turn = agent.turn
    reason = not_ready_because(turn.situation) if turn else "the agent has just started"
    if turn and _stale(agent):
        reason = "the agent's loop is stuck" if _stuck(agent) else "the agent's turns fail: its log says why"
    return (503 if reason else 200), JSON, _json({"ready": reason is None, "reason": reason})


def live(agent: Agent) -> Answer:
    """200 while the loop turns, be it in vain, and for as long as the first turn may take. What TorchServe does is not
    asked: restarting the agent would not repair it, nor what makes turns fail."""
    stuck = _stuck(agent)
    return (503 if stuck else 200), JSON, _json({"live": not stuck})


def versions(agent: Agent) -> Answer:
    """The one place that says what is servable now, and why the rest is not."""
    turn = agent.turn
    if turn is None:
        return 503, JSON, _json({"reason": "the agent has just started"})
    reason = not_ready_because(turn.situation)
    document = {
        "configuration": {"digest": turn.document_digest, "error": turn.document_error},
        "ready": reason is None,
        "reason": reason,
        "torchserve_answers": turn.situation.observed.answers,
        "models": versions_document(turn.situation),
    }
    return 200, JSON, _json(document)


def metrics(agent: Agent) -> Answer:
    """Prometheus' text format."""
    turn = agent.turn
    text = render(turn.situation, turn.counters, turn.gauges) if turn else ""
    return 200, "text/plain; version=0.0.4; charset=utf-8", text


def _stuck(agent: Agent) -> bool:
    return time.monotonic() - agent.turned > STUCK_SECONDS


def _stale(agent: Agent) -> bool:
    return time.monotonic() - agent.completed > STUCK_SECONDS


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
