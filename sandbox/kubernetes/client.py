"""A small typed client of the Kubernetes API: JSON over HTTPS, retries, watches.

On urllib3 rather than the `kubernetes` package: the provider needs six verbs on untyped objects, and of
urllib3 just the TLS context of one authority and streams that another thread can end.
"""

from __future__ import annotations

import json
import random
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import urllib3

from plugin_server import ProviderError
from sandbox.kubernetes.credentials import Credentials
from sandbox.kubernetes.kubeconfig import ClusterAccess

Json = dict[str, Any]

_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 60
_CONNECTIONS: Final = 64
"""As many as the plugin's server has threads."""

_RETRIED: Final = frozenset({429, 502, 503, 504})
_FIRST_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 2.0
_REMEMBER_DOWN_SECONDS: Final = 10.0
"""After a server did not answer at all, others wait for one try only, not each for the whole patience."""


@dataclass(frozen=True)
class Cause:
    """One field that the API server complains about."""

    reason: str
    message: str
    field: str


class ApiError(Exception):
    """An answer of the API server that is not a success."""

    def __init__(self, status: int, body: Json) -> None:
        self.status = status
        self.reason = str(body.get("reason") or "")
        self.message = str(body.get("message") or f"HTTP status {status}")
        self.details: Json = body.get("details") or {}
        super().__init__(self.message)

    @property
    def causes(self) -> tuple[Cause, ...]:
        """The fields that it is about, when the server says so."""
        return tuple(
            Cause(str(c.get("reason", "")), str(c.get("message", "")), str(c.get("field", "")))
            for c in self.details.get("causes") or ()
        )


class UnreachableError(ProviderError):
    """The API server does not answer."""


class CancelledError(ProviderError):
    """The engine asked to stop waiting."""


@dataclass(frozen=True)
class Event:
    """One line of a watch."""

    type: str
    """ADDED, MODIFIED, DELETED or BOOKMARK."""
    object: Json


