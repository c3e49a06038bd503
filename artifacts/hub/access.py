"""Endpoint and token of the Hub come from the environment variables that huggingface_hub reads.

The token is in no argument, message or repr. It goes to the endpoint's own origin and to no other host, although large
files are redirected to a content network.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from artifacts.errors import RefusedError

DEFAULT_ENDPOINT: Final = "https://huggingface.co"

_PORTS: Final = {"http": 80, "https": 443}
_TRUE: Final = frozenset({"1", "ON", "YES", "TRUE"})
"""Values that huggingface_hub 2.4.0 takes for on (constants.py)."""


@dataclass(frozen=True, kw_only=True)
class HubAccess:
    """One Hub, and the token that it is asked with."""

    endpoint: str
    """Its address, without a slash at the end."""
    token: str | None = field(default=None, repr=False)
    """None asks as nobody, which public repositories allow."""

    def is_own(self, url: str) -> bool:
        """Return whether the URL has the endpoint's origin, which alone may see the token."""
        return _origin(url) == _origin(self.endpoint)

    def may_be_asked(self, url: str) -> bool:
        """Return whether a redirect to the URL is followed: https, and loopback where the endpoint is there too."""
        scheme, host, _ = _origin(url)
        return bool(host) and (scheme == "https" or (_is_local(url) and _is_local(self.endpoint)))


def hub_access(environment: Mapping[str, str], home: Path) -> HubAccess:
    """Read HF_ENDPOINT, and the token of HF_TOKEN or of its file.

    Raises:
        RefusedError: the endpoint is no https address, or the token cannot be one.
    """
    endpoint = environment.get("HF_ENDPOINT", "").strip().rstrip("/") or DEFAULT_ENDPOINT
    _must_be_safe(endpoint)
    return HubAccess(endpoint=endpoint, token=_token(environment, home))


def _must_be_safe(endpoint: str) -> None:
    if "@" in endpoint:
        raise RefusedError(
            "HF_ENDPOINT holds a user name or password. Fix: leave them out; a token belongs in HF_TOKEN"
        )
    scheme, host, _ = _origin(endpoint)
    if not host or set("?#") & set(endpoint) or not (scheme == "https" or _is_local(endpoint)):
        raise RefusedError(
            f"HF_ENDPOINT is {endpoint!r}, and token and files would pass unprotected or nowhere. Fix: write an "
            f"address as in {DEFAULT_ENDPOINT}; http is taken on loopback alone"
        )


def _is_local(url: str) -> bool:
    scheme, host, _ = _origin(url)
    if scheme != "http":
        return False
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port; no host for what is no address."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return "", "", None


def _token(environment: Mapping[str, str], home: Path) -> str | None:
    if environment.get("HF_HUB_DISABLE_IMPLICIT_TOKEN", "").upper() in _TRUE:
        return None
    written = environment.get("HF_TOKEN") or environment.get("HUGGING_FACE_HUB_TOKEN")
    path = _token_path(environment, home)
    token = (written or _text(path)).replace("\r", "").replace("\n", "").strip()
    if not all("!" <= character <= "~" for character in token):
        place = "HF_TOKEN" if written else str(path)
        raise RefusedError(
            f"{place} holds no token: a token has printable ASCII characters and no space. Fix: write it anew from the "
            "Hub's settings, https://huggingface.co/settings/tokens"
        )
    return token or None


def _token_path(environment: Mapping[str, str], home: Path) -> Path:
    """Return the file that `hf auth login` writes."""
    cache = environment.get("XDG_CACHE_HOME") or str(home / ".cache")
    hub_home = environment.get("HF_HOME") or f"{cache}/huggingface"
    written = environment.get("HF_TOKEN_PATH") or f"{hub_home}/token"
    return Path(os.path.expandvars(written)).expanduser()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedError(
            f"the token file {path} cannot be read: {type(error).__name__}. Fix: make it readable, or set HF_TOKEN"
        ) from error
