"""The GPU resources that Bottlerocket's device plugin reports to Kubernetes for a node's settings.

The rules are those of its MIG manager and device plugin (sources/nvidia-migmanager and
packages/nvidia-k8s-device-plugin of bottlerocket-core-kit, read 2026-11-22). No GPU is divided here: the emulated node
says so.
"""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from sandbox.aws.account import Account
from sandbox.aws.capacity import GPU, Machine

_MODELS: Final = {
    ("A100", 40960): "a100.40gb",
    ("A100", 81920): "a100.80gb",
    ("H100", 81920): "h100.80gb",
    ("H200", 144384): "h200.141gb",
    ("B200", 183359): "b200.180gb",
}
"""A GPU's name and MiB, as EC2 describes them → Bottlerocket's word."""

_PROFILES: Final = {
    "a100.40gb": {"1g.5gb": 7, "1g.10gb": 4, "2g.10gb": 3, "3g.20gb": 2},
    "a100.80gb": {"1g.10gb": 7, "1g.20gb": 4, "2g.20gb": 3, "3g.40gb": 2},
    "h100.80gb": {"1g.10gb": 7, "1g.20gb": 4, "2g.20gb": 3, "3g.40gb": 2},
    "h200.141gb": {"1g.18gb": 7, "1g.35gb": 4, "2g.35gb": 3, "3g.71gb": 2},
    "b200.180gb": {"1g.23gb": 7, "1g.45gb": 4, "2g.45gb": 3, "3g.90gb": 2},
}
"""Instances of each card. A profile that is not here leaves the card whole."""


class UserDataError(ValueError):
    """User data is not TOML."""


def template_version(account: Account, reference: Mapping[str, str]) -> dict[str, Any]:
    """The version of a launch template that a node group names.

    Raises:
        AwsError: there is no such template or version.
    """
    which = {"LaunchTemplateId": reference["id"], "Versions": [reference["version"]]}
    answer = account.aws("ec2", "DescribeLaunchTemplateVersions", **which)
    found: dict[str, Any] = answer["LaunchTemplateVersions"][0]
    return found


def data_disk_gib(data: Mapping[str, Any]) -> int:
    """The size of Bottlerocket's volume for images and pods; EKS's default where the template says nothing."""
    mappings = data.get("BlockDeviceMappings", [])
    return next((int(one["Ebs"]["VolumeSize"]) for one in mappings if one["DeviceName"] == "/dev/xvdb"), 20)


def parse(user_data: str | None) -> dict[str, Any]:
    """The settings of Base64-encoded user data.

    Raises:
        UserDataError: it is not TOML.
    """
    if user_data is None:
        return {}
    try:
        settings: dict[str, Any] = tomllib.loads(base64.b64decode(user_data).decode())
    except (ValueError, UnicodeDecodeError) as error:
        raise UserDataError(f"User data was not a TOML format that could be processed: {error}") from error
    return settings


def gpu_resources(settings: dict[str, Any], machine: Machine) -> dict[str, str]:
    """Return the device plugin's resources: name → number."""
    plugin = settings.get("settings", {}).get("kubelet-device-plugins", {}).get("nvidia", {})
    devices = machine.gpus * _instances(plugin, machine)
    if plugin.get("device-sharing-strategy") != "time-slicing":
        return {GPU: str(devices)}
    slicing = plugin.get("time-slicing", {})
    sliced = str(devices * slicing.get("replicas", 2))
    return {GPU: "0", f"{GPU}.shared": sliced} if slicing.get("rename-by-default", True) else {GPU: sliced}


def _instances(plugin: dict[str, Any], machine: Machine) -> int:
    model = _MODELS.get((machine.gpu_name, machine.gpu_memory_mib))
    if plugin.get("device-partitioning-strategy") != "mig" or model is None:
        return 1
    profile = plugin.get("mig", {}).get("profile", {}).get(model, "")
    return _PROFILES[model].get(profile, 1)
