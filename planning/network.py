"""Choices about the network that settings and components share."""

from enum import StrEnum


class NatGateways(StrEnum):
    """How private subnets reach the internet."""

    PER_ZONE = "per_zone"
    SINGLE = "single"
    """Cheaper; losing its zone cuts the others off from the internet (not from S3)."""
