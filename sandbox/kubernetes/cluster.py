"""One configured cluster: its settings, its API and the kinds that it knows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from plugin_server import Properties, ProviderError
from sandbox.kubernetes.apply import Target, target_of
from sandbox.kubernetes.client import ApiClient, ApiError, UnreachableError
from sandbox.kubernetes.credentials import ClusterGoneError
from sandbox.kubernetes.discovery import Discovery, Kind
from sandbox.kubernetes.settings import Settings
from sandbox.kubernetes.types import api_version_and_kind

_T = TypeVar("_T")

PATIENCE_SECONDS: Final = 10.0
"""How long a server that does not answer, or is busy, is asked again."""

_ORDER_PATIENCE_SECONDS: Final = 30.0
"""How long a create waits for its namespace or definition, which another resource of the same update may be
making: about what the real provider's five retries come to."""

_PAUSE_SECONDS: Final = 0.5


class Cluster:
    """What resources are made in."""

    def __init__(self, settings: Settings, client: ApiClient | None = None) -> None:
        self.settings = settings
        self.client = client or ApiClient(settings.access, PATIENCE_SECONDS)
        self.kinds = Discovery(self.client)

    def kind(self, token: str, inputs: Properties) -> Kind | None:
        """The resource's kind, or None when the cluster does not know it."""
        return self.kinds.find(*api_version_and_kind(token, inputs))

    def kind_if_reachable(self, token: str, inputs: Properties) -> Kind | None:
        """As :meth:`kind`; None as well when the cluster does not answer, or is gone."""
        try:
            return self.kind(token, inputs)
        except (UnreachableError, ClusterGoneError, ApiError):
            return None

    def target(self, urn: str, kind: Kind, inputs: Properties, manager: str = "") -> Target:
        """The object that inputs describe."""
        return target_of(
            urn,
            kind,
            inputs,
            default_namespace=self.settings.namespace,
            manager=manager,
            force=self.settings.patch_force,
        )

    def awaited_kind(self, token: str, inputs: Properties, say: Callable[[str], None]) -> Kind:
        """The resource's kind, waiting a while for its definition.

        Raises:
            ProviderError: the cluster still does not know it.
        """
        version, kind = api_version_and_kind(token, inputs)
        give_up = time.monotonic() + _ORDER_PATIENCE_SECONDS
        while not (found := self.kinds.find(version, kind)):
            if time.monotonic() >= give_up:
                raise ProviderError(
                    f"the cluster does not know the kind {kind} of {version}: create its "
                    "CustomResourceDefinition first, and let this resource depend on it"
                )
            say(f"waiting for the definition of {kind} ({version})")
            self.pause()
        return found

    def in_order(self, attempt: Callable[[], _T], say: Callable[[str], None]) -> _T:
        """Calls ``attempt`` again while the server answers 404: what it needs may be under way."""
        give_up = time.monotonic() + _ORDER_PATIENCE_SECONDS
        while True:
            try:
                return attempt()
            except ApiError as error:
                if error.status != 404 or time.monotonic() >= give_up:
                    raise
                say(f"waiting: {error.message}")
                self.pause()

    def pause(self) -> None:
        """Waits a moment.

        Raises:
            CancelledError: the engine asked to stop.
        """
        self.client.cancelled.wait(_PAUSE_SECONDS)
        self.client.raise_if_cancelled()
