"""What the agent answers over HTTP: /ready, /live, /versions, /metrics."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from workloads.agent.loop import Agent, Turn
from workloads.agent.metrics import render
from workloads.agent.status import not_ready_because, versions_document

STUCK_SECONDS = 120.0
"""A loop that has not turned for so long is stuck: one turn asks TorchServe twice for each model, for at most 10 s."""

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

        def do_GET(self) -> None:
            route = routes.get(self.path.partition("?")[0])
            status, kind, text = route(agent) if route else (404, JSON, _json({"paths": sorted(routes)}))
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
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
    if turn and _stuck(turn):
        reason = "the agent's loop is stuck"
    return (503 if reason else 200), JSON, _json({"ready": reason is None, "reason": reason})


def live(agent: Agent) -> Answer:
    """200 while the loop turns. What TorchServe does is not asked: restarting the agent would not mend it."""
    turn = agent.turn
    stuck = turn is not None and _stuck(turn)
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


def _stuck(turn: Turn) -> bool:
    return time.time() - turn.gauges.turned_at > STUCK_SECONDS


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
