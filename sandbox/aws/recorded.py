"""What the emulation only writes down, with the reason, and how it then answers in moto's place.

A record is a file of its own rather than a part of Pulumi's state: someone who deletes or edits it is seen by
a refresh, as with any other object.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A resource type all of whose calls are recorded: its record holds the arguments of its calls."""

    reason: str
    answer: str
    """Key of the API's answers under which the object stands; empty where they are the object itself."""
    unique: tuple[str, ...]
    """Arguments that no two objects have in common."""
    parent: tuple[str, str, str, str]
    """What it belongs to: service, reading operation, its parameter, and the argument that names it."""
    absent: str = "ResourceNotFoundException"
    exists: str = ""
    """AWS's code for a second create; empty where creating is a put."""
    made: Callable[[Mapping[str, Any], str, str], dict[str, Any]] = lambda _arguments, _region, _account: {}
    """What AWS adds when it makes one, from the arguments, the region and the account."""


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _addon(arguments: Mapping[str, Any], region: str, account: str) -> dict[str, Any]:
    path = f"addon/{arguments['clusterName']}/{arguments['addonName']}/{uuid.uuid4()}"
    return {"addonArn": f"arn:aws:eks:{region}:{account}:{path}", "createdAt": _now(), "modifiedAt": _now()}


def _association(arguments: Mapping[str, Any], region: str, account: str) -> dict[str, Any]:
    id_ = f"a-{uuid.uuid4().hex[:17]}"
    path = f"podidentityassociation/{arguments['clusterName']}/{id_}"
    return {"associationId": id_, "associationArn": f"arn:aws:eks:{region}:{account}:{path}"}


_CLUSTER: Final = ("eks", "DescribeCluster", "name", "clusterName")

WHOLE: Final[Mapping[str, Whole]] = {
    "aws:eks/addon:Addon": Whole(
        reason="moto has no EKS add-ons; nothing is installed in the local cluster",
        answer="addon",
        unique=("clusterName", "addonName"),
        parent=_CLUSTER,
        exists="ResourceInUseException",
        made=_addon,
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": Whole(
        reason="moto has no EKS pod identity; pods in the local cluster get no credentials",
        answer="association",
        unique=("clusterName", "namespace", "serviceAccount"),
        parent=_CLUSTER,
        exists="ResourceInUseException",
        made=_association,
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Whole(
        reason="moto takes a conditional Deny (TLS only) for an unconditional one and would refuse every request",
        answer="",
        unique=("Bucket",),
        parent=("s3", "HeadBucket", "Bucket", "Bucket"),
        absent="NoSuchBucketPolicy",
    ),
}

PARTS: Final[Mapping[str, str]] = {
    "aws:ec2/launchTemplate:LaunchTemplate tags": "moto cannot change a launch template's tags",
    "aws:eks/cluster:Cluster accessConfig": "moto drops it",
    "aws:eks/cluster:Cluster version": (
        "moto cannot update it, and the local API server has one version whatever is asked for"
    ),
    "aws:eks/nodeGroup:NodeGroup launchTemplate": "moto cannot update its version; nodes are made of the one recorded",
    "aws:eks/nodeGroup:NodeGroup tags": "moto cannot change a node group's tags",
    "aws:eks/nodeGroup:NodeGroup updateConfig": "moto's create drops it; an emulated node is changed at once",
}
"""Resource type and property to the reason: the property is recorded beside what moto holds of the object."""

RECORDED_ONLY: Final[Mapping[str, str]] = {**{token: whole.reason for token, whole in WHOLE.items()}, **PARTS}
"""Resource type, or resource type and property, to the reason. Listed in docs/sandbox-aws.md (a test compares)."""


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
        """Record an object, replacing what was recorded."""
        file = self._file(token, id_)
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=".new-")
        with os.fdopen(descriptor, "w") as stream:
            json.dump({**content, "id": id_}, stream, indent=1, sort_keys=True)
        Path(temporary).replace(file)

    def remove(self, token: str, id_: str) -> None:
        """Forget an object."""
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
