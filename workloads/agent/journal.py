"""The memory on the volume: one JSON file, replaced whole. Lost or unreadable, the agent begins with none.

Its moments are of the machine's monotonic clock, which goes on while the agent restarts and which nobody sets. They
mean nothing after the machine itself restarted, so the journal names the machine's start, and under another one every
grace begins anew.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from workloads.agent.configuration import Key, read_version, version_document
from workloads.agent.limits import LONGEST_JOURNAL
from workloads.agent.state import Failure, Memory, Record
from workloads.agent.texts import check_name
from workloads.artifacts.bounded import parse_json, printable, read_file
from workloads.artifacts.folders import delete

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_LONGEST_BOOT = 100

_log = logging.getLogger(__name__)


def boot() -> str:
    """Return the name of the machine's last start; "" where the kernel says none."""
    try:
        return read_file(_BOOT, _LONGEST_BOOT).decode().strip()
    except (OSError, ValueError):
        return ""


def memory_json(memory: Memory, of_boot: str = "") -> str:
    """Sorted, equal for equal memories. `of_boot` is the start of the machine that its moments count from."""
    document = {
        "boot": of_boot,
        "records": [[list(key), asdict(record)] for key, record in sorted(memory.records.items())],
        "known": [[list(key), version_document(spec)] for key, spec in sorted(memory.known.items())],
        "last_default": [list(key) for _, key in sorted(memory.last_default.items())],
        "unused_since": dict(memory.unused_since),
        "unused_weights_since": dict(memory.unused_weights_since),
        "settled": memory.settled,
    }
    return json.dumps(document, sort_keys=True)


def read_memory(text: str | bytes, *, of_boot: str = "", now: float | None = None) -> Memory:
    """The inverse of memory_json. Raises KeyError, TypeError or ValueError, whatever it finds instead.

    Where `now` is given, no moment lies after it, and what another start of the machine counted begins at it.
    """
    content = text.encode() if isinstance(text, str) else text
    document = parse_json(content, LONGEST_JOURNAL)
    defaults = [_key(raw) for raw in document["last_default"]]
    memory = Memory(
        records={_key(raw): _record(record) for raw, record in document["records"]},
        known={_named(_key(raw)): read_version(spec, "memory") for raw, spec in document["known"]},
        last_default={key.model: key for key in defaults},
        unused_since=_since(document["unused_since"]),
        unused_weights_since=_since(document.get("unused_weights_since", {})),  # older agents knew of none
        settled=_exactly(document["settled"], bool),
    )
    if now is None:
        return memory
    return _counted_until(memory, now, trusted=bool(of_boot) and document.get("boot") == of_boot)


def load(path: Path, now: float) -> Memory:
    """Return what was saved, with moments that lie before `now`, or an empty memory."""
    try:
        return read_memory(read_file(path, LONGEST_JOURNAL), of_boot=boot(), now=now)
    except FileNotFoundError:
        return Memory()
    except Exception as error:  # noqa: BLE001 - whatever stands there, by a newer agent or by a worker, must keep none from starting
        reason = f"{type(error).__name__}: {str(error)[:300]}"
        _log.warning("what the last agent remembered is not readable", extra={"fields": {"reason": reason}})
        return Memory()


def replace_file(path: Path, text: str) -> bool:
    """Writes the whole file or leaves the old one. False where the disk does not take it: it is only a memory."""
    part = path.with_name(path.name + ".part")
    try:
        delete(part)  # a pipe would not open until somebody reads it
        with part.open("wb") as file:
            file.write(printable(text))
            file.flush()
            os.fsync(file.fileno())
        if path.is_dir() and not path.is_symlink():
            delete(path)
        part.replace(path)
    except OSError:
        return False
    return True


def _counted_until(memory: Memory, now: float, *, trusted: bool) -> Memory:
    def at(moment: float) -> float:
        return min(moment, now) if trusted else now

    records = {
        key: replace(
            record,
            retry_at=record.retry_at if trusted else 0.0,
            unready_since=None if record.unready_since is None else at(record.unready_since),
            leaving_since=None if record.leaving_since is None else at(record.leaving_since),
        )
        for key, record in memory.records.items()
    }
    return replace(
        memory,
        records=records,
        unused_since={digest: at(since) for digest, since in memory.unused_since.items()},
        unused_weights_since={digest: at(since) for digest, since in memory.unused_weights_since.items()},
    )


def _since(raw: Mapping[str, Any]) -> dict[str, float]:
    return {digest: _number(since) for digest, since in raw.items()}


def _key(raw: Any) -> Key:
    model, version, digest = raw
    return Key(_exactly(model, str), _exactly(version, str), _exactly(digest, str))


def _named(key: Key) -> Key:
    """A key whose names are parts of paths and URLs, as a configuration's are."""
    check_name("memory", key.model)
    check_name("memory", key.version)
    return key


def _record(raw: Mapping[str, Any]) -> Record:
    failure = raw["failure"]
    return Record(
        failures=_exactly(raw["failures"], int),
        failure=_failure(failure) if failure is not None else None,
        retry_at=_number(raw["retry_at"]),
        ours=_exactly(raw["ours"], bool),
        rejected=_exactly(raw["rejected"], bool),
        warmed=_exactly(raw["warmed"], bool),
        unready_since=_optional_number(raw["unready_since"]),
        leaving_since=_optional_number(raw["leaving_since"]),
    )


def _failure(raw: Mapping[str, Any]) -> Failure:
    return Failure(
        _exactly(raw["stage"], str), _exactly(raw["reason"], str), _exactly(raw["own_fault"], bool)
    )


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _optional_number(value: Any) -> float | None:
    return None if value is None else _number(value)


def _exactly(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
