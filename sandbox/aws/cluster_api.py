"""The local API server, reached with the administrator's kubeconfig that the control plane wrote."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests
import yaml

from plugin_server.provider import ProviderError
from sandbox.paths import SandboxPaths

_REMEDY: Final = "run `slipway sandbox start`"
_TIMEOUT_SECONDS: Final = 20
_BUSY: Final = frozenset({429, 503})
"""Codes of calls to repeat, e.g. "storage is (re)initializing" of a kind whose definition is some seconds old."""

_BUSY_SECONDS: Final = 30.0
_BUSY_PAUSE_SECONDS: Final = 0.5
_MERGE_PATCH: Final = "application/merge-patch+json"


class ClusterApiError(ProviderError):
    """A request that the API server refused."""

    def __init__(self, answer: requests.Response) -> None:
        try:
            message = answer.json().get("message", answer.text)
        except requests.JSONDecodeError:
            message = answer.text
        super().__init__(
            f"the local API server refused {answer.request.method} {answer.request.path_url}: "
            f"{answer.status_code}: {' '.join(message.split())}"
        )
        self.status = answer.status_code


@dataclass(frozen=True)
class ClusterApi:
    """A Kubernetes API server with one bearer token."""

    server: str
    authority: str
    """The certificate authority, PEM in base64, as EKS returns it."""
    token: str
    authority_file: Path
    """The same as a file, which is what requests takes."""

    @classmethod
    def open(cls, paths: SandboxPaths) -> ClusterApi:
        """The control plane of a sandbox.

        Raises:
            ProviderError: it was never started.
        """
        try:
            kubeconfig = yaml.safe_load(paths.admin_kubeconfig.read_text())
        except FileNotFoundError:
            raise ProviderError(
                f"the local control plane is not there ({paths.admin_kubeconfig} is missing); {_REMEDY}"
            ) from None
        cluster = kubeconfig["clusters"][0]["cluster"]
        return cls(
            server=cluster["server"],
            authority=cluster.get("certificate-authority-data", ""),
            token=kubeconfig["users"][0]["user"]["token"],
            authority_file=paths.cluster_ca,
        )

    def find(self, path: str, **parameters: str) -> dict[str, Any] | None:
        """GET; None when there is no such object."""
        answer = self._send("GET", path, parameters=parameters)
        return None if answer.status_code == 404 else self._content(answer)

    def items(self, path: str, **parameters: str) -> list[dict[str, Any]]:
        """The items of a list."""
        listing = self.find(path, **parameters) or {}
        return list(listing.get("items") or [])

    def create(self, path: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """POST."""
        return self._content(self._send("POST", path, content))

    def merge(self, path: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """PATCH with JSON merge semantics: null removes, a list is replaced."""
        return self._content(self._send("PATCH", path, content, content_type=_MERGE_PATCH))

    def delete(self, path: str, **options: Any) -> None:
        """DELETE; an object that is gone already is no error."""
        answer = self._send("DELETE", path, {"apiVersion": "v1", "kind": "DeleteOptions", **options})
        if answer.status_code != 404:
            self._content(answer)

    def is_ready(self) -> bool:
        """True if the API server says that it is ready."""
        try:
            return self._send("GET", "/readyz").ok
        except ProviderError:
            return False

    def await_ready(self, seconds: float, wait: Callable[[float], None], say: Callable[[str], None]) -> None:
        """Waits until the API server is ready.

        Raises:
            ProviderError: it did not become ready in time.
        """
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise ProviderError(
                    f"the local API server at {self.server} was not ready within {seconds:g} s; {_REMEDY}"
                )
            say(f"waiting for the local API server at {self.server}")
            wait(0.5)

    def _send(
        self,
        method: str,
        path: str,
        content: Mapping[str, Any] | None = None,
        *,
        parameters: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        give_up = time.monotonic() + _BUSY_SECONDS
        with requests.Session() as session:
            session.trust_env = False  # a proxy from the environment must not see loopback traffic
            while True:
                try:
                    answer = session.request(
                        method,
                        self.server + path,
                        params=parameters,
                        json=content,
                        headers={**headers, "Content-Type": content_type} if content is not None else headers,
                        verify=str(self.authority_file),
                        timeout=_TIMEOUT_SECONDS,
                    )
                except requests.RequestException:
                    raise ProviderError(
                        f"the local API server at {self.server} does not answer; {_REMEDY}"
                    ) from None
                if answer.status_code not in _BUSY or time.monotonic() > give_up:
                    return answer
                time.sleep(_BUSY_PAUSE_SECONDS)

    def _content(self, answer: requests.Response) -> dict[str, Any]:
        if not answer.ok:
            raise ClusterApiError(answer)
        content: dict[str, Any] = answer.json()
        return content
