"""A container image by repository, tag and digest.

A digest is written only when somebody observed it in the registry. Until then it is `unresolved`: sandbox and
dev pull by tag, and the catalog rule `resolved-digests` keeps the image out of prod.
"""

import re
from dataclasses import dataclass
from typing import Final

UNRESOLVED: Final = "unresolved"
"""The text in place of a digest that nobody has observed yet."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class ImageReference:
    """One image. Raises ValueError when the digest is neither `unresolved` nor a sha256."""

    repository: str
    tag: str
    digest: str = UNRESOLVED

    def __post_init__(self) -> None:
        if self.digest != UNRESOLVED and not _DIGEST.fullmatch(self.digest):
            raise ValueError(f"{self.digest!r} is no digest; write sha256: and 64 hex digits, or unresolved")

    @property
    def resolved(self) -> bool:
        """True if the reference always names the same bytes."""
        return self.digest != UNRESOLVED

    def __str__(self) -> str:
        """The form a container runtime pulls; the tag stays for the reader even where the digest decides."""
        name = f"{self.repository}:{self.tag}"
        return f"{name}@{self.digest}" if self.resolved else name
