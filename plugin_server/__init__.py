"""A provider plugin in plain Python: the resource lifecycle, values on the wire, and an end with the engine."""

from plugin_server.provider import (
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
from plugin_server.server import EngineLog, serve
from plugin_server.values import UNKNOWN, Properties, contains_unknown, differences, path_of

__all__ = [
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
    "UNKNOWN",
    "Update",
    "contains_unknown",
    "differences",
    "path_of",
    "serve",
]
