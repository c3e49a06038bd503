"""Finds out if a local server answers."""

from __future__ import annotations

from pathlib import Path

import requests


def answers(url: str, authority: Path | None = None, token: str = "", timeout_seconds: float = 2.0) -> bool:
    """True if a GET of a loopback URL succeeds. Proxies and CA bundles of the environment are not for loopback."""
    with requests.Session() as session:
        session.trust_env = False
        if token:
            session.headers["Authorization"] = f"Bearer {token}"
        try:
            answer = session.get(url, verify=str(authority) if authority else True, timeout=timeout_seconds)
        except requests.RequestException:
            return False
        return bool(answer.ok)
