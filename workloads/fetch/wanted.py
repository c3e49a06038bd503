"""What the fetch is asked for: an artifact by its digest, and the folder that its files belong into."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class WantedFolder:
    """One artifact. Raises ValueError where the digest is none, or the folder has no absolute path of its own."""

    digest: str
    folder: str

    def __post_init__(self) -> None:
        path = PurePosixPath(self.folder)
        if not _DIGEST.fullmatch(self.digest):
            raise ValueError(f"{self.digest!r} is no digest; the rule: sha256: and 64 hex digits")
        if not path.is_absolute() or len(path.parts) < 2 or ".." in path.parts:
            raise ValueError(f"{self.folder!r} is no folder; the rule: an absolute path, without ..")

    @classmethod
    def parse(cls, argument: str) -> WantedFolder:
        """The inverse of `argument`. Raises ValueError."""
        digest, equals, folder = argument.partition("=")
        if not equals:
            raise ValueError(f"{argument!r} names no folder; the rule: DIGEST=FOLDER")
        return cls(digest, folder)

    @property
    def argument(self) -> str:
        """As it stands on the command line: `sha256:…=/mnt/models/chat`."""
        return f"{self.digest}={self.folder}"

    @property
    def location(self) -> str:
        """Where the artifact lies in the bucket (docs/artifacts.md)."""
        return f"artifacts/{self.digest}"
