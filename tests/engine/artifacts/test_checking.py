"""What somebody does to a published artifact is found: by one listing, or by reading it again."""

import hashlib
from typing import Any

import pytest

from artifacts import DigestMismatchError, NotPublishedError, StorageError
from artifacts.storage import check, mend, promote, verify


def test_a_tampered_object_of_the_same_size_is_found_by_check_and_by_verify(
    make: Any, versions: bool
) -> None:
    place = make(versions=versions)
    promote(place.source, place.target, place.manner())
    place.tamper("shards/part-1.safetensors", b"9" * 5000)
    for findings in (check(place.target), verify(place.target)):
        assert (findings.missing, findings.altered, findings.additional) == (
            (),
            ("shards/part-1.safetensors",),
            (),
        )
        assert findings.sentences() == ["shards/part-1.safetensors was altered"]


def test_missing_and_additional_files_are_found_by_one_listing(place: Any) -> None:
    promote(place.source, place.target, place.manner())
    client = place.s3.client()
    client.delete_object(Bucket=place.target.bucket, Key=place.target.key("config.json"))
    place.tamper("stranger.bin", b"x")
    place.asked()
    findings = check(place.target)
    assert (findings.missing, findings.altered, findings.additional) == (
        ("config.json",),
        (),
        ("stranger.bin",),
    )
    assert place.asked() == {"GET": 1, "GET versions": 1}


def test_a_file_written_again_with_the_same_bytes_is_no_finding(place: Any) -> None:
    promote(place.source, place.target, place.manner())
    client = place.s3.client()
    client.put_object(
        Bucket=place.target.bucket,
        Key=place.target.key("config.json"),
        Body=b"{}",
        ChecksumAlgorithm="SHA256",
    )
    assert check(place.target).whole
    assert verify(place.target).whole


def test_bytes_that_rot_below_s3_are_found_by_verify_alone(place: Any) -> None:
    promote(place.source, place.target, place.manner())
    key = place.target.key("config.json")
    stored = place.s3.stored(place.target.bucket, key)
    etag = stored.etag
    stored._value_buffer.seek(0)
    stored._value_buffer.write(b"[]")
    assert stored.etag == etag
    assert check(place.target).whole
    assert verify(place.target).altered == ("config.json",)


def test_nothing_published_is_said_with_the_place(place: Any) -> None:
    for look in (check, verify):
        with pytest.raises(NotPublishedError, match=place.target.bucket):
            look(place.target)


def test_a_manifest_that_somebody_edits_is_not_believed(place: Any) -> None:
    promote(place.source, place.target, place.manner())
    client, key = place.s3.client(), f"artifacts/{place.target.digest}/manifest.json"
    content = client.get_object(Bucket=place.target.bucket, Key=key)["Body"].read()
    edited = content.replace(b'"config.json"', b'"other.json"')
    client.put_object(Bucket=place.target.bucket, Key=key, Body=edited)
    with pytest.raises(StorageError, match="is damaged"):
        check(place.target)


def test_mending_copies_what_is_damaged_and_nothing_else(make: Any, versions: bool) -> None:
    place = make(versions=versions)
    promote(place.source, place.target, place.manner())
    place.tamper("shards/part-1.safetensors", b"9" * 5000)
    place.tamper("stranger.bin", b"x")
    client = place.s3.client()
    client.delete_object(Bucket=place.target.bucket, Key=place.target.key("config.json"))
    assert mend(place.source, place.target, place.manner()).copied == 2
    assert check(place.target).whole
    assert verify(place.target).whole


def test_a_mended_artifact_s_manifest_names_the_objects_that_lie_there_now(make: Any, versions: bool) -> None:
    place = make(versions=versions)
    before = promote(place.source, place.target, place.manner()).published
    place.tamper("config.json", b"[]")
    after = mend(place.source, place.target, place.manner()).published
    there = place.target.listing()
    named = {file.name: file.version_id for file in after.manifest.files}
    assert named == {name: stored.version_id for name, stored in there.items()}
    assert place.target.published() == after
    assert (after.etag != before.etag) == versions, "with versions the mended file has another one"


def test_mending_leaves_alone_what_is_right_although_research_has_changed_it(place: Any) -> None:
    promote(place.source, place.target, place.manner())
    place.put("config.json", b"[1]")
    place.tamper("shards/part-1.safetensors", b"9" * 5000)
    assert mend(place.source, place.target, place.manner()).copied == 1
    assert verify(place.target).whole


def test_mending_from_a_source_that_has_changed_touches_only_what_was_damaged(place: Any) -> None:
    promote(place.source, place.target, place.manner())
    place.put("shards/part-1.safetensors", b"8" * 5000)
    place.tamper("shards/part-1.safetensors", b"9" * 5000)
    with pytest.raises(DigestMismatchError):
        mend(place.source, place.target, place.manner())
    assert check(place.target).missing == ("shards/part-1.safetensors",)
    assert check(place.target).altered == ()


def test_mending_does_not_believe_what_a_tampered_object_says_of_itself(place: Any) -> None:
    promote(place.source, place.target, place.manner())
    client, key = place.s3.client(), place.target.key("config.json")
    metadata = client.head_object(Bucket=place.target.bucket, Key=key)["Metadata"]
    marks = {**metadata, "slipway-sha256": hashlib.sha256(b"{}").hexdigest()}
    client.put_object(Bucket=place.target.bucket, Key=key, Body=b"[]", Metadata=marks)
    assert mend(place.source, place.target, place.manner()).copied == 1
    assert verify(place.target).whole


def test_an_unpublished_artifact_loses_its_manifest_before_its_files(place: Any) -> None:
    promote(place.source, place.target, place.manner())
    seen: list[bool] = []

    def look(operation: str, _key: str) -> None:
        if operation == "POST delete":
            key = f"artifacts/{place.target.digest}/manifest.json"
            seen.append(place.s3.stored(place.target.bucket, key) is not None)

    place.s3.hook = look
    place.target.unpublish()
    assert seen == [True, False]
    assert place.target.published() is None
    assert place.target.listing() == {}
