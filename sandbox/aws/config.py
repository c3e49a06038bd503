"""The provider's own configuration: what the emulation takes, and what it refuses rather than ignores."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from plugin_server.provider import CheckFailure
from plugin_server.values import UNKNOWN, Properties

_WITHOUT_EFFECT: Final = frozenset(
    {
        "accessKey",
        "allowedAccountIds",
        "endpoints",
        "insecure",
        "maxRetries",
        "profile",
        "retryMode",
        "s3UsePathStyle",
        "secretKey",
        "sharedConfigFiles",
        "sharedCredentialsFiles",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
        "stsRegion",
        "token",
        "useDualstackEndpoint",
        "useFipsEndpoint",
    }
)
"""How the real provider reaches AWS. The emulation has one endpoint and the environment's fake credentials."""

_NOT_EMULATED: Final = frozenset(
    {
        "assumeRoleWithWebIdentity",
        "assumeRoles",
        "customCaBundle",
        "ec2MetadataServiceEndpoint",
        "ec2MetadataServiceEndpointMode",
        "forbiddenAccountIds",
        "httpProxy",
        "httpsProxy",
        "ignoreTags",
        "noProxy",
        "s3UsEast1RegionalEndpoint",
        "tagPolicyCompliance",
        "tokenBucketRateLimiterCapacity",
        "userAgents",
    }
)

_OWN: Final = frozenset({"defaultTags", "region", "version", "pluginDownloadURL"})

_DEFAULT_REGION: Final = "us-east-1"


@dataclass(frozen=True)
class Settings:
    """What the configuration says that the emulation acts upon."""

    region: str = _DEFAULT_REGION
    default_tags: dict[str, str] = field(default_factory=dict)


def decoded(inputs: Properties) -> Properties:
    """Configuration values, which travel as JSON text where they are not plain."""
    return {
        key: _from_json(value) if key not in ("region", "profile") else value for key, value in inputs.items()
    }


def failures(inputs: Properties, environment_region: str | None) -> list[CheckFailure]:
    """What is wrong with a configuration."""
    found = []
    for key, value in sorted(decoded(inputs).items()):
        if key.startswith("__") or value is None:
            continue
        if key in _NOT_EMULATED:
            found.append(
                CheckFailure(key, "is not emulated; leave it out of the sandbox's stack configuration")
            )
        elif key not in _OWN and key not in _WITHOUT_EFFECT:
            found.append(CheckFailure(key, "is not a configuration key of the aws provider"))
    if not inputs.get("region") and not environment_region:
        found.append(CheckFailure("region", "is required: set `aws:region` or AWS_REGION"))
    return found


def settings(inputs: Properties, environment_region: str | None) -> Settings:
    """The settings of a checked configuration without unknowns."""
    values = decoded(inputs)
    tags = (values.get("defaultTags") or {}).get("tags") or {}
    return Settings(values.get("region") or environment_region or _DEFAULT_REGION, dict(tags))


def _from_json(value: Any) -> Any:
    if value is UNKNOWN or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
