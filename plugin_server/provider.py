"""The interface of a provider: the resource lifecycle in plain Python values.

Each request is a frozen record of one engine call. ``UNKNOWN`` may stand anywhere in ``new_inputs`` and
``inputs`` of a preview, and nowhere else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal, Protocol

from plugin_server.values import Properties


class _Addressed:
    urn: str

    @property
    def type(self) -> str:
        """The resource's type token without its parents', e.g. ``aws:s3/bucket:Bucket``."""
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        """The resource's logical name."""
        return self.urn.split("::", 3)[3]


@dataclass(frozen=True, kw_only=True)
class Check(_Addressed):
    """Validate new inputs and fill in defaults and names."""

    urn: str
    old_inputs: Properties
    """Empty when the resource is new."""
    new_inputs: Properties
    random_seed: bytes
    """The same for a preview and its update, so that a generated name is."""

    def autoname(self, length: int = 7) -> str:
        """``<logical name>-<hex>``, as the real providers name what the program left unnamed."""
        digest = hashlib.blake2b(
            self.random_seed or self.urn.encode(), person=b"slipway-autoname", digest_size=16
        )
        return f"{self.name}-{digest.hexdigest()[:length]}"


@dataclass(frozen=True)
class CheckFailure:
    """One thing that is wrong with an input."""

    property: str
    """Property path, e.g. ``spec.replicas``; empty for the resource as a whole."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Inputs to go on with, or what is wrong with them."""

    inputs: Properties
    failures: tuple[CheckFailure, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Diff(_Addressed):
    """Compare a resource with its new inputs."""

    urn: str
    id: str
    old_inputs: Properties
    old_state: Properties
    new_inputs: Properties


@dataclass(frozen=True, kw_only=True)
class Change:
    """One property that differs."""

    path: tuple[str | int, ...]
    kind: Literal["add", "delete", "update"]
    replaces: bool = False
    """True if the resource has to be replaced for it."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """All that differs; no changes means that nothing is to be done."""

    changes: tuple[Change, ...] = ()
    delete_before_replace: bool = False


@dataclass(frozen=True, kw_only=True)
class Create(_Addressed):
    """Make a resource, or say what it would look like when ``preview``."""

    urn: str
    inputs: Properties
    timeout: float | None
    """Seconds, from the resource's customTimeouts."""
    preview: bool


@dataclass(frozen=True, kw_only=True)
class Created:
    """A resource that exists now."""

    id: str
    """May be empty in a preview."""
    state: Properties


@dataclass(frozen=True, kw_only=True)
class Read(_Addressed):
    """Look at a resource as it is now."""

    urn: str
    id: str
    inputs: Properties
    """The last inputs; empty for an import."""
    state: Properties


@dataclass(frozen=True, kw_only=True)
class Found:
    """A resource as it is now, with inputs that would produce it."""

    id: str
    inputs: Properties
    state: Properties


@dataclass(frozen=True, kw_only=True)
class Update(_Addressed):
    """Change a resource in place, or say what it would look like when ``preview``."""

    urn: str
    id: str
    old_inputs: Properties
    old_state: Properties
    new_inputs: Properties
    timeout: float | None
    preview: bool


@dataclass(frozen=True, kw_only=True)
class Delete(_Addressed):
    """Remove a resource; one that is gone already is no error."""

    urn: str
    id: str
    inputs: Properties
    state: Properties
    timeout: float | None


class ProviderError(Exception):
    """A failure whose message is for the user: what, where and the fix."""


@dataclass
class InitFailed(Exception):  # noqa: N818 (the protocol calls it so)
    """The resource exists, and did not become what it should be; the engine records it as such."""

    id: str
    state: Properties
    inputs: Properties
    reasons: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "; ".join(self.reasons)


class Provider(Protocol):
    """A resource provider. Calls come from many threads at once."""

    def check_config(self, inputs: Properties) -> Checked:
        """Validate the provider's own configuration, which may hold unknowns in a preview."""
        ...

    def diff_config(self, old_inputs: Properties, new_inputs: Properties) -> Difference:
        """Compare configurations; a replacement here replaces every resource of the provider."""
        ...

    def configure(self, inputs: Properties) -> None:
        """Take the configuration; not called while any of it is unknown."""
        ...

    def invoke(self, token: str, arguments: Properties) -> Properties:
        """Answer a function call, e.g. ``aws:index/getRegion:getRegion``."""
        ...

    def check(self, request: Check) -> Checked: ...

    def diff(self, request: Diff) -> Difference: ...

    def create(self, request: Create) -> Created: ...

    def read(self, request: Read) -> Found | None:
        """None when the resource is gone."""
        ...

    def update(self, request: Update) -> Properties:
        """The new state."""
        ...

    def delete(self, request: Delete) -> None: ...

    def cancel(self) -> None:
        """Stop waiting for anything; calls under way fail soon."""
        ...
