"""Environment variables that lead an AWS, Kubernetes or Pulumi client elsewhere than to the sandbox.

Each is cleared for what the sandbox starts, unset by `slipway sandbox env`, and refused by the guard where somebody
sets it again. Read on 2026-11-29 in: botocore 1.44.5 (configprovider.py, credentials.py, utils.py), the AWS SDK for Go
v2 (config/env_config.go of config v1.32.20), Pulumi 3.246 (sdk/go/common/env/env.go, workspace/creds.go,
resource/plugin/*_plugin.go), pulumi-kubernetes at f47bc2d6f199 (provider/pkg/provider), Helm 3 (pkg/cli/environment.go)
and client-go (tools/clientcmd).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_ENDPOINT: Final = "sends AWS calls to another address"
_CREDENTIALS: Final = "gives AWS clients other credentials"
_CLUSTER: Final = "leads Kubernetes clients to another cluster"
_CHARTS: Final = "gives Helm other plugins, charts or records"
_BACKEND: Final = "leads Pulumi to another backend or stack"
_PLUGINS: Final = "gives Pulumi other plugins"

FOREIGN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AWS_ENDPOINT_URL_*": _ENDPOINT,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": _ENDPOINT,
        "AWS_USE_DUALSTACK_ENDPOINT": _ENDPOINT,
        "AWS_USE_FIPS_ENDPOINT": _ENDPOINT,
        "AWS_ENABLE_ENDPOINT_DISCOVERY": _ENDPOINT,
        "AWS_ENDPOINT_DISCOVERY_ENABLED": _ENDPOINT,
        "AWS_DATA_PATH": "gives AWS clients other endpoint tables",
        "AWS_CA_BUNDLE": "makes AWS clients trust other servers",
        "AWS_CSM_*": "sends a record of every AWS call to another address",
        "AWS_PROFILE": _CREDENTIALS,
        "AWS_DEFAULT_PROFILE": _CREDENTIALS,
        "AWS_ACCESS_KEY": _CREDENTIALS,
        "AWS_SECRET_KEY": _CREDENTIALS,
        "AWS_SESSION_TOKEN": _CREDENTIALS,
        "AWS_SECURITY_TOKEN": _CREDENTIALS,
        "AWS_CREDENTIAL_FILE": _CREDENTIALS,
        "AWS_LOGIN_CACHE_DIRECTORY": _CREDENTIALS,
        "BOTO_CONFIG": _CREDENTIALS,
        "AWS_ROLE_ARN": _CREDENTIALS,
        "AWS_ROLE_SESSION_NAME": _CREDENTIALS,
        "AWS_WEB_IDENTITY_TOKEN_FILE": _CREDENTIALS,
        "AWS_CONTAINER_*": _CREDENTIALS,
        "AWS_EC2_METADATA_SERVICE_*": _CREDENTIALS,
        "KUBERNETES_MASTER": _CLUSTER,
        "KUBERNETES_SERVICE_HOST": _CLUSTER,
        "KUBERNETES_SERVICE_PORT": _CLUSTER,
        "HELM_KUBE*": _CLUSTER,
        "HELM_DRIVER*": _CHARTS,
        "HELM_PLUGINS": _CHARTS,
        "HELM_REGISTRY_CONFIG": _CHARTS,
        "HELM_REPOSITORY_*": _CHARTS,
        "PULUMI_K8S_HELM_*": _CHARTS,
        "PULUMI_ACCESS_TOKEN": _BACKEND,
        "PULUMI_API": _BACKEND,
        "PULUMI_CREDENTIALS_PATH": _BACKEND,
        "PULUMI_STACK": _BACKEND,
        "PULUMI_CLOUD_SECRET_OVERRIDE": "gives Pulumi another key for secrets",
        "PULUMI_CONFIG_PASSPHRASE_FILE": "gives Pulumi another key for secrets",
        "PULUMI_DEBUG_LANGUAGES": _PLUGINS,
        "PULUMI_DEBUG_PROVIDERS": _PLUGINS,
        "PULUMI_IGNORE_AMBIENT_PLUGINS": _PLUGINS,
        "PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES": _PLUGINS,
    }
)
"""Name, where ``*`` at the end stands for any ending → what the variable does."""


def foreign(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment that lead elsewhere, sorted → what each of them does."""
    found = {}
    for name in sorted(environment):
        for pattern, effect in FOREIGN.items():
            if name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1])):
                found[name] = effect
    return found


def names_to_clear(environment: Mapping[str, str]) -> list[str]:
    """Return every name that a child must not inherit: those that are set, and those that have no ``*``."""
    return sorted({*foreign(environment), *(name for name in FOREIGN if not name.endswith("*"))})
