"""Kubernetes objects as plain data, and references to what only the deployment knows.

The trap: a text of the catalog, as a smoke body, may look like anything. So a reference is no placeholder inside a text
but a whole value of a type of its own, and nothing else is ever filled in.
"""

from enum import StrEnum
from typing import Any

Manifest = dict[str, Any]
"""An object of Kubernetes, or a part of one, with the keys that its API has."""


class Reference(StrEnum):
    """A value that components/workload.py fills in."""

    BUCKET = "<bucket>"
    BUCKET_URL = "<s3://bucket>"
    CONFIG_MAP = "<config map>"
    """The name that Pulumi gives the ConfigMap of a pod's files."""
    DEPLOYMENT = "<deployment>"
    NAMESPACE = "<namespace>"
    REGION = "<region>"
    ROLE = "<role>"
    SERVICE_ACCOUNT = "<service account>"


def present(**values: Any) -> Manifest:
    """Leave out what is None or empty."""
    return {key: value for key, value in values.items() if value not in (None, "", (), [], {})}
