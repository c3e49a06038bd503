"""Every resource type that is emulated."""

from sandbox.aws.table import KINDS

__all__ = ["KINDS"]
