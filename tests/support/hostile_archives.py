"""Archives that TorchServe would take, and that do something else than they seem to: one for each rule and trick."""

import io
import json
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

MANIFEST = "MAR-INF/MANIFEST.json"
MODEL: dict[str, Any] = {"modelName": "fr_reader", "modelVersion": "1", "handler": "handler.py"}


def packed(
    *files: tuple[str | zipfile.ZipInfo, bytes],
    model: dict[str, Any] | None = None,
    compress: int = zipfile.ZIP_STORED,
) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", compress) as archive:
        archive.writestr(MANIFEST, json.dumps({"model": {**MODEL, **(model or {})}}))
        archive.writestr("handler.py", "pass")
        for name, body in files:
            archive.writestr(name, body)
    return held.getvalue()


def of_kind(kind: int, name: str = "weights.bin") -> bytes:
    made = zipfile.ZipInfo(name)
    made.external_attr = (kind | 0o777) << 16
    return packed((made, b"/etc/passwd"))


def replaced(archive: bytes, old: bytes, new: bytes, which: int) -> bytes:
    """With the occurrence of that number (from 0) replaced by as many bytes."""
    assert len(old) == len(new)
    at = -1
    for _ in range(which + 1):
        at = archive.index(old, at + 1)
    return archive[:at] + new + archive[at + len(old) :]


def at_directory(archive: bytes, number: int, offset: int, value: bytes) -> bytes:
    """With bytes of the directory's entry of that number replaced."""
    at = -1
    for _ in range(number + 1):
        at = archive.index(b"PK\x01\x02", at + 1)
    return archive[: at + offset] + value + archive[at + offset + len(value) :]


def at_local(archive: bytes, number: int, offset: int, value: bytes) -> bytes:
    at = -1
    for _ in range(number + 1):
        at = archive.index(b"PK\x03\x04", at + 1)
    return archive[: at + offset] + value + archive[at + offset + len(value) :]


def begun_later(archive: bytes, more: bytes) -> bytes:
    """With bytes in front, and offsets that know of them, so that every reader finds the files."""
    return b"".join((more, _moved(archive, len(more))))


def hidden_behind_the_files() -> bytes:
    """A file that Java finds and Python does not: its header is in no directory."""
    archive = packed()
    begins = archive.index(b"PK\x01\x02")
    body = b"import os"
    hidden = struct.pack(
        "<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 0, zlib.crc32(body), len(body), len(body), 9, 0
    )
    return _moved(archive, 0, directory=archive[:begins] + hidden + b"hidden.py" + body)


