"""The agent reads what the promotion writes, with a few lines of its own: both have to agree."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from artifacts.digest import FileDigest, Kind, digest_of
from artifacts.errors import RefusedError, StorageError
from artifacts.manifest import read_manifest as read_by_promotion
from tests.unit.workloads.artifacts.artifacts_on_disk import manifest
from workloads.artifacts import manifest as reader
from workloads.artifacts.limits import LONGEST_MANIFEST
from workloads.artifacts.port import ContentError

HEX = "ab" * 32


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"weights.bin": b"hello"}, Kind.TREE),
        ({"weights.bin": b"hello"}, Kind.FILE),
        ({"a": b"", "b/c.txt": b"one\n", "config.json": b"{}"}, Kind.TREE),
        ({"é.txt": b"x", "z z.txt": b"y", "日本/語.bin": b"z"}, Kind.TREE),
        ({"manifest.json": b"{}", "files/manifest.json": b"{}"}, Kind.TREE),
        ({"\U0001f600": b"1", "\uffee": b"2", "a-b": b"3", "a/b": b"4", "a b": b"5"}, Kind.TREE),
        ({"/".join(["x" * 255] * 3): b"1", "..a/b..": b"2", "...": b"3"}, Kind.TREE),
    ],
)
def test_what_the_promotion_writes_is_read_with_the_same_digest(files: dict[str, bytes], kind: Kind) -> None:
    written = manifest(files, kind)
    read = reader.read_manifest([written.to_bytes()], written.digest, "s3://b/manifest.json")
    assert {(file.name, file.size, file.sha256) for file in read} == {
        (file.name, file.size, file.sha256) for file in written.files
    }
    assert reader.digest_of(kind.value, read) == written.digest


def test_the_digests_of_the_documentation_s_table_are_the_agent_s_too() -> None:
    written = manifest({"weights.bin": b"hello"})
    assert written.digest == "sha256:3e437646061e0bc135f5803bc63bcd9abba3c436250848cb4ed5c0a79ffdcd93"


def document(**changes: Any) -> dict[str, Any]:
    return {**json.loads(manifest({"a": b"1", "b": b"2"}).to_bytes()), **changes}


DIGEST = manifest({"a": b"1", "b": b"2"}).digest


def renamed(*names: str) -> tuple[str, dict[str, Any]]:
    """A manifest with those names, and the digest that its own lines give."""
    entries = [{"name": name, "size": 1, "sha256": HEX, "etag": "", "version_id": None} for name in names]
    files = tuple(reader.ArtifactFile(name, 1, HEX) for name in names)
    digest = reader.digest_of("tree", files)
    return digest, document(digest=digest, files=entries)


@pytest.mark.parametrize(
    "changed",
    [
        document(format=2),
        document(kind="folder"),
        document(kind="file"),
        document(files=[]),
        document(files={}),
        document(files=[1]),
        document(files=document()["files"][:1]),
        document(files=[{**document()["files"][0], "size": -1}, document()["files"][1]]),
        document(files=[{**document()["files"][0], "size": 2}, document()["files"][1]]),
        document(files=[{**document()["files"][0], "size": True}, document()["files"][1]]),
        document(files=[{**document()["files"][0], "sha256": "AB" * 32}, document()["files"][1]]),
        document(files=[{**document()["files"][0], "sha256": HEX}, document()["files"][1]]),
        document(files=[{**document()["files"][0], "name": "c"}, document()["files"][1]]),
        [],
        None,
    ],
)
def test_an_altered_manifest_is_refused_by_both(changed: Any) -> None:
    content = json.dumps(changed).encode()
    with pytest.raises(ContentError):
        reader.read_manifest([content], DIGEST, "s3://b/manifest.json")
    with pytest.raises((StorageError, RefusedError, ValueError)):
        read_by_promotion(content, DIGEST, "s3://b/manifest.json")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 200_000])
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(ContentError, match="is no manifest"):
        reader.read_manifest([content], DIGEST, "s3://b/manifest.json")


@pytest.mark.parametrize("value", [b"{}", b"[]", b'{"a":1}', b"1.5"])
def test_a_manifest_that_would_fill_the_memory_is_refused_before_it_is_read(value: bytes) -> None:
    more = b",".join([value] * (2 * 16 * 100_000))
    content = json.dumps(document(more=0)).encode().replace(b'"more": 0', b'"more": [' + more + b"]")
    assert len(content) < LONGEST_MANIFEST
    with pytest.raises(ContentError, match="a part of it has more than 32768 characters"):
        reader.read_manifest([content], DIGEST, "s3://b/manifest.json")


def entries(count: int, name: str) -> list[dict[str, Any]]:
    return [{"name": f"{name}{number}", "size": 1, "sha256": HEX} for number in range(count)]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (entries(100_001, "a"), "holds more than 100000 files"),
        (entries(12_000, "\U0001f600" + "a" * 800), "names of its files take more than"),
        ([{"name": "a", "size": 2**63, "sha256": HEX}], "a number in it is larger than"),
        ([[[[]]] * 20_000], "has more than 32768 characters"),
    ],
)
def test_a_manifest_of_more_than_an_artifact_has_is_refused(files: list[Any], said: str) -> None:
    content = json.dumps(document(files=files), ensure_ascii=False).encode()
    with pytest.raises(ContentError, match=said):
        reader.read_manifest([content], DIGEST, "s3://b/manifest.json")


def test_no_more_of_a_manifest_is_read_than_a_manifest_has() -> None:
    """63 MiB of it with one emoji were 593 MiB of the agent's memory."""
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        yield b'{"files": ['
        while True:
            read += 1 << 20
            yield b" " * (1 << 20)

    with pytest.raises(ContentError, match=f"more than {LONGEST_MANIFEST} bytes"):
        reader.read_manifest(endless(), DIGEST, "s3://b/manifest.json")
    assert read <= LONGEST_MANIFEST + (1 << 20)


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_manifest_may_come_in_pieces_that_cut_anything(size: int) -> None:
    files = {"é.txt": b"x", "\U0001f600": b"y", "a" * 200: b"z"}
    written = manifest(files)
    content = written.to_bytes()
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    read = reader.read_manifest(pieces, written.digest, "s3://b/manifest.json")
    assert sorted(file.name for file in read) == sorted(files)