class ApiClient:
    """Talks to one API server; thread-safe.

    Args:
        access: the cluster and the user.
        patience: seconds for which a server that does not answer, or answers 429 or 5xx, is asked again.
    """

    def __init__(self, access: ClusterAccess, patience: float = 10) -> None:
        self.server = access.server
        self._credentials = Credentials(access)
        self._patience = patience
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=_CONNECTIONS,
            ssl_context=_tls(access) if access.server.startswith("https:") else None,
            assert_hostname=access.server_name or None,
        )
        self._down_since = 0.0
        self._streams: set[urllib3.BaseHTTPResponse] = set()
        self._streams_lock = threading.Lock()
        self.cancelled = threading.Event()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        """GET a path.

        Raises:
            ApiError: the server answered with a failure.
            UnreachableError: it did not answer.
        """
        return self._request("GET", path, query)

    def find(self, path: str) -> Json | None:
        """GET a path; None where there is nothing."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def apply(self, path: str, query: Mapping[str, str], body: Json) -> Json:
        """Server-side apply."""
        return self._request("PATCH", path, query, body, "application/apply-patch+yaml")

    def merge(self, path: str, query: Mapping[str, str], body: Json) -> Json:
        """JSON merge patch: how others change objects."""
        return self._request("PATCH", path, query, body, "application/merge-patch+json")

    def delete(self, path: str, options: Json) -> Json:
        """DELETE with DeleteOptions."""
        return self._request("DELETE", path, None, options, "application/json")

    def watch(self, path: str, query: Mapping[str, str], version: str, seconds: float) -> Iterator[Event]:
        """What changes under a path after a resource version; ends after ``seconds`` or on a disconnect.

        Raises:
            ApiError: among others 410, when the version is too old to continue from.
            CancelledError: :meth:`cancel` was called.
        """
        whole = {
            **query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(max(1, round(seconds))),
        }
        response = self._send("GET", path, whole, None, "", stream=True)
        with self._streams_lock:
            self._streams.add(response)
        try:
            if response.status != 200:
                raise _failure(response.status, response.data)
            for line in _lines(response):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise ApiError(int(event["object"].get("code") or 500), event["object"])
                yield Event(event["type"], event["object"])
        except (urllib3.exceptions.HTTPError, OSError, ValueError):
            # A broken stream, perhaps in the middle of a line: the caller lists again.
            return
        finally:
            with self._streams_lock:
                self._streams.discard(response)
            response.close()
            self.raise_if_cancelled()

    def cancel(self) -> None:
        """Ends all watches and refuses to wait from now on."""
        self.cancelled.set()
        with self._streams_lock:
            streams = list(self._streams)
        for stream in streams:
            try:
                stream.shutdown()
            except (ValueError, RuntimeError, OSError):
                continue  # it has ended by itself meanwhile

    def close(self) -> None:
        """Ends the connections that are kept for reuse."""
        self._pool.clear()

    def raise_if_cancelled(self) -> None:
        """
        Raises:
            CancelledError: the engine asked to stop.
        """
        if self.cancelled.is_set():
            raise CancelledError("cancelled while waiting for the cluster")

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Json | None = None,
        content_type: str = "",
    ) -> Json:
        response = self._send(method, path, query or {}, body, content_type, stream=False)
        if response.status >= 400:
            raise _failure(response.status, response.data)
        answer: Json = json.loads(response.data)
        return answer

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Json | None,
        content_type: str,
        *,
        stream: bool,
    ) -> urllib3.BaseHTTPResponse:
        """Every request made here may be repeated: GET, apply and DELETE are idempotent."""
        give_up = time.monotonic() + self._patience
        pause = _FIRST_PAUSE_SECONDS
        renewed = False
        while True:
            token = self._credentials.token()
            asked = pause
            try:
                response = self._once(method, path, query, body, content_type, token, stream=stream)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                now = time.monotonic()
                known_down = self._down_since and now - self._down_since < _REMEMBER_DOWN_SECONDS
                if now + pause >= give_up or known_down:
                    self._down_since = self._down_since if known_down else now
                    raise UnreachableError(_down(self.server, error)) from error
            else:
                self._down_since = 0.0
                if response.status == 401 and not renewed and self._credentials.refused(token):
                    renewed = True
                    response.drain_conn()
                    continue
                if response.status not in _RETRIED or time.monotonic() + pause >= give_up:
                    return response
                asked = _retry_after(response, pause)
                response.drain_conn()
            if self.cancelled.wait(asked * random.uniform(0.8, 1.2)):  # noqa: S311 (jitter, not a secret)
                self.raise_if_cancelled()
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _once(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Json | None,
        content_type: str,
        token: str,
        *,
        stream: bool,
    ) -> urllib3.BaseHTTPResponse:
        headers = {"Accept": "application/json", "User-Agent": "slipway-sandbox"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers["Content-Type"] = content_type
        url = self.server + path
        if query:
            url += "?" + urlencode(query)
        return self._pool.request(
            method,
            url,
            headers=headers,
            body=None if body is None else json.dumps(body).encode(),
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
            retries=False,
            redirect=False,  # a redirect could lead off this machine
            preload_content=not stream,
        )


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    for chunk in response.stream(64 * 1024):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line)


def _failure(status: int, data: bytes) -> ApiError:
    try:
        body = json.loads(data)
    except ValueError:
        body = {"message": data.decode(errors="replace").strip()}
    return ApiError(status, body if isinstance(body, dict) else {})


def _retry_after(response: urllib3.BaseHTTPResponse, fallback: float) -> float:
    asked = response.headers.get("Retry-After", "")
    return min(float(asked), _LONGEST_PAUSE_SECONDS) if asked.isdigit() else fallback


def _down(server: str, error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
    return f"the API server at {server} does not answer ({cause}); run `slipway sandbox start`"


def _tls(access: ClusterAccess) -> ssl.SSLContext:
    context = ssl.create_default_context(
        cadata=access.certificate_authority.decode() if access.certificate_authority else None
    )
    if not access.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if access.user.certificate:
        # The ssl module takes a client certificate from a file only; it is read at once and removed.
        with tempfile.NamedTemporaryFile() as pair:
            pair.write(access.user.certificate + b"\n" + access.user.key)
            pair.flush()
            context.load_cert_chain(pair.name)
    return context
