"""What the agent answers over HTTP: /ready, /live, /versions, /metrics."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from workloads.agent.loop import Agent
from workloads.agent.metrics import render
from workloads.agent.status import not_ready_because, versions_document

STUCK_SECONDS = 120.0
"""A loop that has not turned for so long is stuck: one turn asks TorchServe twice for each model, for at most 10 s."""

LONGEST_REQUEST_LINE = 2048
"""Bytes; the longest that anybody has reason to send has 30."""

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

    class Handler(BaseHTTPRequestHandler):
        timeout = 10
        """Seconds: a connection that says nothing holds no thread for ever."""

        def parse_request(self) -> bool:
            if len(self.raw_requestline) > LONGEST_REQUEST_LINE:  # type: ignore[attr-defined] # typeshed leaves it out
                self.requestline, self.request_version, self.command = "", "HTTP/1.0", ""
                self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
                self.close_connection = True
                return False
            return super().parse_request()

        def do_GET(self) -> None:
            route = routes.get(self.path.partition("?")[0])
            self._answer(*(route(agent) if route else (404, JSON, _json({"paths": sorted(routes)}))))

        def _refuse(self) -> None:
            self.close_connection = True  # its body was not read
            self._answer(HTTPStatus.METHOD_NOT_ALLOWED, JSON, _json({"methods": ["GET"]}), Allow="GET")

        do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = do_POST = do_PUT = do_TRACE = _refuse  # noqa: N815 - the base class's names

        def _answer(self, status: int, kind: str, text: str, **headers: str) -> None:
            body = text.encode()
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Probes come every few seconds; they are no news."""

    return _Server((host, port), Handler)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class's names
        """Who asked and went away, as probes do when they run out of time, is no traceback on standard error."""
        _log.info("an answer was not delivered", exc_info=True)


def ready(agent: Agent) -> Answer:
    """200 or 503, with the reason."""
    turn = agent.turn
    reason = not_ready_because(turn.situation) if turn else "the agent has just started"
    if turn and _stuck(agent):
        reason = "the agent's loop is stuck"
    return (503 if reason else 200), JSON, _json({"ready": reason is None, "reason": reason})


def live(agent: Agent) -> Answer:
    """200 while the loop turns, and for as long as the first turn may take. What TorchServe does is not asked:
    restarting the agent would not mend it."""
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
    text = render(turn.situation, agent.counters, turn.gauges) if turn else ""
    return 200, "text/plain; version=0.0.4; charset=utf-8", text


def _stuck(agent: Agent) -> bool:
    return time.monotonic() - agent.turned > STUCK_SECONDS


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