@pytest.mark.parametrize(
    "content",
    [
        b'{"format": 1, "kind": "tree", "files": []} x',
        b'{"format": 1, "kind": "tree", "files": [1',
        b'{"format": 1, "kind": "tree", "files": [] "a": 1}',
        b'{"format": 1, "kind": "tree"}',
        b'{"format": 1, "kind": [], "files": []}',
        b"{" + b",".join(b'"%d": 1' % number for number in range(200)) + b"}",
        b'{"a": "' + b"\xc3",
    ],
)
def test_a_manifest_that_is_cut_or_joined_with_something_is_refused(content: bytes) -> None:
    with pytest.raises(ContentError):
        reader.read_manifest([content], DIGEST, "s3://b/manifest.json")


@pytest.mark.parametrize(
    "names",
    [
        ("../a",), ("/a",), ("/",), ("a/../../b",), ("a/./b",), ("a//b",), ("a/",), ("",), (".",), ("..",),
        ("a\\b",), ("a\nb",), ("a\x00b",), ("a\u2028b",), ("x" * 256,), ("/".join(["x" * 200] * 5),),
        ("a", "a"), ("a", "a/b"), ("\ud800",),
    ],
)  # fmt: skip
def test_a_name_that_is_no_safe_path_is_refused_by_both_though_its_digest_is_right(
    names: tuple[str, ...],
) -> None:
    if names == ("\ud800",):
        digest, written = DIGEST, document(files=[{"name": "\ud800", "size": 1, "sha256": HEX}])
    else:
        digest, written = renamed(*names)
    with pytest.raises(ContentError, match="names files that no artifact has"):
        reader.read_manifest([json.dumps(written).encode()], digest, "s3://b/manifest.json")
    with pytest.raises((RefusedError, ValueError)):
        digest_of(Kind.TREE, [FileDigest(name=name, size=1, sha256=HEX) for name in names])