def overlapping() -> bytes:
    """Two files of the directory, of which one lies inside the other's bytes."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.py", "x")
    local = inner.getvalue()[: inner.getvalue().index(b"PK\x01\x02")]
    outer = packed(("outer.bin", local))
    begins, end = outer.index(b"PK\x01\x02"), outer.index(b"PK\x05\x06")
    entry = bytearray(inner.getvalue()[len(local) : inner.getvalue().index(b"PK\x05\x06")])
    entry[42:46] = struct.pack("<I", outer.index(b"outer.bin") + len("outer.bin"))
    directory = outer[begins:end] + bytes(entry)
    return (
        outer[:begins]
        + directory
        + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 4, 4, len(directory), begins, 0)
    )


def _moved(archive: bytes, by: int, directory: bytes | None = None) -> bytes:
    begins, end = archive.index(b"PK\x01\x02"), archive.index(b"PK\x05\x06")
    files = archive[:begins] if directory is None else directory
    entries = bytearray(archive[begins:end])
    at = 0
    while at < len(entries):
        entries[at + 42 : at + 46] = struct.pack(
            "<I", struct.unpack("<I", entries[at + 42 : at + 46])[0] + by
        )
        at += 46 + sum(struct.unpack("<3H", entries[at + 28 : at + 34]))
    tail = bytearray(archive[end:])
    tail[16:20] = struct.pack("<I", len(files) + by)
    return files + bytes(entries) + bytes(tail)


@cache
def bomb(count: int = 1) -> bytes:
    """300 MB of zeros."""
    zeros = bytes(1 << 20)
    held = io.BytesIO(packed())
    with zipfile.ZipFile(held, "a", zipfile.ZIP_DEFLATED) as archive:
        for number in range(count):
            with archive.open(f"{number}.bin", "w") as file:
                for _ in range(300 // count):
                    file.write(zeros)
    return held.getvalue()


def bomb_that_says_it_is_small() -> bytes:
    """Beside the file and in the directory: a reader that believes them writes 300 MB all the same."""
    archive = bomb()
    small = struct.pack("<I", 1000)
    return at_local(at_directory(archive, 2, 24, small), 2, 22, small)


def deflated_with_more_behind() -> bytes:
    """Bytes of no file behind the stream, where Java looks for the next header."""
    body = b"x" * 1000
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed_body = stream.compress(body) + stream.flush() + b"PK\x03\x04 hidden"
    held = io.BytesIO(packed())
    with zipfile.ZipFile(held, "a") as archive:
        archive.writestr("x.bin", packed_body)
    both = held.getvalue()
    fields = struct.pack("<3I", zlib.crc32(body), len(packed_body), len(body))
    both = at_local(both, 2, 8, struct.pack("<H", 8))
    both = at_directory(both, 2, 10, struct.pack("<H", 8))
    return at_directory(at_local(both, 2, 14, fields), 2, 16, fields)


Make = Callable[[], bytes]

HOSTILE: dict[str, tuple[Make, str]] = {
    "a name that climbs": (lambda: packed(("../../evil.py", b"")), "archive-names"),
    "a name that climbs from inside": (lambda: packed(("a/../../evil.py", b"")), "archive-names"),
    "an absolute name": (lambda: packed(("/etc/cron.d/evil", b"")), "archive-names"),
    "a name with a drive": (lambda: packed(("C:evil.py", b"")), "archive-names"),
    "a name that climbs with backslashes": (lambda: packed(("..\\evil.py", b"")), "archive-names"),
    "a folder that climbs": (lambda: packed(("../evil/", b"")), "archive-names"),
    "a name with a line feed": (lambda: packed(("a\nb.py", b"")), "archive-names"),
    "a name that turns reading": (lambda: packed(("a\u202eyp.b", b"")), "archive-names"),
    "a link": (lambda: of_kind(stat.S_IFLNK), "archive-names"),
    "a device": (lambda: of_kind(stat.S_IFBLK), "archive-names"),
    "a pipe": (lambda: of_kind(stat.S_IFIFO), "archive-names"),
    "a folder that is a link": (lambda: of_kind(stat.S_IFLNK, "weights/"), "archive-names"),
    "a name twice": (
        lambda: packed(("a.bin", b"1"), ("b.bin", b"2")).replace(b"b.bin", b"a.bin"),
        "archive-names",
    ),
    "twins by case": (lambda: packed(("HANDLER.py", b"")), "archive-names"),
    "twins by the case of a folder": (lambda: packed(("a/x", b""), ("A/y", b"")), "archive-names"),
    "twins by accents": (lambda: packed(("caf\u00e9", b""), ("cafe\u0301", b"")), "archive-names"),
    "twins by width": (lambda: packed(("\uff48andler.py", b"")), "archive-names"),
    "a file that is a folder": (lambda: packed(("handler.py/x", b"")), "archive-names"),
    "another name beside the file": (
        lambda: replaced(packed(), b"handler.py", b"heindl3.py", 1),
        "archive-layout",
    ),
    "another size beside the file": (
        lambda: at_local(packed(("a", b"123")), 2, 22, b"\x02\0\0\0"),
        "archive-layout",
    ),
    "another way of packing beside the file": (lambda: at_local(packed(), 1, 8, b"\x08\0"), "archive-layout"),
    "flags that only one reader sees": (lambda: at_local(packed(), 1, 6, b"\x08\0"), "archive-layout"),
    "a file that is in no directory": (hidden_behind_the_files, "archive-layout"),
    "a file inside another one": (overlapping, "archive-layout"),
    "bytes before it": (lambda: b"#!/bin/sh\n" + packed(), "archive-layout"),
    "bytes before it that it knows of": (lambda: begun_later(packed(), b"#!/bin/sh\n"), "archive-layout"),
    "bytes behind it": (lambda: packed() + b"more", "archive-zip"),
    "another archive behind it": (lambda: packed() + packed(), "archive-layout"),
    "a comment": (lambda: packed()[:-2] + b"\x04\0more", "archive-zip"),
    "bytes behind a packed stream": (deflated_with_more_behind, "archive-layout"),
    "300 MB of zeros": (bomb, "archive-size"),
    "300 MB of zeros in 100 files": (lambda: bomb(100), "archive-size"),
    "300 MB of zeros that say they are 1000 bytes": (bomb_that_says_it_is_small, "archive-size"),
    "an encrypted file": (
        lambda: at_directory(at_local(packed(), 1, 6, b"\x01\0"), 1, 8, b"\x01\0"),
        "archive-encrypted",
    ),
    "a way of packing that Java does not know": (
        lambda: packed(compress=zipfile.ZIP_LZMA),
        "archive-zip",
    ),
    "settings that win over the catalog's": (
        lambda: packed(("model-config.yaml", b"maxWorkers: 64")),
        "archive-config",
    ),
    "settings under another name": (
        lambda: packed(("mine.yaml", b"maxWorkers: 64"), model={"configFile": "mine.yaml"}),
        "archive-config",
    ),
    "weights that lie elsewhere": (
        lambda: packed(model={"serializedFile": "/etc/passwd"}),
        "archive-handler",
    ),
    "a handler that lies elsewhere": (lambda: packed(model={"handler": "../evil.py:run"}), "archive-handler"),
    "a handler that is not inside": (lambda: packed(model={"handler": "other.py"}), "archive-handler"),
    "no manifest": (lambda: packed().replace(b"MANIFEST", b"MANIFOLD"), "archive-manifest"),
}
"""What it is → how it is made, and the rule that refuses it."""
