"""A provider plugin in plain Python: life cycle, values on the wire, and its end with the engine's."""

from sandbox.plugin.provider import (
    Change,
    Check,
    Checked,
    CheckFailure,
    Create,
    Created,
    Delete,
    Diff,
    Difference,
    Found,
    InitFailed,
    Provider,
    ProviderError,
    Read,
    Update,
)
from sandbox.plugin.server import EngineLog, serve
from sandbox.plugin.values import UNKNOWN, Properties, contains_unknown, differences, path_of

__all__ = [
    "UNKNOWN",
    "Change",
    "Check",
    "CheckFailure",
    "Checked",
    "Create",
    "Created",
    "Delete",
    "Diff",
    "Difference",
    "EngineLog",
    "Found",
    "InitFailed",
    "Properties",
    "Provider",
    "ProviderError",
    "Read",
    "Update",
    "contains_unknown",
    "differences",
    "path_of",
    "serve",
]
