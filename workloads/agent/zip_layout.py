"""Finds the members of a zip as both of its readers see them. Java goes through the local headers one after another,
Python through the directory at the end. A zip in which the two differ has two contents, and is refused.

The format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (6.3.10, 4.3 and 4.5.3).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from workloads.agent.limits import LONGEST_DIRECTORY

_LOCAL, _CENTRAL, _DESCRIPTOR = b"PK\x03\x04", b"PK\x01\x02", b"PK\x07\x08"
_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_SIZE, _LOCATOR_SIZE, _END_64_SIZE = 22, 20, 56
_LOCAL_SIZE, _CENTRAL_SIZE = 30, 46
_WIDE_16, _WIDE_32 = 0xFFFF, 0xFFFFFFFF
_EXTRA_64, _EXTRA_NAME = 0x0001, 0x7075
_UTF8, _HAS_DESCRIPTOR = 0x800, 0x8


class ZipLayoutError(Exception):
    """The zip is damaged, or has two contents. The message continues "it …"."""


class TwoContentsError(ZipLayoutError):
    """Two readers would find different files."""


@dataclass(frozen=True)
class Entry:
    """One file or folder of the directory. Sizes and offsets are in bytes."""

    name: str
    """A folder's ends with a slash."""
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int
    """As in Unix's stat; 0 where the zip says none."""


@dataclass(frozen=True)
class _Directory:
    begins: int
    ends: int
    count: int


def read_entries(file: IO[bytes]) -> list[Entry]:
    """Return the directory, in its order. Raises ZipLayoutError."""
    directory = _directory(file)
    if directory.ends - directory.begins > LONGEST_DIRECTORY:
        raise ZipLayoutError(f"has a directory of more than {LONGEST_DIRECTORY} bytes")
    content = _read(file, directory.begins, directory.ends - directory.begins)
    entries, at = [], 0
    while at < len(content):
        entry, at = _central(content, at)
        entries.append(entry)
    if len(entries) != directory.count:
        raise ZipLayoutError(f"has {len(entries)} entries in a directory that says {directory.count}")
    return entries


def require_one_content(file: IO[bytes], entries: list[Entry]) -> dict[Entry, int]:
    """Return where the packed bytes of each entry begin. Raises TwoContentsError unless each local header says what the
    directory says, and they follow each other without a gap from the first byte to the directory."""
    begins = {}
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.offset):
        if entry.offset != end:
            what = "overlaps what is before it" if entry.offset < end else "comes after bytes of no file"
            raise TwoContentsError(f"has a file {entry.name!r} that {what}")
        begins[entry] = _local(file, entry)
        end = begins[entry] + entry.packed
        if entry.flags & _HAS_DESCRIPTOR:
            end += _descriptor(file, entry, end)
    if end != _directory(file).begins:
        raise TwoContentsError("has bytes of no file before its directory")
    return begins


def _directory(file: IO[bytes]) -> _Directory:
    size = file.seek(0, os.SEEK_END)
    end = _read(file, size - _END_SIZE, _END_SIZE)
    if end[:4] != _END:
        raise ZipLayoutError(
            "does not end with a zip's directory: it is no zip, cut off, or has more behind it"
        )
    disk, first, here, count, length, begins, comment = struct.unpack("<4H2IH", end[4:])
    ends = size - _END_SIZE
    if (disk, first, comment) != (0, 0, 0) or here != count:
        raise ZipLayoutError("is one of several parts, or has a comment")
    if count == _WIDE_16 or _WIDE_32 in (length, begins):
        locator = _read(file, ends - _LOCATOR_SIZE, _LOCATOR_SIZE)
        record = _read(file, ends - _LOCATOR_SIZE - _END_64_SIZE, _END_64_SIZE)
        ends -= _LOCATOR_SIZE + _END_64_SIZE
        if (
            locator[:4] != _LOCATOR_64
            or record[:4] != _END_64
            or struct.unpack("<Q", locator[8:16])[0] != ends
        ):
            raise ZipLayoutError("has no whole directory")
        count, length, begins = struct.unpack("<3Q", record[32:])
    if begins + length != ends:
        raise TwoContentsError("has bytes of no file before or behind its directory")
    return _Directory(begins, ends, count)


