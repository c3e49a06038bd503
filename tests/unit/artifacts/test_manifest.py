"""A manifest says what is published; a damaged one is never believed."""

import hashlib
import json

import pytest

from artifacts import (
    FileDigest,
    Kind,
    Manifest,
    ManifestFile,
    StorageError,
    digest_of,
    files_of,
    folder_of,
    manifest_key,
    read_manifest,
)

NAMES = ("a", "b/é.txt")
FILES = tuple(
    ManifestFile(
        name=name,
        size=len(name.encode()),
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        etag='"e"',
        version_id="v1",
    )
    for name in NAMES
)
DIGEST = digest_of(
    Kind.TREE, [FileDigest(name=file.name, size=file.size, sha256=file.sha256) for file in FILES]
)
MANIFEST = Manifest(kind="tree", digest=DIGEST, source="s3://research/reader", files=FILES)


def test_a_manifest_comes_back_as_it_was_written() -> None:
    content = MANIFEST.to_bytes()
    assert read_manifest(content, DIGEST, "m") == MANIFEST
    assert read_manifest(content, DIGEST, "m").to_bytes() == content


def test_a_manifest_is_json_with_a_file_a_line() -> None:
    lines = MANIFEST.to_bytes().decode().splitlines()
    assert [json.loads(line.rstrip(","))["name"] for line in lines if '"etag"' in line] == list(NAMES)


def test_files_lie_apart_from_the_manifest_so_that_a_model_may_have_one_of_its_own() -> None:
    assert manifest_key(DIGEST) == f"{folder_of(DIGEST)}manifest.json"
    assert f"{files_of(DIGEST)}manifest.json" != manifest_key(DIGEST)


def test_no_key_is_made_of_what_is_no_digest() -> None:
    with pytest.raises(ValueError, match="64 hex digits"):
        folder_of("../elsewhere")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b'"size": 1', b'"size": 2', "is damaged"),
        (b'"name": "a"', b'"name": "c"', "is damaged"),
        (b'"format": 1', b'"format": 2', "format"),
        (b'"kind": "tree"', b'"kind": "tree", "more": 1', "more"),
        (b"{\n", b"", "Fix: "),
        (DIGEST.encode(), b"sha256:" + b"0" * 64, "is damaged"),
    ],
)
def test_a_damaged_manifest_is_refused_with_its_place_and_the_fix(old: bytes, new: bytes, why: str) -> None:
    content = MANIFEST.to_bytes()
    assert old in content
    with pytest.raises(StorageError, match=f"s3://b/m.*{why}|s3://b/m.*\n*{why}"):
        read_manifest(content.replace(old, new, 1), DIGEST, "s3://b/m")
