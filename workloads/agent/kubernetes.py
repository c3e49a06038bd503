"""The Kubernetes API over plain HTTPS with the pod's service account: a watch on one ConfigMap, and events.

The role needs get, list and watch on that one ConfigMap (resourceNames; list and watch are allowed by it because of the
field selector) and create on events.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import random
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workloads.agent.document import WatchedDocument
from workloads.agent.exchange import open_answer, read_answer
from workloads.agent.limits import LONGEST_EVENT, LONGEST_REFUSAL, LONGEST_TOKEN
from workloads.artifacts.bounded import parse_json, read_file

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_QUICK = 10.0
_WATCH = 60
"""Seconds until the server ends a watch and it is begun anew. The socket waits a little longer, so a connection that
died without a word is noticed."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds before a watch is begun again: doubled each time, of which a random half is left out. Every pod of the
cluster loses its watch when the API server restarts."""
STEADY = 5.0
"""Seconds. A watch that lasted as long was a good one, and the next is begun at once; a server that ends each at once
would be asked hundreds of times a second (measured)."""
_SHOWN = 300
_LONGEST_VERSION = 100
"""Characters; etcd's have some ten."""

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
        """The response, open, of which everything comes within `timeout` seconds.

        Raises ApiError, OSError, ValueError or http.client.HTTPException.
        """
        connection = self._connection(timeout)
        try:
            token = read_file(self.account / "token", LONGEST_TOKEN).decode().strip()
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            content = None if body is None else json.dumps(body).encode()
            response = open_answer(connection, method, path, timeout, content, headers)
            if response.status >= http.client.MULTIPLE_CHOICES:
                said = read_answer(response, LONGEST_REFUSAL).decode("utf-8", "replace")
                raise ApiError(response.status, said[:_SHOWN])
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
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`chance` gives numbers from 0 to 1."""
        self._api = api
        self._path = f"/api/v1/namespaces/{urllib.parse.quote(namespace)}/configmaps"
        self._only = f"metadata.name={name}"
        self._key = key
        self._document = document
        self._changed = changed
        self._seconds = watch_seconds
        self._clock = clock
        self._chance = chance
        self._pause = FIRST_PAUSE

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set.

        A lost connection, a server that is away and a version that is gone are all met by listing again, and each new
        beginning waits for longer than the one before, until a watch lasted.
        """
        while not stop.is_set():
            try:
                version = self._list()
                while not stop.is_set():
                    began = self._clock()
                    try:
                        version = self._watch(version)
                    finally:
                        steady = self._clock() - began >= STEADY
                        self._pause = FIRST_PAUSE if steady else self._pause
                    if not steady:
                        self._wait(stop)
            except Exception as error:  # noqa: BLE001 - a watch that died would leave the agent deaf
                if not (isinstance(error, ApiError) and error.status == http.client.GONE):
                    self._document.lost()
                    _log.warning(
                        "the watch on the ConfigMap is lost",
                        extra={"fields": {"reason": str(error)[:_SHOWN]}},
                    )
                self._wait(stop)

    def _wait(self, stop: threading.Event) -> None:
        stop.wait(self._pause * (1 + self._chance()) / 2)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _list(self) -> str:
        query = urllib.parse.urlencode({"fieldSelector": self._only})
        with self._api.ask("GET", f"{self._path}?{query}", _QUICK) as response:
            listed = parse_json(read_answer(response, LONGEST_EVENT), LONGEST_EVENT)
        self._tell(listed["items"][0] if listed["items"] else None)
        return _version_of(listed)

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
            for line in iter(lambda: response.readline(LONGEST_EVENT + 1), b""):
                event = parse_json(line, LONGEST_EVENT)
                found = event["object"]
                if event["type"] == "ERROR":
                    raise ApiError(int(found.get("code", 500)), str(found.get("message", "")))
                if event["type"] in {"ADDED", "MODIFIED"}:
                    self._tell(found)
                version = _version_of(found)
        return version

    def _tell(self, config_map: Any) -> None:
        text = (config_map.get("data") or {}).get(self._key) if config_map else None
        if text is not None and not isinstance(text, str):
            raise ValueError(f"the ConfigMap's {self._key} is no text")
        self._document.told(text)
        self._changed()


def _version_of(found: Any) -> str:
    version = str(found["metadata"]["resourceVersion"])
    if len(version) > _LONGEST_VERSION:
        raise ValueError(f"a resourceVersion has more than {_LONGEST_VERSION} characters")
    return version
