"""Reads a kubeconfig into what is needed to talk to one cluster.

Only loopback API servers are accepted: an emulator must never reach a real cluster.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from plugin_server import ProviderError
from sandbox.guard import is_loopback

_NOT_EMULATED: Final = {
    "proxy-url": "a proxy",
    "auth-provider": "an auth-provider (removed from Kubernetes in 1.26)",
    "username": "basic authentication (removed from Kubernetes in 1.19)",
}


@dataclass(frozen=True, kw_only=True)
class ExecPlugin:
    """A command that prints an ExecCredential, such as ``aws eks get-token``."""

    command: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    api_version: str
    install_hint: str = ""


@dataclass(frozen=True, kw_only=True)
class User:
    """How to prove who one is; all fields empty is anonymous."""

    token: str = ""
    token_file: Path | None = None
    certificate: bytes = b""
    """PEM client certificate."""
    key: bytes = b""
    """PEM private key of the certificate."""
    exec_plugin: ExecPlugin | None = None


@dataclass(frozen=True, kw_only=True)
class ClusterAccess:
    """One cluster and one user of a kubeconfig."""

    server: str
    """Base URL without a trailing slash; its host is a loopback address."""
    certificate_authority: bytes
    """PEM; empty means the system's authorities."""
    verify: bool
    server_name: str
    """Name to expect in the server's certificate; empty means the URL's host."""
    namespace: str
    """Namespace of the context; empty when it names none."""
    user: User


def parse(text: str) -> dict[str, Any]:
    """The kubeconfig in ``text``: YAML or JSON contents, or the path of a file with such contents.

    Raises:
        ProviderError: it is neither.
    """
    contents = text
    if "\n" not in text and "{" not in text:
        path = Path(text).expanduser()
        if not path.is_file():
            raise ProviderError(f"kubeconfig: {text!r} is neither a kubeconfig nor an existing file")
        contents = path.read_text()
    try:
        document = yaml.safe_load(contents)
    except yaml.YAMLError as error:
        raise ProviderError(f"kubeconfig: not valid YAML or JSON: {error}") from error
    if not isinstance(document, dict):
        raise ProviderError("kubeconfig: expected a mapping with clusters, users and contexts")
    return document


def active_cluster(config: Mapping[str, Any], context: str, cluster: str) -> dict[str, Any] | None:
    """The cluster entry that would be used, for comparing two configurations; None when there is none.

    Args:
        config: a parsed kubeconfig.
        context: context to use; empty for the current one.
        cluster: cluster to use in place of the context's; empty for the context's.
    """
    chosen = _named(config, "contexts", context or config.get("current-context", ""), "context") or {}
    return _named(config, "clusters", cluster or chosen.get("cluster", ""), "cluster")


def access(config: Mapping[str, Any], context: str = "", cluster: str = "") -> ClusterAccess:
    """What is needed to talk to the chosen cluster.

    Raises:
        ProviderError: the context, cluster or user is missing, is not emulated, or is not on this machine.
    """
    context_name = context or config.get("current-context", "")
    chosen = _named(config, "contexts", context_name, "context")
    if chosen is None and not cluster:
        named = f"context {context_name!r}" if context_name else "current-context"
        raise ProviderError(f"kubeconfig: it has no {named}")
    chosen = chosen or {}
    entry = active_cluster(config, context, cluster)
    if entry is None:
        raise ProviderError(f"kubeconfig: it has no cluster {cluster or chosen.get('cluster', '')!r}")
    _refuse_unsupported(entry)
    server = str(entry.get("server", "")).rstrip("/")
    if not is_loopback(server):
        raise ProviderError(
            f"kubeconfig: the API server {server or '(none)'} is not on this machine; the emulated provider "
            "serves the sandbox's cluster only. Use the real provider for a real cluster: open a shell "
            'without `eval "$(slipway sandbox env)"`.'
        )
    user_name = chosen.get("user", "")
    user = _named(config, "users", user_name, "user")
    if user is None and user_name:
        raise ProviderError(f"kubeconfig: it has no user {user_name!r}")
    return ClusterAccess(
        server=server,
        certificate_authority=_material(entry, "certificate-authority"),
        verify=not entry.get("insecure-skip-tls-verify", False),
        server_name=str(entry.get("tls-server-name", "")),
        namespace=str(chosen.get("namespace", "")),
        user=_user(user or {}),
    )


def _user(entry: Mapping[str, Any]) -> User:
    _refuse_unsupported(entry)
    token_file = entry.get("tokenFile")
    return User(
        token=str(entry.get("token", "")),
        token_file=Path(token_file) if token_file else None,
        certificate=_material(entry, "client-certificate"),
        key=_material(entry, "client-key"),
        exec_plugin=_exec_plugin(entry["exec"]) if entry.get("exec") else None,
    )


def _exec_plugin(entry: Mapping[str, Any]) -> ExecPlugin:
    api_version = str(entry.get("apiVersion", ""))
    if api_version not in ("client.authentication.k8s.io/v1beta1", "client.authentication.k8s.io/v1"):
        raise ProviderError(
            f"kubeconfig: exec apiVersion {api_version!r} is not supported; "
            "use client.authentication.k8s.io/v1beta1 or v1"
        )
    return ExecPlugin(
        command=str(entry.get("command", "")),
        arguments=tuple(str(word) for word in entry.get("args") or ()),
        environment={str(pair["name"]): str(pair["value"]) for pair in entry.get("env") or ()},
        api_version=api_version,
        install_hint=str(entry.get("installHint", "")),
    )


def _refuse_unsupported(entry: Mapping[str, Any]) -> None:
    for key, what in _NOT_EMULATED.items():
        if entry.get(key):
            raise ProviderError(f"kubeconfig: {what} ({key}) is not emulated")


def _material(entry: Mapping[str, Any], key: str) -> bytes:
    encoded = entry.get(f"{key}-data")
    if encoded:
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ProviderError(f"kubeconfig: {key}-data is not base64: {error}") from error
    path = entry.get(key)
    if not path:
        return b""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ProviderError(f"kubeconfig: {key}: {error}") from error


def _named(config: Mapping[str, Any], section: str, name: str, key: str) -> dict[str, Any] | None:
    for entry in config.get(section) or ():
        if entry.get("name") == name:
            return dict(entry.get(key) or {})
    return None
