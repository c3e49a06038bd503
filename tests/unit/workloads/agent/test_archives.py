import errno
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.workloads.agent.samples import MODEL, digest
from workloads.agent.archives import ArchiveStore, archive_file, digest_of
from workloads.agent.configuration import Archive
from workloads.agent.contents import Inside, look_inside
from workloads.artifacts.port import ContentError, DiskFullError, SourceError
from workloads.artifacts.sources import DirectorySource

CONTENT = b"an archive" * 1000
ARCHIVE = Archive(digest=f"sha256:{hashlib.sha256(CONTENT).hexdigest()}", location="1.mar")


class Pieces:
    """A source that gives pieces, and raises what is no piece."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = pieces
        self.reads = 0

    def read(self, location: str, start: int = 0) -> Iterator[bytes]:  # noqa: ARG002 - the port's signature
        self.reads += 1
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


def test_an_archive_is_fetched_once(tmp_path: Path) -> None:
    source = Pieces(CONTENT[:10], CONTENT[10:])
    store = ArchiveStore(tmp_path, source)
    store.fetch(ARCHIVE)
    store.fetch(ARCHIVE)
    assert store.present() == {ARCHIVE.digest: len(CONTENT)}
    assert source.reads == 1


def test_while_it_is_fetched_nobody_sees_it(tmp_path: Path) -> None:
    seen: list[dict[str, int]] = []

    class Looking(Pieces):
        def read(self, location: str, start: int = 0) -> Iterator[bytes]:  # noqa: ARG002 - the port's signature
            yield CONTENT[:10]
            seen.append(store.present())
            yield CONTENT[10:]

    store = ArchiveStore(tmp_path, Looking())
    store.fetch(ARCHIVE)
    assert seen == [{}]


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        (b"", ContentError),
        (SourceError("cut off"), SourceError),
        (OSError(errno.ENOSPC, "No space left on device"), DiskFullError),
        (OSError(errno.EIO, "I/O error"), OSError),
    ],
)
def test_a_fetch_that_fails_leaves_nothing(
    tmp_path: Path, piece: bytes | Exception, expected: type[Exception]
) -> None:
    store = ArchiveStore(tmp_path, Pieces(CONTENT[:-1], piece))
    with pytest.raises(expected):
        store.fetch(ARCHIVE)
    assert list(tmp_path.iterdir()) == []


def test_other_bytes_are_refused_with_both_digests(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=f"1.mar has the digest sha256:.*, not {ARCHIVE.digest}"):
        ArchiveStore(tmp_path, Pieces(b"other")).fetch(ARCHIVE)


def test_what_a_killed_agent_left_half_is_deleted_at_the_start(tmp_path: Path) -> None:
    (tmp_path / f"{archive_file(ARCHIVE.digest)}.123.part").write_bytes(b"half")
    assert ArchiveStore(tmp_path, Pieces()).present() == {}
    assert list(tmp_path.iterdir()) == []


def test_an_archive_that_was_altered_on_the_disk_is_deleted(tmp_path: Path) -> None:
    store = ArchiveStore(tmp_path, Pieces(CONTENT))
    store.fetch(ARCHIVE)
    assert store.verify(ARCHIVE.digest)
    store.path(ARCHIVE.digest).write_bytes(b"altered")
    assert not store.verify(ARCHIVE.digest)
    assert store.present() == {}


def test_files_that_are_no_archives_of_ours_are_not_counted(tmp_path: Path) -> None:
    (tmp_path / "fr_reader.mar").write_bytes(b"x")
    assert ArchiveStore(tmp_path, Pieces()).present() == {}


def test_a_file_name_tells_the_digest() -> None:
    assert digest_of(archive_file(digest("1"))) == digest("1")
    assert digest_of("fr_reader.mar") == ""


def archive_with(name: str, content: str, compression: int = zipfile.ZIP_STORED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", compression) as archive:
        archive.writestr(name, content)
    return held.getvalue()


def damaged(compression: int) -> bytes:
    """A manifest whose compressed stream begins with what no decompressor reads."""
    content = bytearray(archive_with("MAR-INF/MANIFEST.json", json.dumps(["packed"] * 100), compression))
    begins = content.index(b"MANIFEST.json") + len("MANIFEST.json")
    content[begins : begins + 16] = b"\xff" * 16
    return bytes(content)


def encrypted() -> bytes:
    """As its flags say, in the file's own header and in the directory of all."""
    content = bytearray(archive_with("MAR-INF/MANIFEST.json", "{}"))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "archive-zip"),
        (b"nonsense", "archive-zip"),
        (archive_with("MAR-INF/MANIFEST.json", "{}" * 100)[:-40], "archive-zip"),
        (damaged(zipfile.ZIP_DEFLATED), "archive-zip"),
        (damaged(zipfile.ZIP_LZMA), "archive-zip"),
        (encrypted(), "archive-encrypted"),
        (archive_with("MAR-INF/MANIFEST.json", "[" * 200_000), "archive-manifest"),
        (archive_with("handler.py", ""), "archive-manifest: it has no MAR-INF/MANIFEST.json"),
        (archive_with("MAR-INF/MANIFEST.json", "{}"), "archive-manifest: it has no object model"),
        (archive_with("MAR-INF/MANIFEST.json", "[]"), "archive-manifest: it has no object model"),
        (
            archive_with("MAR-INF/MANIFEST.json", '{"model": {}}'),
            "no MAR-INF/MANIFEST.json with model.modelVersion",
        ),
    ],
)
def test_what_torchserve_would_take_for_an_empty_model_is_refused(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "x.mar").write_bytes(content)
    with pytest.raises(ContentError, match=said):
        look_inside(tmp_path / "x.mar")


