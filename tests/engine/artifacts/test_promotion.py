"""A promotion publishes whole or not at all, whatever the files, whoever else is at it."""

import gc
import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from artifacts import DigestMismatchError, RefusedError, StorageError
from artifacts.manifest import manifest_key
from artifacts.storage import (
    Progress,
    Promotion,
    Source,
    StoppedError,
    Target,
    check,
    digest_source,
    foresee,
    list_source,
    make_client,
    mend,
    promote,
    verify,
)
from tests.support.strict_s3 import ACCOUNT, REGION

MIB = 1 << 20


def test_every_file_lies_under_its_name_with_the_bytes_of_the_source(make: Any, versions: bool) -> None:
    place = make(versions=versions)
    promotion = promote(place.source, place.target, place.manner())
    assert (promotion.copied, promotion.copied_size) == (7, sum(map(len, place.contents.values())))
    assert {file.name for file in promotion.published.manifest.files} == set(place.contents)
    client = place.s3.client()
    for name, body in place.contents.items():
        answer = client.get_object(Bucket=place.target.bucket, Key=place.target.key(name))
        assert answer["Body"].read() == body
    assert check(place.target).whole
    assert verify(place.target).whole


@pytest.mark.parametrize("limit", [5 * MIB, 1], ids=["whole", "in parts"])
def test_the_manifest_names_the_very_versions_that_lie_there(make: Any, versions: bool, limit: int) -> None:
    place = make(versions=versions)
    manner = place.manner(single_copy_limit=limit)
    promote(place.source, place.target, manner)
    place.target.client.delete_object(Bucket=place.target.bucket, Key=manifest_key(place.target.digest))
    for promotion in (promote(place.source, place.target, manner), mend(place.source, place.target, manner)):
        assert promotion.copied == 0  # taken over
        named = {file.name: file.version_id for file in promotion.published.manifest.files}
        assert named == {name: stored.version_id for name, stored in place.target.listing().items()}
        assert all((version is not None) == versions for version in named.values())


def test_no_byte_of_a_small_file_is_read_since_s3_hashes_its_copies(place: Any) -> None:
    promote(place.source, place.target, place.manner())
    asked = place.asked()
    assert asked["copy"] == 7
    assert asked["GET"] == 1  # the manifest, which is not there
    assert "HEAD" not in asked


def test_what_is_published_is_not_even_listed_again(place: Any) -> None:
    first = promote(place.source, place.target, place.manner())
    place.asked()
    second = promote(place.source, place.target, place.manner())
    assert place.asked() == {"GET": 1}
    assert second.published == first.published
    assert second.copied == 0


def test_a_forecast_of_what_is_published_reads_its_manifest_and_lists_no_source(place: Any) -> None:
    size = sum(map(len, place.contents.values()))
    before = foresee(place.source, place.target)
    assert (before.files, before.size, before.published) == (7, size, False)
    promote(place.source, place.target, place.manner())
    place.asked()
    after = foresee(replace(place.source, path="models/nothing-is-here"), place.target)
    assert (after.files, after.size, after.published) == (7, size, True)
    assert place.asked() == {"GET": 1}


def test_a_single_file_is_published_under_the_sha256_of_its_bytes(make: Any) -> None:
    place = make({"reader.mar": b"archive"})
    digest = f"sha256:{hashlib.sha256(b'archive').hexdigest()}"
    source = replace(place.source, path="models/fr/reader.mar")
    target = replace(place.target, digest=digest)
    manifest = promote(source, target, place.manner()).published.manifest
    assert (manifest.kind, [file.name for file in manifest.files]) == ("file", ["reader.mar"])


def test_a_wrong_digest_publishes_nothing_and_says_what_was_expected_and_found(place: Any) -> None:
    wrong = replace(place.target, digest=f"sha256:{'0' * 64}")
    with pytest.raises(DigestMismatchError) as refused:
        promote(place.source, wrong, place.manner())
    message = str(refused.value)
    assert [
        part
        for part in (str(place.source), wrong.digest, place.target.digest, "Fix: ")
        if part not in message
    ] == []
    assert wrong.published() is None


def test_what_a_wrong_digest_left_unpublished_is_named_and_the_right_source_replaces_or_removes_it(
    make: Any, versions: bool
) -> None:
    place = make(versions=versions)
    altered = {**place.contents, "config.json": b"[]", "more.json": b"{}"}
    for name, body in altered.items():
        place.s3.stored_put(place.source.bucket, f"models/altered/{name}", body)
    with pytest.raises(DigestMismatchError) as refused:
        promote(replace(place.source, path="models/altered"), place.target, place.manner())
    assert "8 files that were copied stay unpublished" in refused.value.__notes__[0]
    with pytest.raises(DigestMismatchError) as again:
        promote(replace(place.source, path="models/altered"), place.target, place.manner())
    assert not hasattr(again.value, "__notes__"), "that run copied nothing"
    assert set(place.target.listing()) == set(altered)
    promote(place.source, place.target, place.manner())
    assert verify(place.target).whole