def _central(content: bytes, at: int) -> tuple[Entry, int]:
    head = content[at : at + _CENTRAL_SIZE]
    if len(head) < _CENTRAL_SIZE or head[:4] != _CENTRAL:
        raise ZipLayoutError("has a damaged directory")
    flags, method = struct.unpack("<2H", head[8:12])
    crc, packed, size = struct.unpack("<3I", head[16:28])
    lengths = struct.unpack("<3H", head[28:34])
    attributes, offset = struct.unpack("<2I", head[38:46])
    names_end = at + _CENTRAL_SIZE + lengths[0]
    name = _name(content[at + _CENTRAL_SIZE : names_end], flags)
    size, packed, offset = _widened(content[names_end : names_end + lengths[1]], size, packed, offset)
    entry = Entry(name, flags, method, crc, packed, size, offset, attributes >> 16)
    return entry, at + _CENTRAL_SIZE + sum(lengths)


def _local(file: IO[bytes], entry: Entry) -> int:
    head = _read(file, entry.offset, _LOCAL_SIZE)
    if head[:4] != _LOCAL:
        raise TwoContentsError(f"has no file where its directory says that {entry.name!r} is")
    flags, method = struct.unpack("<2H", head[6:10])
    crc, packed, size = struct.unpack("<3I", head[14:26])
    name_length, extra_length = map(int, struct.unpack("<2H", head[26:30]))
    rest = _read(file, entry.offset + _LOCAL_SIZE, name_length + extra_length)
    size, packed, _ = _widened(rest[name_length:], size, packed, 0)
    said = (_name(rest[:name_length], flags), flags, method)
    said_later = entry.flags & _HAS_DESCRIPTOR and (crc, packed, size) == (0, 0, 0)
    same = said == (entry.name, entry.flags, entry.method)
    if not same or not (said_later or (crc, packed, size) == (entry.crc, entry.packed, entry.size)):
        raise TwoContentsError(
            f"says one thing of {entry.name!r} beside the file and another in its directory"
        )
    return entry.offset + _LOCAL_SIZE + name_length + extra_length


def _descriptor(file: IO[bytes], entry: Entry, at: int) -> int:
    """Return how many bytes are written behind a file whose sizes were not known before."""
    for sizes in ("<3I", "<I2Q"):
        if max(entry.packed, entry.size) > _WIDE_32 and sizes == "<3I":
            continue
        written = struct.pack(sizes, entry.crc, entry.packed, entry.size)
        for whole in (_DESCRIPTOR + written, written):
            file.seek(at)
            if file.read(len(whole)) == whole:
                return len(whole)
    raise TwoContentsError(f"says one thing of {entry.name!r} behind the file and another in its directory")


def _widened(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Return the 64-bit values of those that do not fit into 32 bits."""
    wide = b""
    for kind, content in _fields(extra):
        if kind == _EXTRA_NAME:
            raise TwoContentsError("has a file with two names")
        wide = content if kind == _EXTRA_64 else wide
    values = []
    for value in (size, packed, offset):
        if value == _WIDE_32:
            if len(wide) < 8:
                raise ZipLayoutError("has a file without its 64-bit size")
            value, wide = struct.unpack("<Q", wide[:8])[0], wide[8:]
        values.append(value)
    return values[0], values[1], values[2]


def _fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack("<2H", extra[at : at + 4])
        yield kind, extra[at + 4 : at + 4 + length]
        at += 4 + length


def _name(written: bytes, flags: int) -> str:
    try:
        return written.decode("utf-8" if flags & _UTF8 else "ascii")
    except UnicodeDecodeError:
        raise TwoContentsError(f"has a name that readers spell differently: {written!r}") from None


def _read(file: IO[bytes], at: int, count: int) -> bytes:
    if at < 0:
        raise ZipLayoutError("is too short for a zip")
    file.seek(at)
    content = file.read(count)
    if len(content) != count:
        raise ZipLayoutError("is cut off")
    return content
