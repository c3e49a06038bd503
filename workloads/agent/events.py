"""Kubernetes events about the pod, so that `kubectl describe pod` says why a version is not served."""

from __future__ import annotations

import logging
import queue
import threading
import time
import urllib.parse
from dataclasses import dataclass
from typing import Any, Protocol

from workloads.agent.kubernetes import KubernetesApi

_QUICK = 10.0
_WAITING = 100
_MESSAGE = 1024
"""Longest message that the API takes."""

_log = logging.getLogger(__name__)


class Events(Protocol):
    """Takes what people should see. Never blocks, never raises."""

    def emit(self, kind: str, reason: str, message: str) -> None:
        """`kind` is Normal or Warning; `reason` one CamelCase word."""
        ...


class NoEvents:
    """Outside Kubernetes: the log has it too."""

    def emit(self, kind: str, reason: str, message: str) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Pod:
    """Whom the events are about."""

    namespace: str
    name: str
    uid: str


class PodEvents:
    """Sends them one by one; what cannot be sent is dropped, for the log and /versions have it."""

    def __init__(self, api: KubernetesApi, pod: Pod) -> None:
        self._api = api
        self._pod = pod
        self._waiting: queue.Queue[dict[str, Any]] = queue.Queue(maxsize=_WAITING)
        threading.Thread(target=self._send, name="events", daemon=True).start()

    def emit(self, kind: str, reason: str, message: str) -> None:
        """See Events."""
        try:
            self._waiting.put_nowait(self._event(kind, reason, message))
        except queue.Full:
            _log.warning("too many events wait; one is dropped", extra={"fields": {"event": message}})

    def _event(self, kind: str, reason: str, message: str) -> dict[str, Any]:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{self._pod.name}.", "namespace": self._pod.namespace},
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Pod",
                "namespace": self._pod.namespace,
                "name": self._pod.name,
                "uid": self._pod.uid,
            },
            "type": kind,
            "reason": reason,
            "message": message[:_MESSAGE],
            "source": {"component": "slipway-agent"},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }

    def _send(self) -> None:
        path = f"/api/v1/namespaces/{urllib.parse.quote(self._pod.namespace)}/events"
        while True:
            event = self._waiting.get()
            try:
                with self._api.ask("POST", path, _QUICK, event):
                    pass
            except Exception as error:  # noqa: BLE001 - a thread that dies would send no event any more
                _log.warning("an event could not be sent", extra={"fields": {"reason": str(error)}})
