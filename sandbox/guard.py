"""Keeps the emulators away from real accounts.

An emulated provider answers to the same name as a real one, so it must be certain that it serves the
sandbox: all of the rules below hold, or every call is refused with a message that says which one did not.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

STACK: Final = "sandbox"
"""The stack of `make up`."""

STACKS: Final = (STACK, "sandbox-platform", "sandbox-serving")
"""All that the emulators serve: the one stack, and the two that it can be split into."""

SANDBOX_VARIABLE: Final = "SLIPWAY_SANDBOX"
"""Names the sandbox's folder; set by ``slipway sandbox env`` only."""

_REMEDY: Final = (
    'Run `eval "$(slipway sandbox env)"` for the sandbox, or open a shell without it for a real account.'
)


def refusal(environment: Mapping[str, str], urn: str | None = None) -> str | None:
    """Return the reason why an emulator must not run here, or None when it may.

    Args:
        environment: the process environment.
        urn: the resource or provider that a call is about; its stack must be the sandbox's.
    """
    reason = _reason(environment, urn)
    return f"the emulated providers refuse: {reason}. {_REMEDY}" if reason else None


def of_process(urn: str | None = None) -> str | None:
    """:func:`refusal` in the environment of this process; the emulators' server asks it before every call."""
    return refusal(os.environ, urn)


def _reason(environment: Mapping[str, str], urn: str | None) -> str | None:
    folder = environment.get(SANDBOX_VARIABLE)
    if not folder:
        return f"{SANDBOX_VARIABLE} is not set"
    endpoint = environment.get("AWS_ENDPOINT_URL", "")
    if not is_loopback(endpoint):
        return f"AWS_ENDPOINT_URL is {endpoint or 'not set'}, not a loopback address"
    backend = environment.get("PULUMI_BACKEND_URL", "")
    if not _is_inside(backend, Path(folder)):
        return f"PULUMI_BACKEND_URL is {backend or 'not set'}, not the sandbox's folder {folder}"
    if urn and (stack := stack_of(urn)) not in STACKS:
        return f"the stack is {stack!r}, and only {', '.join(map(repr, STACKS))} are emulated"
    return None


def is_loopback(url: str) -> bool:
    """True if a URL's host is a loopback address, so that nothing sent there leaves the machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def stack_of(urn: str) -> str:
    """The stack in ``urn:pulumi:STACK::PROJECT::TYPE::NAME``; empty when the URN has another form."""
    parts = urn.split("::")[0].split(":")
    return parts[2] if len(parts) == 3 else ""


def _is_inside(url: str, folder: Path) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "file" and Path(unquote(parts.path)).resolve().is_relative_to(folder.resolve())
