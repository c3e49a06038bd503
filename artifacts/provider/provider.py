"""The plugin's resource types under one configuration: which request is whose."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from artifacts.archives import RELEASED_HANDLERS
from artifacts.provider.inputs import Clients, endpoint_failures
from artifacts.provider.life import Life, Log, kind_of
from artifacts.provider.model_artifacts import AT_ONCE, ModelArtifacts
from artifacts.provider.thin_archives import ThinArchives
from artifacts.storage import WORKERS
from plugin_server import (
    Change,
    Check,
    Checked,
    Create,
    Created,
    Delete,
    Diff,
    Difference,
    Found,
    Properties,
    ProviderError,
    Read,
    Update,
    differences,
)


class ArtifactResourceProvider:
    """Implements plugin_server.Provider. Calls come from many threads."""

    def __init__(self, log: Log, handlers: Path = RELEASED_HANDLERS) -> None:
        """`handlers` is the folder of released handler code."""
        self._log = log
        self._handlers = handlers
        self._stop = threading.Event()
        self._lives = self._with(_clients({}))

    def check_config(self, inputs: Properties) -> Checked:
        """Takes region and endpoint; what is secret in an address would be in the state for everybody."""
        return Checked(inputs=inputs, failures=tuple(endpoint_failures(inputs)))

    def diff_config(self, old_inputs: Properties, new_inputs: Properties) -> Difference:
        """Another region or endpoint replaces nothing: the files are where they are."""
        changes = [
            Change(path=path, kind=kind_of(kind)) for path, kind in differences(old_inputs, new_inputs)
        ]
        return Difference(changes=tuple(changes))

    def configure(self, inputs: Properties) -> None:
        """From an ArtifactProvider; without one both are what the environment says."""
        self._lives = self._with(_clients(inputs))

    def invoke(self, token: str, arguments: Properties) -> Properties:
        """There are no functions."""
        raise ProviderError(f"the slipway provider has no function {token} (of {sorted(arguments)})")

    def check(self, request: Check) -> Checked:
        """Fills in what a resource is without."""
        return self._life(request.type).check(request)

    def diff(self, request: Diff) -> Difference:
        """Compares text: nothing is asked of S3."""
        return self._life(request.type).diff(request)

    def create(self, request: Create) -> Created:
        """Makes it; in a preview it tells what that would do."""
        return self._life(request.type).create(request)

    def read(self, request: Read) -> Found | None:
        """Compares what is there with what was made."""
        return self._life(request.type).read(request)

    def update(self, request: Update) -> Properties:
        """Mends what a refresh found."""
        return self._life(request.type).update(request)

    def delete(self, request: Delete) -> None:
        """Keeps the files unless it was told not to."""
        self._life(request.type).delete(request)

    def cancel(self) -> None:
        """Copies under way end between two requests, and are kept for the next run."""
        self._stop.set()

    def _with(self, clients: Clients) -> Mapping[str, Life]:
        """Type → its life, with clients of one configuration."""
        return {
            "slipway:index:ModelArtifact": ModelArtifacts(self._log, clients, self._stop),
            "slipway:index:ThinArchive": ThinArchives(self._log, clients, self._handlers),
        }

    def _life(self, kind: str) -> Life:
        life = self._lives.get(kind)
        if life is None:
            raise ProviderError(
                f"the slipway provider has no resource {kind}; it has {', '.join(sorted(self._lives))}"
            )
        return life


def _clients(configuration: Properties) -> Clients:
    region, endpoint = configuration.get("region"), configuration.get("endpoint")
    return Clients(region, endpoint, workers=WORKERS * AT_ONCE)
