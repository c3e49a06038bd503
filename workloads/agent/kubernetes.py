"""The Kubernetes API over plain HTTPS with the pod's service account: a watch on one ConfigMap, and events.

The role needs get, list and watch on that one ConfigMap (resourceNames; list and watch are allowed by it because of the
field selector) and create on events.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workloads.agent.document import WatchedDocument

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_QUICK = 10.0
_WATCH = 60
"""Seconds until the server ends a watch and it is begun anew. The socket waits a little longer, so a connection that
died without a word is noticed."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0

_log = logging.getLogger(__name__)


class ApiError(Exception):
    """The API server answered, and not with success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"the Kubernetes API says {status}: {message}")
        self.status = status


@dataclass(frozen=True)
class KubernetesApi:
    """One API server. The token is read for each request: the kubelet replaces it about once an hour."""

    url: str
    account: Path = _ACCOUNT

    @staticmethod
    def of_this_pod() -> KubernetesApi:
        """As the pod's environment says. Raises KeyError outside a pod.

        SLIPWAY_SERVICE_ACCOUNT names another folder of the token: nothing is mounted where no container runs.
        """
        host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
        url = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
        return KubernetesApi(url, Path(os.environ.get("SLIPWAY_SERVICE_ACCOUNT", _ACCOUNT)))

    @contextmanager
    def ask(
        self, method: str, path: str, timeout: float, body: Any = None
    ) -> Iterator[http.client.HTTPResponse]:
        """The response, open. Raises ApiError, OSError or http.client.HTTPException."""
        connection = self._connection(timeout)
        try:
            token = (self.account / "token").read_text(encoding="utf-8").strip()
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            content = None if body is None else json.dumps(body).encode()
            connection.request(method, path, body=content, headers=headers)
            response = connection.getresponse()
            if response.status >= http.client.MULTIPLE_CHOICES:
                raise ApiError(response.status, response.read().decode("utf-8", "replace")[:300])
            yield response
        finally:
            connection.close()

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        where = urllib.parse.urlsplit(self.url)
        if where.scheme == "http":
            return http.client.HTTPConnection(where.netloc, timeout=timeout)
        context = ssl.create_default_context(cafile=str(self.account / "ca.crt"))
        return http.client.HTTPSConnection(where.netloc, timeout=timeout, context=context)


class ConfigMapWatch:
    """Tells a document what one key of one ConfigMap holds, at once."""

    def __init__(
        self,
        api: KubernetesApi,
        namespace: str,
        name: str,
        key: str,
        document: WatchedDocument,
        *,
        changed: Callable[[], None],
        watch_seconds: int = _WATCH,
    ) -> None:
        self._api = api
        self._path = f"/api/v1/namespaces/{urllib.parse.quote(namespace)}/configmaps"
        self._only = f"metadata.name={name}"
        self._key = key
        self._document = document
        self._changed = changed
        self._seconds = watch_seconds

    def run(self, stop: threading.Event) -> None:
        """Until told to stop. A lost connection, a server that is away and a version that is gone are all met by
        listing again, at growing intervals."""
        pause = _FIRST_PAUSE
        while not stop.is_set():
            try:
                version = self._list()
                pause = _FIRST_PAUSE
                while not stop.is_set():
                    version = self._watch(version)
            except Exception as error:  # noqa: BLE001 - a watch that died would leave the agent deaf
                gone = isinstance(error, ApiError) and error.status == http.client.GONE
                if not gone:
                    self._document.lost()
                    _log.warning(
                        "the watch on the ConfigMap is lost", extra={"fields": {"reason": str(error)}}
                    )
                    stop.wait(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)

    def _list(self) -> str:
        query = urllib.parse.urlencode({"fieldSelector": self._only})
        with self._api.ask("GET", f"{self._path}?{query}", _QUICK) as response:
            listed = json.load(response)
        self._tell(listed["items"][0] if listed["items"] else None)
        return str(listed["metadata"]["resourceVersion"])

    def _watch(self, version: str) -> str:
        """One watch, to its end; the version to go on from. Raises ApiError 410 where that version is too old."""
        query = urllib.parse.urlencode(
            {
                "allowWatchBookmarks": "true",
                "fieldSelector": self._only,
                "resourceVersion": version,
                "timeoutSeconds": self._seconds,
                "watch": "1",
            }
        )
        with self._api.ask("GET", f"{self._path}?{query}", self._seconds + _QUICK) as response:
            for line in response:
                event = json.loads(line)
                found = event["object"]
                if event["type"] == "ERROR":
                    raise ApiError(int(found.get("code", 500)), str(found.get("message", "")))
                if event["type"] in {"ADDED", "MODIFIED"}:
                    self._tell(found)
                version = str(found["metadata"]["resourceVersion"])
        return version

    def _tell(self, config_map: Any) -> None:
        self._document.told((config_map.get("data") or {}).get(self._key) if config_map else None)
        self._changed()
