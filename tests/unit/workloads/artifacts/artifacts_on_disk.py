"""Artifacts as the promotion leaves them, written by the promotion's own manifest, into a source that can fail."""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from artifacts.digest import FileDigest, Kind, digest_of
from artifacts.manifest import Manifest, ManifestFile
from workloads.agent import Weights


def manifest(files: Mapping[str, bytes], kind: Kind = Kind.TREE) -> Manifest:
    described = [
        FileDigest(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in sorted(files.items(), key=lambda item: item[0].encode())
    ]
    return Manifest(
        kind=kind.value,
        digest=digest_of(kind, described),
        source="s3://research/reader",
        files=tuple(
            ManifestFile(name=file.name, size=file.size, sha256=file.sha256, etag='"e"', version_id=None)
            for file in described
        ),
    )


def objects(files: Mapping[str, bytes], kind: Kind = Kind.TREE) -> tuple[Weights, dict[str, bytes]]:
    """How a configuration names the artifact, and key → content in the bucket."""
    written = manifest(files, kind)
    location = f"artifacts/{written.digest}"
    held = {f"{location}/files/{name}": content for name, content in files.items()}
    return Weights(written.digest, location), {f"{location}/manifest.json": written.to_bytes(), **held}


@dataclass
class Bucket:
    """Gives content in pieces; raises what is no piece; waits where it is told to."""

    held: dict[str, bytes | list[bytes | BaseException]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    starts: list[tuple[str, int]] = field(default_factory=list)
    """And from which byte on."""
    gates: dict[str, threading.Event] = field(default_factory=dict)
    together: int = 0
    """Most reads that were under way at once."""
    _reading: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, location: str, start: int = 0) -> Iterator[bytes]:
        with self._lock:
            self.asked.append(location)
            self.starts.append((location, start))
            self._reading += 1
            self.together = max(self.together, self._reading)
        try:
            content = self.held[location]
            for piece in content if isinstance(content, list) else [content[:3], content[3:]]:
                if isinstance(piece, BaseException):
                    raise piece
                yield piece[start:]
                start = max(0, start - len(piece))
                if location in self.gates:
                    assert self.gates[location].wait(20)
        finally:
            with self._lock:
                self._reading -= 1

    def names(self) -> list[str]:
        """What was asked for, without the artifact's folder."""
        return sorted(location.split("/", 2)[2] for location in self.asked)


def tree(root: Path) -> dict[str, bytes]:
    """Every file below root."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }
