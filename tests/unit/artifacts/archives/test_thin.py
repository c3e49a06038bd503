"""A thin archive is a function of its four arguments, wherever it is made, and a zip by the letter."""

import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from artifacts import RefusedError
from artifacts.archives import HandlerCode, archive_digest, archive_key, read_archive, thin_archive
from tests.support.handlers import ECHO, release

WEIGHTS = f"sha256:{'a' * 64}"
CODE = HandlerCode(name="echo", version="1.0.0", files=ECHO)


def built(
    code: HandlerCode = CODE, *, model: str = "fr_reader", version: str = "2", weights: str = WEIGHTS
) -> bytes:
    return thin_archive(model=model, version=version, handler=code, weights=weights)


def parsed(archive: bytes) -> list[tuple[str, bytes, int, int]]:
    """Name, content, time and date of each local file header, by the zip specification alone (APPNOTE 4.3.7)."""
    found, at = [], 0
    while archive[at : at + 4] == b"PK\x03\x04":
        version, flags, method, time, date, crc, packed, size, name_length, extra = struct.unpack(
            "<HHHHHIIIHH", archive[at + 4 : at + 30]
        )
        assert (version, flags, method, packed, extra) == (20, 0, 0, size, 0)
        name = archive[at + 30 : at + 30 + name_length].decode("ascii")
        body = archive[at + 30 + name_length :][:size]
        assert zlib.crc32(body) == crc
        found.append((name, body, time, date))
        at += 30 + name_length + size
    assert archive[at : at + 4] == b"PK\x01\x02", "the central directory follows the last file"
    return found


def test_it_is_a_zip_of_stored_files_in_order_without_a_clock() -> None:
    files = parsed(built())
    assert [name for name, *_ in files] == [
        "MAR-INF/MANIFEST.json", "slipway.json", "echo_adapter/__init__.py", "handler.py"
    ]  # fmt: skip
    assert {(time, date) for *_, time, date in files} == {(0, 0x21)}, "1980-01-01 00:00:00"
    contents = {name: body for name, body, *_ in files}
    assert json.loads(contents["MAR-INF/MANIFEST.json"]) == {
        "runtime": "python",
        "model": {"modelName": "fr_reader", "modelVersion": "2", "handler": "handler.py"},
    }
    assert json.loads(contents["slipway.json"]) == {
        "format": 1,
        "handler": {"name": "echo", "version": "1.0.0"},
        "weights": WEIGHTS,
    }
    assert {name: contents[name] for name in ECHO} == dict(ECHO)


def test_its_bytes_are_pinned_since_another_archive_would_be_another_version() -> None:
    code = HandlerCode(name="x", version="1.0.0", files={"handler.py": b"print(1)\n", "pkg/__init__.py": b""})
    assert archive_digest(built(code)) == (
        "sha256:d6d0b551795c69086c1590ac2e7745c4c5a4791a810f0b5a3621eeeb5fc34389"
    )


SCRIPT = """
import os, sys, pathlib
os.umask(int(sys.argv[2], 8))
from artifacts.archives import read_handler, thin_archive
code = read_handler(pathlib.Path(sys.argv[1]), "echo", "1.0.0")
sys.stdout.buffer.write(thin_archive(model="fr_reader", version="2", handler=code, weights="sha256:" + "a" * 64))
"""


@pytest.mark.parametrize(
    ("seed", "zone", "umask", "mode", "reverse"),
    [("0", "UTC", "022", 0o600, False), ("4711", "Asia/Kathmandu", "077", 0o755, True)],
)
def test_another_process_hash_seed_time_zone_umask_mode_time_and_order_give_equal_bytes(
    seed: str, zone: str, umask: str, mode: int, reverse: bool, tmp_path: Path
) -> None:
    release(tmp_path, "echo", "1.0.0", dict(sorted(ECHO.items(), reverse=reverse)))
    (tmp_path / "echo-1.0.0.zip").chmod(mode)
    os.utime(tmp_path / "echo-1.0.0.zip", (1, 10**9 + mode))
    environment = {"PYTHONPATH": str(Path(__file__).parents[4]), "PYTHONHASHSEED": seed, "TZ": zone}
    made = subprocess.run(  # noqa: S603 - this interpreter, on the code above
        [sys.executable, "-c", SCRIPT, str(tmp_path), umask], env=environment, capture_output=True, check=True
    ).stdout
    assert made == built()


@pytest.mark.parametrize(
    "other",
    [
        built(model="en_reader"),
        built(version="3"),
        built(weights=f"sha256:{'b' * 64}"),
        built(HandlerCode(name="echo", version="1.0.1", files=ECHO)),
        built(HandlerCode(name="echo", version="1.0.0", files={**ECHO, "handler.py": b"pass\n"})),
    ],
    ids=["model", "version", "weights", "handler's version", "code"],
)
def test_whatever_it_is_made_of_changes_its_digest(other: bytes) -> None:
    assert archive_digest(other) != archive_digest(built())


def test_its_key_in_the_bucket_is_its_digest() -> None:
    assert archive_key(WEIGHTS) == f"archives/{WEIGHTS}.mar"
    with pytest.raises(ValueError, match="64 hex"):
        archive_key("unresolved")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("fr_reader", "2", "unresolved"), "slipway artifacts digest"),
        (("a/b", "2", WEIGHTS), "the model 'a/b' becomes part of URLs"),
        (("fr_reader", "", WEIGHTS), "the version '' becomes part of URLs"),
    ],
)
def test_what_it_cannot_be_made_of_is_refused(given: tuple[str, str, str], told: str) -> None:
    model, version, weights = given
    with pytest.raises(RefusedError, match="Fix: ") as refused:
        built(model=model, version=version, weights=weights)
    assert told in str(refused.value)


def test_what_was_built_reads_back() -> None:
    read = read_archive(built())
    assert (read.model, read.version, read.handler, read.thin) == ("fr_reader", "2", "handler.py", True)
    assert read.mark is not None
    assert (read.mark.handler, read.mark.handler_version, read.mark.weights) == ("echo", "1.0.0", WEIGHTS)
