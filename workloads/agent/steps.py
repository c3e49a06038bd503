"""What the agent can do. A step is plain data; executor.py does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from workloads.agent.configuration import Key, Version, Weights
from workloads.agent.state import Failure


@dataclass(frozen=True)
class Fetch:
    """Bring the archive onto the disk, checked."""

    key: Key
    location: str


@dataclass(frozen=True)
class FetchWeights:
    """Bring the weights onto the disk, checked. `key` is one of the versions that wait for them."""

    key: Key
    weights: Weights


@dataclass(frozen=True)
class Register:
    """Give the archive to TorchServe, with no worker yet."""

    key: Key
    spec: Version


@dataclass(frozen=True)
class Load:
    """Start the workers, as many as configured, and wait for them."""

    key: Key
    spec: Version


@dataclass(frozen=True)
class Warm:
    """Send the smoke input."""

    key: Key
    spec: Version


@dataclass(frozen=True)
class SetDefault:
    """Let requests without a version reach this one."""

    key: Key


@dataclass(frozen=True)
class Restart:
    """Replace workers that TorchServe gave up on."""

    key: Key
    spec: Version


@dataclass(frozen=True)
class Unregister:
    """Take the version out of TorchServe."""

    key: Key
    why: str


@dataclass(frozen=True)
class Collect:
    """Delete an archive from the disk."""

    digest: str


@dataclass(frozen=True)
class CollectWeights:
    """Delete weights from the disk, whole or begun."""

    digest: str


@dataclass(frozen=True)
class Forget:
    """Delete the file of a version that is neither registered nor wanted."""

    model: str
    version: str


VersionStep = Union[Fetch, FetchWeights, Register, Load, Warm, SetDefault, Restart, Unregister]  # noqa: UP007 - evaluated, by Python 3.9
"""These are about one version: its record keeps what came of them."""
DiskStep = Union[Collect, CollectWeights, Forget]  # noqa: UP007 - likewise
DISK_STEPS = (Collect, CollectWeights, Forget)
Step = Union[VersionStep, DiskStep]  # noqa: UP007 - likewise


def lane(step: Step) -> str:
    """Steps of one lane never run at the same time: one archive, one artifact's weights, or one model in TorchServe.

    Setting a default has a lane of its own, so that a rollback does not wait for a version that is loading.
    """
    if isinstance(step, Collect):
        return f"archive {step.digest}"
    if isinstance(step, Fetch):
        return f"archive {step.key.digest}"
    if isinstance(step, CollectWeights):
        return f"weights {step.digest}"
    if isinstance(step, FetchWeights):
        return f"weights {step.weights.digest}"
    if isinstance(step, Forget):
        return f"model {step.model}"
    if isinstance(step, SetDefault):
        return f"default {step.key.model}"
    return f"model {step.key.model}"


@dataclass(frozen=True)
class Outcome:
    """What came of a step."""

    step: Step
    failure: Failure | None = None
