"""Bearer tokens for the API server, from a kubeconfig's user.

Tokens stay in memory: they are part of no property, no log line and no state.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from plugin_server import ProviderError
from sandbox.kubernetes.kubeconfig import ClusterAccess, ExecPlugin

_EXEC_TIMEOUT_SECONDS: Final = 60

_EARLY: Final = timedelta(seconds=10)
"""A token is renewed this long before it expires, so that it does not expire under way."""


_GONE: Final = "ResourceNotFoundException"
"""What the AWS command line says of a cluster that does not exist."""


class ClusterGoneError(ProviderError):
    """The cluster does not exist any more, and its objects went with it."""


class Credentials:
    """Answers with a valid bearer token; thread-safe."""

    def __init__(self, access: ClusterAccess) -> None:
        self._user = access.user
        self._server = access.server
        self._lock = threading.Lock()
        self._token = ""
        self._expires: datetime | None = None
        self._gone: ClusterGoneError | None = None

    def token(self) -> str:
        """A token to send, or an empty string when the user has none.

        Raises:
            ClusterGoneError: the exec plugin says that there is no such cluster.
            ProviderError: it failed or printed something else than an ExecCredential.
        """
        if self._user.token:
            return self._user.token
        if self._user.token_file:
            return self._user.token_file.read_text().strip()
        if not self._user.exec_plugin:
            return ""
        with self._lock:
            if self._gone:
                raise self._gone
            if not self._token or self._expired():
                self._token, self._expires = self._run(self._user.exec_plugin)
            return self._token

    def refused(self, token: str) -> bool:
        """Forgets a token that the server answered with 401; whether another one can be had."""
        if not self._user.exec_plugin:
            return False
        with self._lock:
            if self._token == token:
                self._token = ""
        return True

    def _expired(self) -> bool:
        return self._expires is not None and datetime.now(UTC) >= self._expires - _EARLY

    def _run(self, plugin: ExecPlugin) -> tuple[str, datetime | None]:
        request = {
            "apiVersion": plugin.api_version,
            "kind": "ExecCredential",
            "spec": {"interactive": False, "cluster": {"server": self._server}},
        }
        environment = {**os.environ, **plugin.environment, "KUBERNETES_EXEC_INFO": json.dumps(request)}
        words = " ".join((plugin.command, *plugin.arguments))
        try:
            done = subprocess.run(
                (plugin.command, *plugin.arguments),
                env=environment,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                text=True,
                timeout=_EXEC_TIMEOUT_SECONDS,
                check=False,
            )
        except FileNotFoundError as error:
            hint = plugin.install_hint or "Is its folder on PATH?"
            raise ProviderError(
                f"kubeconfig: the credential command {plugin.command!r} was not found. {hint}"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise ProviderError(
                f"kubeconfig: `{words}` gave no credential within {_EXEC_TIMEOUT_SECONDS} s"
            ) from error
        if done.returncode:
            said = done.stderr.strip().splitlines()[-1:] or ["it printed nothing"]
            if _GONE in said[0]:
                self._gone = ClusterGoneError(f"the cluster is gone: {said[0]}")
                raise self._gone
            raise ProviderError(f"kubeconfig: `{words}` failed with status {done.returncode}: {said[0]}")
        return _credential(done.stdout, plugin, words)


def _credential(output: str, plugin: ExecPlugin, words: str) -> tuple[str, datetime | None]:
    try:
        answer: Any = json.loads(output)
    except json.JSONDecodeError as error:
        raise ProviderError(f"kubeconfig: `{words}` printed something else than an ExecCredential") from error
    if not isinstance(answer, dict) or answer.get("kind") != "ExecCredential":
        raise ProviderError(f"kubeconfig: `{words}` printed something else than an ExecCredential")
    if answer.get("apiVersion") != plugin.api_version:
        raise ProviderError(
            f"kubeconfig: `{words}` answered in {answer.get('apiVersion')}, expected {plugin.api_version}"
        )
    status = answer.get("status") or {}
    if not status.get("token"):
        raise ProviderError(f"kubeconfig: `{words}` answered without a token; others are not emulated")
    expires = status.get("expirationTimestamp")
    try:
        return str(status["token"]), datetime.fromisoformat(expires) if expires else None
    except ValueError as error:
        raise ProviderError(f"kubeconfig: `{words}`: bad expirationTimestamp {expires!r}") from error