def test_a_wrong_digest_is_the_error_also_where_s3_does_not_say_what_is_published(place: Any) -> None:
    looks: list[str] = []

    def refuse(operation: str, key: str) -> int | None:
        looks.extend([key] if operation == "GET" and key.endswith("manifest.json") else [])
        return 403 if len(looks) > 1 and looks[-1] == key else None

    place.s3.hook = refuse
    with pytest.raises(DigestMismatchError) as refused:
        promote(place.source, replace(place.target, digest=f"sha256:{'0' * 64}"), place.manner())
    (note,) = refused.value.__notes__
    assert note.startswith("7 files that were copied stay unpublished below s3://")
    assert "manifest.json" in note.partition(": ")[2], "S3's own words"


def test_an_empty_prefix_is_refused(make: Any) -> None:
    place = make({})
    with pytest.raises(RefusedError, match="holds no file"):
        promote(place.source, place.target, place.manner())


def test_markers_that_consoles_make_of_folders_are_no_files(place: Any) -> None:
    place.put("", b"")
    place.put("empty folder/", b"")
    assert len(list_source(place.source).objects) == 7


def test_a_neighbour_whose_name_begins_alike_is_not_part_of_it(place: Any) -> None:
    client = place.s3.client()
    client.put_object(Bucket=place.source.bucket, Key="models/fr-old/x", Body=b"x")
    assert list_source(place.source) == list_source(replace(place.source, path="models/fr/"))


def test_a_path_that_is_a_file_and_a_folder_is_refused_until_a_slash_says_which(place: Any) -> None:
    place.s3.client().put_object(Bucket=place.source.bucket, Key="models/fr", Body=b"x")
    with pytest.raises(RefusedError, match="is a file and"):
        list_source(place.source)
    assert len(list_source(replace(place.source, path="models/fr/")).objects) == 7


def test_a_name_in_separate_accents_is_kept_in_composed_ones(make: Any) -> None:
    place = make({"café": b"1"})
    client = place.s3.client()
    client.delete_object(Bucket=place.source.bucket, Key="models/fr/café")
    place.put("cafe\u0301", b"1")
    published = promote(place.source, place.target, place.manner()).published
    assert [file.name for file in published.manifest.files] == ["café"]


def test_thousands_of_files_are_listed_page_by_page(make: Any) -> None:
    place = make({})
    for number in range(2500):
        place.s3.stored_put(place.source.bucket, f"models/fr/{number:05}", b"")
    forecast = foresee(place.source, place.target)
    assert (forecast.files, forecast.size, forecast.published) == (2500, 0, False)
    assert place.asked()["GET list-type"] == 1 + 3