@pytest.mark.parametrize("name", ["MAR-INF/MANIFEST.json", "slipway.json"])
def test_a_document_that_unpacks_to_more_than_any_is_refused_and_not_read(tmp_path: Path, name: str) -> None:
    """600 KB of zip were 1.2 GB of the agent's memory."""
    with zipfile.ZipFile(tmp_path / "x.mar", "w", zipfile.ZIP_DEFLATED) as archive:
        if name != "MAR-INF/MANIFEST.json":
            archive.writestr("MAR-INF/MANIFEST.json", json.dumps({"model": {"modelVersion": "1"}}))
        archive.writestr(name, '{"model": {"modelVersion": "1"}}' + " " * (2 << 20))
    with pytest.raises(ContentError, match=f"it has a {name} of more than 1048576 bytes"):
        look_inside(tmp_path / "x.mar")


def test_an_archive_says_its_version(tmp_path: Path) -> None:
    manifest = json.dumps({"model": {"modelVersion": "2.1"}})
    (tmp_path / "x.mar").write_bytes(archive_with("MAR-INF/MANIFEST.json", manifest))
    assert look_inside(tmp_path / "x.mar").version == "2.1"


def thin_with(document: str, *more: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(
            "MAR-INF/MANIFEST.json", json.dumps({"model": {"modelName": MODEL, "modelVersion": "2"}})
        )
        archive.writestr("slipway.json", document)
        for name in more:
            archive.writestr(name, "")
    return held.getvalue()


@pytest.mark.parametrize(("more", "brings"), [([], False), (["weights/config.json"], True)])
def test_a_thin_archive_says_which_weights_it_is_made_for_and_whether_it_brings_them(
    tmp_path: Path, more: list[str], brings: bool
) -> None:
    written = json.dumps({"format": 1, "handler": {"name": "reader", "version": "1"}, "weights": digest("w")})
    (tmp_path / "x.mar").write_bytes(thin_with(written, *more))
    assert look_inside(tmp_path / "x.mar") == Inside("2", digest("w"), brings, MODEL)


@pytest.mark.parametrize("document", ["", "{}", "[]", '{"format": 2, "weights": "x"}', '{"format": 1}'])
def test_a_thin_archive_that_does_not_say_its_weights_is_refused(tmp_path: Path, document: str) -> None:
    (tmp_path / "x.mar").write_bytes(thin_with(document))
    with pytest.raises(ContentError, match=r"slipway\.json (names no weights|that is no JSON)"):
        look_inside(tmp_path / "x.mar")


def test_a_folder_gives_its_files_and_says_which_are_missing(tmp_path: Path) -> None:
    (tmp_path / "fr").mkdir()
    (tmp_path / "fr/1.mar").write_bytes(CONTENT)
    source = DirectorySource(tmp_path)
    assert b"".join(source.read("fr/1.mar")) == CONTENT
    for location in ("fr/2.mar", "fr"):
        with pytest.raises(SourceError, match="does not exist") as failed:
            list(source.read(location))
        assert failed.value.missing


def test_a_location_cannot_leave_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    with pytest.raises(SourceError, match="lies outside"):
        list(DirectorySource(tmp_path / "models").read("../secret"))
