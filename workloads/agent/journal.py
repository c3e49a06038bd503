"""The memory on the volume: one JSON file, replaced whole. Lost or unreadable, the agent begins with none."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workloads.agent.archives import delete
from workloads.agent.configuration import Key, read_version, version_document
from workloads.agent.state import Failure, Memory, Record


def memory_json(memory: Memory) -> str:
    """Sorted, equal for equal memories."""
    document = {
        "records": [[list(key), asdict(record)] for key, record in sorted(memory.records.items())],
        "known": [[list(key), version_document(spec)] for key, spec in sorted(memory.known.items())],
        "last_default": [list(key) for _, key in sorted(memory.last_default.items())],
        "unused_since": dict(sorted(memory.unused_since.items())),
        "unused_weights_since": dict(sorted(memory.unused_weights_since.items())),
        "settled": memory.settled,
    }
    return json.dumps(document, sort_keys=True)


def read_memory(text: str) -> Memory:
    """The inverse of memory_json. Raises, whatever it finds instead."""
    document = json.loads(text)
    defaults = [_key(raw) for raw in document["last_default"]]
    return Memory(
        records={_key(raw): _record(record) for raw, record in document["records"]},
        known={_key(raw): read_version(spec, "memory") for raw, spec in document["known"]},
        last_default={key.model: key for key in defaults},
        unused_since=_since(document["unused_since"]),
        unused_weights_since=_since(document.get("unused_weights_since", {})),  # older agents knew of none
        settled=bool(document["settled"]),
    )


def load(path: Path) -> Memory:
    """What was saved, or an empty memory."""
    try:
        return read_memory(path.read_text(encoding="utf-8")) if path.is_file() else Memory()
    except Exception:  # noqa: BLE001 - whatever stands there, by a newer agent or by a worker, must keep none from starting
        return Memory()


def read_text(path: Path) -> str | None:
    """The file's text, or None where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else None
    except (OSError, UnicodeDecodeError):
        return None


def replace_file(path: Path, text: str) -> bool:
    """Writes the whole file or leaves the old one. False where the disk does not take it: it is only a memory."""
    part = path.with_name(path.name + ".part")
    try:
        delete(part)  # a pipe would not open until somebody reads it
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        return False
    return True


def _since(raw: Mapping[str, Any]) -> dict[str, float]:
    return {str(digest): float(since) for digest, since in raw.items()}


def _key(raw: Any) -> Key:
    model, version, digest = raw
    return Key(str(model), str(version), str(digest))


def _record(raw: Mapping[str, Any]) -> Record:
    failure = raw["failure"]
    record = Record(**{**raw, "failure": Failure(**failure) if failure else None})
    since = [moment for moment in (record.unready_since, record.leaving_since) if moment is not None]
    if not all(isinstance(number, (int, float)) for number in (record.failures, record.retry_at, *since)):
        raise TypeError("a number is another value")
    return record
