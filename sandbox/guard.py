"""Keeps the emulators away from real accounts.

An emulated provider answers to the same name as a real one, so it must be certain that it serves the
sandbox: all of the rules below hold, or every call is refused with a message that says which one did not.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from sandbox.foreign_variables import foreign

STACK: Final = "sandbox"
"""The stack of `make up`."""

STACKS: Final = (STACK, "sandbox-platform", "sandbox-serving")
"""All that the emulators serve: the one stack, and the two that it can be split into."""

SANDBOX_VARIABLE: Final = "SLIPWAY_SANDBOX"
"""Names the sandbox's folder; set by ``slipway sandbox env`` only."""

_PROXIES: Final = frozenset({"all_proxy", "http_proxy", "https_proxy"})
"""Variables that name a proxy, in lower case; clients read both spellings."""

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
    for variable, holds, what in _OWN:
        value = environment.get(variable, "")
        if not holds(value, Path(folder)):
            return f"{variable} is {value or 'not set'}, not {what.format(folder=folder)}"
    for variable, effect in foreign(environment).items():
        if environment[variable]:
            return f"{variable} is set, which {effect}"
    if reason := _proxied(environment):
        return reason
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


def _is_inside(path: str, folder: Path) -> bool:
    return bool(path) and Path(path).resolve().is_relative_to(folder.resolve())


def _are_inside(paths: str, folder: Path) -> bool:
    """True if each of the paths, which stand as in PATH, is in the folder."""
    return all(_is_inside(path, folder) for path in paths.split(os.pathsep))


def _is_url_inside(url: str, folder: Path) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "file" and _is_inside(unquote(parts.path), folder)


def _proxied(environment: Mapping[str, str]) -> str | None:
    """The reason why calls to loopback may go to a proxy, which would take 127.0.0.1 for itself; None when they do not.

    A proxy may be set, since pip and Go need one in many companies; either spelling of NO_PROXY may be the one that a
    client reads.
    """
    proxy = next((name for name in sorted(environment) if name.lower() in _PROXIES and environment[name]), "")
    host = urlsplit(environment["AWS_ENDPOINT_URL"]).hostname
    for variable in ("NO_PROXY", "no_proxy"):
        exempt = {entry.strip() for entry in environment.get(variable, "").split(",")}
        if proxy and not exempt & {host, "*"}:
            return f"{proxy} is set, and {variable} does not name {host}"
    return None


_OWN: Final[tuple[tuple[str, Callable[[str, Path], bool], str], ...]] = (
    ("AWS_ENDPOINT_URL", lambda url, _: is_loopback(url), "a loopback address"),
    (
        "AWS_CONFIG_FILE",
        lambda path, _: path == os.devnull,
        f"{os.devnull}: a profile may name other endpoints",
    ),
    (
        "AWS_SHARED_CREDENTIALS_FILE",
        lambda path, _: path == os.devnull,
        f"{os.devnull}: it may hold real credentials",
    ),
    ("KUBECONFIG", _are_inside, "in the sandbox's folder {folder}"),
    ("PULUMI_BACKEND_URL", _is_url_inside, "the sandbox's folder {folder}"),
    ("PULUMI_HOME", _is_inside, "in the sandbox's folder {folder}"),
)
"""Variables that `slipway sandbox env` sets, what their values must be, and the same in words."""
