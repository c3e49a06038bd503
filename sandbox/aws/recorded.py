"""What the emulation only writes down, with the reason, and where it writes it.

A record is a file of its own rather than a part of Pulumi's state: someone who deletes or edits it is seen by
a refresh, as with any other object.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

RECORDED_ONLY: Final[Mapping[str, str]] = {
    "aws:eks/accessEntry:AccessEntry": (
        "moto has no EKS access entries; the local API server knows its own credentials only"
    ),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": (
        "moto has no EKS access policies; nothing is granted in the local cluster"
    ),
    "aws:eks/addon:Addon": "moto has no EKS add-ons; nothing is installed in the local cluster",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": (
        "moto has no EKS pod identity; pods in the local cluster get no credentials"
    ),
    "aws:s3/bucketPolicy:BucketPolicy": (
        "moto takes a conditional Deny (TLS only) for an unconditional one and would refuse every request"
    ),
    "aws:eks/cluster:Cluster accessConfig": "moto drops it",
    "aws:eks/cluster:Cluster bootstrapSelfManagedAddons": "moto installs no add-ons",
    "aws:eks/cluster:Cluster deletionProtection": "moto drops it; the emulation refuses the delete itself",
    "aws:eks/cluster:Cluster upgradePolicy": "moto drops it",
    "aws:eks/cluster:Cluster version": (
        "moto cannot update it, and the local API server has one version whatever is asked for"
    ),
    "aws:eks/cluster:Cluster zonalShiftConfig": "moto drops it",
    "aws:ec2/launchTemplate:LaunchTemplate tags": "moto cannot change a launch template's tags",
    "aws:eks/nodeGroup:NodeGroup launchTemplate": "moto cannot update its version; nodes are made of the one recorded",
    "aws:eks/nodeGroup:NodeGroup nodeRepairConfig": "moto's create drops it; nothing repairs an emulated node",
    "aws:eks/nodeGroup:NodeGroup tags": "moto cannot change a node group's tags",
    "aws:eks/nodeGroup:NodeGroup updateConfig": "moto's create drops it; an emulated node is changed at once",
    "aws:eks/nodeGroup:NodeGroup version": "moto cannot update it; emulated nodes run no kubelet",
}
"""Resource type, or resource type and property, to the reason. Listed in docs/sandbox-aws.md (a test compares)."""


def is_recorded(token: str) -> bool:
    """Whether a whole type is only recorded."""
    return token in RECORDED_ONLY


@dataclass(frozen=True)
class Records:
    """Small JSON files, one an object, written atomically."""

    folder: Path

    def get(self, token: str, id_: str) -> dict[str, Any] | None:
        """What was recorded for an object; None when there is nothing."""
        try:
            content: dict[str, Any] = json.loads(self._file(token, id_).read_text())
        except FileNotFoundError:
            return None
        return content

    def put(self, token: str, id_: str, content: Mapping[str, Any]) -> None:
        """Records an object, replacing what was recorded."""
        file = self._file(token, id_)
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=".new-")
        with os.fdopen(descriptor, "w") as stream:
            json.dump({**content, "id": id_}, stream, indent=1, sort_keys=True)
        Path(temporary).replace(file)

    def remove(self, token: str, id_: str) -> None:
        """Forgets an object."""
        self._file(token, id_).unlink(missing_ok=True)

    def all(self, token: str) -> Iterator[dict[str, Any]]:
        """Every record of a type."""
        for file in sorted((self.folder / _slug(token)).glob("*.json")):
            yield json.loads(file.read_text())

    def _file(self, token: str, id_: str) -> Path:
        digest = hashlib.sha256(id_.encode()).hexdigest()[:12]
        readable = "".join(letter if letter.isalnum() else "-" for letter in id_)[-40:]
        return self.folder / _slug(token) / f"{readable}-{digest}.json"


def _slug(token: str) -> str:
    return token.split(":")[1].replace("/", "-")
