"""Where servers run in the cluster, for those who ask without the program's SDKs."""

from typing import Final

NAMESPACE: Final = "slipway-serving"
"""A name that clients and policies use, so it is not made up by Pulumi."""
