"""The S3 in memory refuses what the strict S3 over HTTP refuses."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.memory_s3 import MemoryClient, MemoryS3

Step = Callable[[Any, str, str], Any]


def put(client: Any, bucket: str, _etag: str, **condition: Any) -> Any:
    return client.put_object(Bucket=bucket, Key="a", Body=b"new", **condition)


def copy(client: Any, bucket: str, etag: str, to: str = "a", of: str = "a", **condition: Any) -> Any:
    asked = {"CopySourceIfMatch": etag, "MetadataDirective": "REPLACE", "Metadata": {}, **condition}
    return client.copy_object(Bucket=bucket, Key=to, CopySource={"Bucket": bucket, "Key": of}, **asked)


def delete_many(client: Any, bucket: str, *objects: dict[str, str]) -> Any:
    answer = client.delete_objects(Bucket=bucket, Delete={"Objects": list(objects), "Quiet": True})
    return sorted((each["Key"], each["Code"]) for each in answer.get("Errors", ()))


STEPS: dict[str, Step] = {
    "put where nothing is": lambda c, b, e: put(c, b, e, IfNoneMatch="*"),
    "put over another": lambda c, b, e: put(c, b, e, IfMatch='"other"'),
    "put over its own": lambda c, b, e: put(c, b, e, IfMatch=e),
    "copy over what is there": lambda c, b, e: copy(c, b, e, IfNoneMatch="*"),
    "copy to a new place": lambda c, b, e: copy(c, b, e, to="new", IfNoneMatch="*"),
    "copy of another source": lambda c, b, _: copy(c, b, '"other"', to="new", IfNoneMatch="*"),
    "copy of nothing": lambda c, b, e: copy(c, b, e, to="new", of="nothing", IfNoneMatch="*"),
    "get of nothing": lambda c, b, _: c.get_object(Bucket=b, Key="nothing"),
    "get of another": lambda c, b, _: c.get_object(Bucket=b, Key="a", IfMatch='"other"'),
    "head of nothing": lambda c, b, _: c.head_object(Bucket=b, Key="nothing"),
    "delete of its own": lambda c, b, e: c.delete_object(Bucket=b, Key="a", IfMatch=e),
    "delete of another": lambda c, b, _: c.delete_object(Bucket=b, Key="a", IfMatch='"other"'),
    "delete of many": lambda c, b, e: delete_many(
        c,
        b,
        {"Key": "a", "ETag": '"other"'},
        {"Key": "b & c", "ETag": e},
        {"Key": "nothing", "ETag": e},
        {"Key": "nothing either"},
    ),
}


def outcome(client: Any, bucket: str, step: Step) -> Any:
    """S3's code, or what is there afterwards and what the step says of each object."""
    etag = client.put_object(Bucket=bucket, Key="a", Body=b"old")["ETag"]
    client.put_object(Bucket=bucket, Key="b & c", Body=b"old")
    try:
        said = step(client, bucket, etag)
    except ClientError as error:
        return error.response["Error"]["Code"]
    listed = client.list_objects_v2(Bucket=bucket, Prefix="").get("Contents", ())
    return [(each["Key"], each["ETag"]) for each in listed], said if isinstance(said, list) else None


@pytest.mark.parametrize("name", STEPS)
def test_the_s3_in_memory_refuses_what_the_strict_one_refuses(make: Any, name: str, versions: bool) -> None:
    place = make({"x": b""})
    bucket = place.s3.make_bucket(f"compared-{uuid.uuid4().hex[:8]}", versions=versions)
    strict = outcome(place.s3.client(), bucket, STEPS[name])
    memory = outcome(MemoryClient(MemoryS3(versions=versions)), bucket, STEPS[name])
    assert memory == strict
