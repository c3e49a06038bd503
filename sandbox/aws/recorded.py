"""The objects that the emulation only writes down, with the reason, and its answers for them in moto's place.

A record is a file of its own rather than a part of Pulumi's state: someone who deletes or edits it is seen by
a refresh, as with any other object.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

from sandbox.aws.table import TABLES


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A resource type all of whose calls are recorded: its record holds the arguments of its calls."""

    reason: str
    unique: tuple[str, ...]
    """Arguments that no two objects have in common."""
    parent: tuple[str, str, str, str]
    """The object that it belongs to: service, reading operation, its parameter, and the argument that names it."""
    answer: str = ""
    """Key of the API's answers under which the object stands; empty where they are the object itself."""
    absent: str = "ResourceNotFoundException"
    exists: str = ""
    """AWS's error code for a second create; empty where creating is a put."""
    id: Mapping[str, str] = field(default_factory=dict)
    arn: Mapping[str, str] = field(default_factory=dict)
    """The last part of an ARN; as an id, a format of the arguments, ``uuid`` and ``hex``."""
    times: tuple[str, ...] = ()

    def made(self, arguments: Mapping[str, Any], region: str, account: str) -> dict[str, Any]:
        """An object as AWS makes it of the arguments of a create."""
        unique = uuid.uuid4()
        words = {**arguments, "uuid": unique, "hex": unique.hex[:17]}
        arns = {
            key: f"arn:aws:eks:{region}:{account}:{text.format(**words)}" for key, text in self.arn.items()
        }
        times = dict.fromkeys(self.times, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        return {**arguments, **{key: text.format(**words) for key, text in self.id.items()}, **arns, **times}


_TABLE: Final = yaml.safe_load((TABLES / "recorded.yaml").read_text(encoding="utf-8"))
WHOLE: Final[Mapping[str, Whole]] = {token: Whole(**row) for token, row in _TABLE["types"].items()}
PARTS: Final[Mapping[str, str]] = _TABLE["properties"]
"""Resource type and property to the reason: the property is recorded beside what moto holds of the object."""

RECORDED_ONLY: Final[Mapping[str, str]] = {**{token: whole.reason for token, whole in WHOLE.items()}, **PARTS}
"""Resource type, or resource type and property, to the reason. Listed in docs/sandbox-aws.md (a test compares)."""


@dataclass(frozen=True)
class Records:
    """Small JSON files, one an object, written atomically."""

    folder: Path

    def get(self, token: str, id_: str) -> dict[str, Any] | None:
        """Return the record of an object; None when there is none."""
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
