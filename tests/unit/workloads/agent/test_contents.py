"""Archives whose list of entries, or whose documents, are hostile. The digest was right: a researcher made them so."""

import io
import json
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from workloads.agent.contents import look_inside
from workloads.agent.limits import LONGEST_ARCHIVED_DOCUMENT
from workloads.artifacts.port import ContentError

MANIFEST = json.dumps({"model": {"modelName": "m", "modelVersion": "1"}})


def directory(entries: int) -> bytes:
    """A zip file that lists so many entries of no name. Nothing else is in it."""
    entry = b"PK\x01\x02" + bytes(42)
    head = struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, entries * 46, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, entries * 46, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return entry * entries + head + locator + end


def test_a_list_of_400_000_entries_is_refused_and_not_read(tmp_path: Path) -> None:
    """It took 208 MiB, and again after each restart."""
    (tmp_path / "x.mar").write_bytes(directory(400_000))
    tracemalloc.start()
    try:
        with pytest.raises(ContentError, match="directory of more than 1048576 bytes"):
            look_inside(tmp_path / "x.mar")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_list_of_as_many_entries_as_archives_have_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.mar", "w") as archive:
        archive.writestr("MAR-INF/MANIFEST.json", MANIFEST)
        for number in range(5000):
            archive.writestr(f"weights/{number}.bin", b"")
    assert look_inside(tmp_path / "x.mar").version == "1"


def damaged(at: bytes, offset: int, value: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("MAR-INF/MANIFEST.json", MANIFEST)
    content = bytearray(held.getvalue())
    start = content.index(at) + offset
    content[start : start + len(value)] = value
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        damaged(b"PK\x05\x06", 12, struct.pack("<L", 0xFFFFFFF0)),  # the list's length
        damaged(b"PK\x05\x06", 16, struct.pack("<L", 0xFFFFFFF0)),  # its place
        damaged(b"PK\x01\x02", 42, struct.pack("<L", 0x7FFFFFFF)),  # the document's place
        damaged(b"PK\x01\x02", 10, struct.pack("<H", 14)),  # packed by LZMA
        damaged(b"PK\x03\x04", 26, struct.pack("<H", 0xFFFF)),
        directory(3),
    ],
)
def test_an_archive_that_lies_about_places_and_lengths_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.mar").write_bytes(content)
    with pytest.raises(ContentError):
        look_inside(tmp_path / "x.mar")


@pytest.mark.parametrize(
    "document",
    [
        '{"model": {"modelVersion": Infinity}}',
        '{"model": {"modelVersion": ["1"]}}',
        '{"model": {"modelVersion": "\\ud800"}}',
        '{"model": ' * 50,
        "[" + "1," * 300_000 + "1]",
    ],
)
def test_a_manifest_of_nonsense_is_refused(tmp_path: Path, document: str) -> None:
    with zipfile.ZipFile(tmp_path / "x.mar", "w") as archive:
        archive.writestr("MAR-INF/MANIFEST.json", document)
    with pytest.raises(ContentError, match=r"MAR-INF/MANIFEST\.json"):
        look_inside(tmp_path / "x.mar")


def test_a_stored_document_is_bounded_like_a_packed_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.mar", "w") as archive:
        archive.writestr("MAR-INF/MANIFEST.json", MANIFEST + " " * LONGEST_ARCHIVED_DOCUMENT)
    with pytest.raises(ContentError, match=r"MANIFEST.json of more than 1048576 bytes"):
        look_inside(tmp_path / "x.mar")
