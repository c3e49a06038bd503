"""How each inference server works, per pinned version. A leaf: it knows no other room but quantities."""

from engines.image import UNRESOLVED, ImageReference

__all__ = ["ImageReference", "UNRESOLVED"]
