"""Where a version's weights are: in its archive, or where the agent has put them.

The agent writes `$SLIPWAY_VERSIONS/<model>/<version>.json` before it registers the version:
`{"format": 1, "weights": "<folder>", "gpuMemoryFraction": 0.25}`; both may be null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import WeightsError

VERSIONS_VARIABLE = "SLIPWAY_VERSIONS"
_FORMAT = 1


@dataclass(frozen=True)
class Weights:
    """What a handler loads from, and how much of the GPU it may take."""

    folder: Path
    gpu_memory_fraction: float | None = None
    """Of the device's memory, over 0 and up to 1; None: no limit."""


def find_weights(model_dir: Path, model: str, version: str, environment: Mapping[str, str]) -> Weights:
    """The archive's own where it has some; the agent's limit holds for them as well.

    Raises:
        WeightsError: there are none, or the agent's file is not what it writes.
    """
    told = _told(model, version, environment)
    fraction = _fraction(told)
    own = model_dir / "weights"
    if own.is_dir():
        return Weights(own, fraction)
    folder = told.get("weights")
    if isinstance(folder, str) and Path(folder).is_dir():
        return Weights(Path(folder), fraction)
    if folder is not None:
        raise WeightsError(
            f"the agent says the weights of {model} {version} are in {folder!r}, which is no folder"
        )
    raise WeightsError(
        f"{model} {version} has no weights: the archive has no folder weights/, and "
        f"${VERSIONS_VARIABLE}/{model}/{version}.json names none. Fix: give the version an artifact, or export an "
        "archive with its weights inside"
    )


def the_file(folder: Path, *patterns: str) -> Path:
    """The only file there that has one of those names. Raises WeightsError, also for two."""
    found = sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})
    if len(found) == 1:
        return found[0]
    has = ", ".join(sorted(path.name for path in folder.iterdir())[:10]) or "nothing"
    raise WeightsError(f"{folder} should have one file {' or '.join(patterns)}, and has {len(found)}: {has}")


def _told(model: str, version: str, environment: Mapping[str, str]) -> Mapping[str, Any]:
    root = environment.get(VERSIONS_VARIABLE)
    if not root:
        return {}
    path = Path(root) / model / f"{version}.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read: {error}") from error
    if not isinstance(told, dict) or told.get("format") != _FORMAT:
        raise WeightsError(
            f"{path} has another format than {_FORMAT}: agent and handler do not belong together"
        )
    return told


def _fraction(told: Mapping[str, Any]) -> float | None:
    value = told.get("gpuMemoryFraction")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1:
        raise WeightsError(f"gpuMemoryFraction is {value!r}; it is over 0 and up to 1")
    return float(value)
