"""The provider's own configuration: what the emulation takes, and what it refuses rather than ignores."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

from plugin_server.provider import CheckFailure
from plugin_server.values import Properties

_TAKEN: Final = frozenset({"defaultTags", "pluginDownloadURL", "region", "version"})
_WITHOUT_EFFECT: Final = frozenset(
    {
        "accessKey",
        "endpoints",
        "profile",
        "s3UsePathStyle",
        "secretKey",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
        "token",
    }
)
"""The real provider's ways to reach AWS. The emulation has one endpoint and the environment's fake credentials."""

_DEFAULT_REGION: Final = "us-east-1"


@dataclass(frozen=True)
class Settings:
    """The part of the configuration that the emulation acts on."""

    region: str = _DEFAULT_REGION
    default_tags: dict[str, str] = field(default_factory=dict)


def failures(inputs: Properties, environment_region: str | None) -> list[CheckFailure]:
    """Return the faults of a configuration."""
    found = [
        CheckFailure(key, "is not emulated; leave it out of the sandbox's stack configuration")
        for key, value in sorted(inputs.items())
        if value is not None and not key.startswith("__") and key not in _TAKEN | _WITHOUT_EFFECT
    ]
    if not inputs.get("region") and not environment_region:
        found.append(CheckFailure("region", "is required: set `aws:region` or AWS_REGION"))
    return found


def settings(inputs: Properties, environment_region: str | None) -> Settings:
    """The settings of a checked configuration without unknowns; values that are not plain travel as JSON text."""
    default_tags = inputs.get("defaultTags") or {}
    if isinstance(default_tags, str):
        default_tags = json.loads(default_tags)
    region = inputs.get("region") or environment_region or _DEFAULT_REGION
    return Settings(region, dict(default_tags.get("tags") or {}))
