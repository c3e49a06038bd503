"""What an archive says of itself, read without unpacking it.

TorchServe has to be kept from what is no zip file: it takes it for an archive without a manifest and registers an empty
version 1.0 (measured, 0.12.0). An archive that passes its digest may still be hostile: it is what a researcher made.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workloads.agent.archive_rules import ArchiveRuleError, check_archive, read_document
from workloads.artifacts.port import ContentError

_THIN = "slipway.json"
_OWN_WEIGHTS = "weights/"
"""Folder of an exported archive that brings its weights."""
_ONE_AT_A_TIME = threading.Lock()
"""Held while an archive's entries are in memory: four models may be registered at once."""


@dataclass(frozen=True)
class Inside:
    """What an archive says of itself."""

    version: str
    weights: str | None
    """The digest that its slipway.json names; None where it has no such file."""
    brings_weights: bool
    """It has a folder of its own with them."""
    model: str | None = None
    """By which its adapter looks for them; None where it says none."""


def look_inside(path: Path) -> Inside:
    """Return what the archive says, once it was found to keep to all of archive_rules.

    Raises ContentError, or OSError where the file cannot be read.
    """
    with _ONE_AT_A_TIME, path.open("rb") as file:
        try:
            checked = check_archive(file)
            thin = read_document(file, _THIN) if _THIN in checked.names else None
        except ArchiveRuleError as error:
            raise ContentError(f"the archive is refused: {error}") from None
    model = checked.manifest["model"]
    if not isinstance(model.get("modelVersion"), (str, int, float)):
        raise ContentError("the archive has no MAR-INF/MANIFEST.json with model.modelVersion")
    name = model.get("modelName")
    return Inside(
        version=str(model["modelVersion"]),
        weights=None if thin is None else _weights_of(thin),
        brings_weights=any(name.startswith(_OWN_WEIGHTS) for name in checked.names),
        model=None if name is None else str(name),
    )


def _weights_of(thin: Any) -> str:
    try:
        if thin["format"] == 1:
            return str(thin["weights"])
        reason = f"its format is {thin['format']!r}, and this agent reads 1"
    except (KeyError, TypeError) as error:
        reason = repr(error)
    raise ContentError(f"the archive's {_THIN} names no weights: {reason}")
