"""Where the provider says what it is doing; the engine shows it beside the resource."""

from __future__ import annotations

from typing import Protocol


class Messages(Protocol):
    """What :class:`plugin_server.EngineLog` offers, so that a test can record it."""

    def status(self, urn: str, message: str) -> None:
        """A passing remark, replaced by the next one."""
        ...

    def info(self, urn: str, message: str) -> None:
        """A remark that stays."""
        ...

    def warning(self, urn: str, message: str) -> None:
        """A warning that stays."""
        ...
