"""The agent beside TorchServe: makes the running server match its configuration.

Whoever writes that configuration imports these types; the rest of the package runs in the container.
"""

from __future__ import annotations

from workloads.agent.configuration import (
    Archive,
    Configuration,
    Smoke,
    Version,
    Weights,
    configuration_json,
    read_configuration,
)
from workloads.agent.fields import ConfigurationError

__all__ = [
    "Archive",
    "Configuration",
    "ConfigurationError",
    "Smoke",
    "Version",
    "Weights",
    "configuration_json",
    "read_configuration",
]