def test_a_large_file_is_read_once_and_copied_in_parts(make: Any) -> None:
    body = bytes(range(256)) * (11 * MIB // 256)
    place = make({"weights.bin": body})
    steps: list[Progress] = []
    manner = place.manner(single_copy_limit=MIB, part_size=5 * MIB, report=steps.append)
    promote(place.source, place.target, manner)
    asked = place.asked()
    assert (asked["copy part"], asked["GET"]) == (3, 2)  # the file, and the manifest that is not there
    assert "copy" not in asked
    assert verify(place.target).whole
    assert [step.size for step in steps] == sorted(step.size for step in steps)
    assert steps[-1] == Progress(files=1, files_total=1, size=11 * MIB, size_total=11 * MIB)
    assert len(steps) > 3


def test_a_large_copy_that_is_there_is_neither_read_nor_copied_again(make: Any) -> None:
    place = make({"weights.bin": b"x" * 6 * MIB})
    manner = place.manner(single_copy_limit=MIB, part_size=5 * MIB)
    promote(place.source, place.target, manner)
    place.s3.client().delete_object(
        Bucket=place.target.bucket, Key=f"artifacts/{place.target.digest}/manifest.json"
    )
    place.asked()
    assert promote(place.source, place.target, manner).copied == 0
    asked = place.asked()
    assert ("copy part" in asked, asked["GET"]) == (False, 1)


def test_a_connection_that_breaks_is_taken_up_where_it_broke(make: Any) -> None:
    place = make({"weights.bin": bytes(range(256)) * (11 * MIB // 256)})
    client = place.s3.client()
    client.copy_object(  # so that S3 has no SHA-256 of it, as of a file that came in parts
        Bucket=place.source.bucket,
        Key="models/fr/weights.bin",
        CopySource=f"{place.source.bucket}/models/fr/weights.bin",
        ChecksumAlgorithm="CRC32",
        MetadataDirective="REPLACE",
    )
    place.s3.cuts = [3 * MIB, 5 * MIB + 7]
    digested = digest_source(place.source)
    assert place.s3.cuts == []
    assert (digested.digest, digested.read) == (place.target.digest, 11 * MIB)
    place.s3.cuts = [0] * 10
    with pytest.raises(StorageError, match="the connection broke 10 times"):
        digest_source(place.source)
    gc.collect()  # a socket of a broken answer that was left open fails this test, not the one that runs next


def test_a_failed_part_leaves_no_upload_behind(make: Any) -> None:
    place = make({"weights.bin": b"x" * 6 * MIB})
    place.s3.hook = lambda operation, _key: 403 if operation == "copy part" else None
    with pytest.raises(StorageError, match="copying"):
        promote(place.source, place.target, place.manner(single_copy_limit=MIB, part_size=5 * MIB))
    assert "Uploads" not in place.s3.client().list_multipart_uploads(Bucket=place.target.bucket)


def test_a_source_that_changes_during_the_copy_fails_and_publishes_nothing(place: Any) -> None:
    def change(operation: str, _key: str) -> None:
        if operation == "copy":
            place.s3.hook = lambda _operation, _key: None
            name = "shards/part-2.safetensors"
            place.s3.stored_put(place.source.bucket, f"models/fr/{name}", b"3" * 5000)

    place.s3.hook = change
    with pytest.raises(StorageError, match=r"part-2.safetensors was changed while it was copied"):
        promote(place.source, place.target, place.manner())
    assert place.target.published() is None


def test_a_source_that_vanishes_during_the_copy_fails_and_publishes_nothing(place: Any) -> None:
    def vanish(operation: str, _key: str) -> None:
        if operation == "copy":
            place.s3.hook = lambda _operation, _key: None
            place.s3.stored_remove(place.source.bucket, "models/fr/shards/part-2.safetensors")

    place.s3.hook = vanish
    with pytest.raises(StorageError, match=r"part-2.safetensors was changed while it was copied"):
        promote(place.source, place.target, place.manner())


def test_throttling_is_waited_out(place: Any) -> None:
    answers: Iterator[int] = iter([503] * 6)
    place.s3.hook = lambda operation, _key: next(answers, None) if operation == "copy" else None
    assert promote(place.source, place.target, place.manner()).copied == 7
    assert place.asked()["copy"] == 7 + 6
    assert check(place.target).whole


def test_what_an_earlier_run_copied_from_a_source_that_changed_since_is_copied_again(
    make: Any, versions: bool
) -> None:
    place = make(versions=versions)
    other = {**place.contents, "config.json": b"[]", "more.json": b"{}"}
    for name in ("config.json", "more.json"):
        place.put(name, other[name])
    stop = threading.Event()
    later = place.for_contents(place.contents)

    def end(_: Progress) -> None:
        stop.set()

    with pytest.raises(StoppedError):
        promote(place.source, later.target, place.manner(stop=stop, report=end))
    place.put("config.json", b"{}")
    place.s3.client().delete_object(Bucket=place.source.bucket, Key="models/fr/more.json")
    promote(place.source, later.target, place.manner())
    assert verify(later.target).whole


def test_what_another_source_left_under_the_digest_is_removed_before_publishing(place: Any) -> None:
    place.tamper("stranger.bin", b"x")
    promote(place.source, place.target, place.manner())
    assert "stranger.bin" not in place.target.listing()
    assert check(place.target).whole


def test_two_promotions_at_once_give_one_manifest_and_copy_each_file_once(make: Any) -> None:
    place = make({f"{number:03}.bin": b"%d" % number for number in range(30)})
    begin = threading.Barrier(2)

    def run(_: int) -> Promotion:
        begin.wait()
        client = make_client(region=REGION, endpoint=place.s3.url, workers=4)
        return promote(
            replace(place.source, client=client), replace(place.target, client=client), place.manner()
        )

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(run, range(2))
    assert first.published == second.published
    assert first.copied + second.copied == 30
    listed = place.s3.client().list_object_versions(Bucket=place.target.bucket)["Versions"]
    assert len(listed) == 30 + 1
    assert check(place.target).whole


def test_whoever_publishes_second_takes_over_the_first_manifest(place: Any) -> None:
    first: list[Promotion] = []

    def overtake(operation: str, key: str) -> None:
        if operation == "PUT" and key.endswith("manifest.json"):
            place.s3.hook = lambda _operation, _key: None
            first.append(promote(place.source, place.target, place.manner()))

    place.s3.hook = overtake
    second = promote(place.source, place.target, place.manner())
    assert first[0].published == second.published
    assert check(place.target).whole


def test_a_run_with_another_source_harms_nothing_that_is_published_meanwhile(place: Any) -> None:
    other = {name: bytes(len(body)) for name, body in place.contents.items()}
    for name, body in other.items():
        place.s3.stored_put(place.source.bucket, f"models/other/{name}", body)

    def overtake(operation: str, _key: str) -> None:
        if operation == "copy":
            place.s3.hook = lambda _operation, _key: None
            promote(place.source, place.target, place.manner())

    place.s3.hook = overtake
    # Where all of its copies came before the other's, it finds out that they are not of the digest.
    with suppress(DigestMismatchError):
        promote(replace(place.source, path="models/other"), place.target, place.manner(part_size=5 * MIB))
    assert verify(place.target).whole


def test_files_that_somebody_removes_before_the_end_are_copied_again(place: Any) -> None:
    def remove(operation: str, _key: str) -> None:
        if operation == "GET versions":
            looked.append(1)
            if len(looked) == 2:  # the listing before publishing
                place.s3.stored_remove(place.target.bucket, place.target.key("config.json"))

    looked: list[int] = []
    place.s3.hook = remove
    promote(place.source, place.target, place.manner())
    assert check(place.target).whole


def test_a_file_that_somebody_removes_while_the_manifest_is_written_is_copied_again_and_named_anew(
    make: Any, versions: bool
) -> None:
    place = make(versions=versions)

    def remove(operation: str, key: str) -> None:
        if operation == "PUT" and key.endswith("manifest.json"):
            place.s3.hook = lambda _operation, _key: None
            place.s3.stored_remove(place.target.bucket, place.target.key("config.json"))

    place.s3.hook = remove
    published = promote(place.source, place.target, place.manner()).published
    assert check(place.target).whole
    named = {file.name: file.version_id for file in published.manifest.files}
    assert named == {name: stored.version_id for name, stored in place.target.listing().items()}


def test_somebody_who_removes_a_file_after_each_manifest_is_named_as_the_fault(place: Any) -> None:
    def remove(operation: str, key: str) -> None:
        if operation == "PUT" and key.endswith("manifest.json"):
            place.s3.stored_remove(place.target.bucket, place.target.key("config.json"))

    place.s3.hook = remove
    with pytest.raises(StorageError, match=r"somebody else writes there again and again, e\.g\. its files"):
        promote(place.source, place.target, place.manner())


def test_a_bucket_of_another_account_is_refused_when_an_owner_is_named(place: Any) -> None:
    mine = replace(place.source, owner=ACCOUNT), replace(place.target, owner=ACCOUNT)
    for source, target in (
        (replace(mine[0], owner="9" * 12), mine[1]),
        (mine[0], replace(mine[1], owner="9" * 12)),
    ):
        with pytest.raises(StorageError, match="AccessDenied"):
            promote(source, target, place.manner())
    assert promote(*mine, place.manner()).copied == 7


def test_a_bucket_that_does_not_exist_is_named(place: Any) -> None:
    nowhere = Source(client=place.source.client, bucket="no-such-bucket", path="x")
    with pytest.raises(RefusedError, match=r"no-such-bucket.*NoSuchBucket.*Fix: "):
        promote(nowhere, place.target, place.manner())


def test_a_key_of_the_target_encrypts_what_is_written(place: Any) -> None:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234"
    target: Target = replace(place.target, kms_key=key)
    promote(place.source, target, place.manner())
    client = place.s3.client()
    for name in (target.key("config.json"), f"artifacts/{target.digest}/manifest.json"):
        head = client.head_object(Bucket=target.bucket, Key=name)
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)


@pytest.mark.parametrize(("algorithm", "read"), [("SHA256", 0), ("CRC32", 4)])
def test_a_digest_reads_only_what_s3_has_not_hashed(make: Any, algorithm: str, read: int) -> None:
    place = make({"a": b"four"})
    client = place.s3.client()
    client.put_object(
        Bucket=place.source.bucket, Key="models/fr/a", Body=b"four", ChecksumAlgorithm=algorithm
    )
    digested = digest_source(place.source)
    assert (digested.digest, digested.read) == (place.target.digest, read)
