from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config

from tests.unit.workloads.http_server import Answers, answering
from workloads.artifacts.port import SourceError
from workloads.artifacts.sources import S3Source


@pytest.fixture(name="s3")
def _s3() -> Iterator[Answers]:
    with answering() as answers:
        yield answers


def source(s3: Answers) -> S3Source:
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{s3.address}",
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - of a server that asks for none
        config=Config(retries={"total_max_attempts": 1}),
    )
    return S3Source(client, "models")


def test_an_object_comes_whole(s3: Answers) -> None:
    s3.put("GET", "/models/fr/1.mar", b"an archive")
    assert b"".join(source(s3).read("fr/1.mar")) == b"an archive"


@pytest.mark.parametrize(
    ("status", "code", "missing"),
    [(404, "NoSuchKey", True), (503, "SlowDown", False), (403, "AccessDenied", False)],
)
def test_what_the_bucket_refuses_says_where_and_why_and_whether_it_is_missing(
    s3: Answers, status: int, code: str, missing: bool
) -> None:
    s3.put("GET", "/models/fr/1.mar", f"<Error><Code>{code}</Code></Error>".encode(), status)
    with pytest.raises(SourceError, match=f"s3://models/fr/1.mar: .*{code}") as failed:
        list(source(s3).read("fr/1.mar"))
    assert failed.value.missing is missing


def test_a_bucket_that_nobody_answers_for_is_not_missing() -> None:
    with answering() as gone:
        nobody = source(gone)
    with pytest.raises(SourceError) as failed:
        list(nobody.read("fr/1.mar"))
    assert not failed.value.missing
