"""The readiness probe of a TorchServe container."""

from pathlib import Path
from typing import Final

from workloads.torchserve_probe.ready import (
    EXPECTATION_FILE,
    Expectation,
    ExpectedModel,
    expectation_json,
)

SCRIPT: Final = Path(__file__).with_name("ready.py")
"""The probe itself, one file that needs no other."""

__all__ = ["EXPECTATION_FILE", "Expectation", "ExpectedModel", "SCRIPT", "expectation_json"]
