"""A research bucket and an environment's on moto's S3, over HTTP."""

import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from artifacts import FileDigest, Kind, digest_of
from artifacts.storage import Manner, Source, Target, make_client
from tests.support.strict_s3 import REGION, StrictS3, strict_s3

CONTENTS = {
    "config.json": b"{}",
    "empty": b"",
    "100% (a+b)#c?&d=e.txt": b"odd",
    "dossier/café.bin": b"accents",
    "日本/語 モデル.bin": b"letters",
    "shards/part-1.safetensors": b"1" * 5000,
    "shards/part-2.safetensors": b"2" * 5000,
}


def digest_of_contents(contents: dict[str, bytes]) -> str:
    return digest_of(
        Kind.TREE,
        [
            FileDigest(name=name, size=len(body), sha256=hashlib.sha256(body).hexdigest())
            for name, body in contents.items()
        ],
    )


@dataclass
class Place:
    """One promotion's buckets, and what S3 was asked for."""

    s3: StrictS3
    source: Source
    target: Target
    contents: dict[str, bytes]

    def put(self, name: str, body: bytes) -> None:
        """Research writes a file."""
        self.s3.client().put_object(Bucket=self.source.bucket, Key=f"{self.source.path}/{name}", Body=body)

    def tamper(self, name: str, body: bytes) -> None:
        """Somebody writes over a published file."""
        self.s3.client().put_object(Bucket=self.target.bucket, Key=self.target.key(name), Body=body)

    def for_contents(self, contents: dict[str, bytes]) -> "Place":
        """The same buckets, with a digest of other contents, whatever lies in the source."""
        target = Target(
            client=self.target.client, bucket=self.target.bucket, digest=digest_of_contents(contents)
        )
        return Place(self.s3, self.source, target, contents)

    def asked(self) -> dict[str, int]:
        """Requests since the last call."""
        counts = dict(self.s3.counts)
        self.s3.counts.clear()
        return counts

    def manner(self, **settings: Any) -> Manner:
        return Manner(workers=4, **settings)


@pytest.fixture(scope="session")
def _server() -> Iterator[StrictS3]:
    with strict_s3() as server:
        yield server


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def s3(_server: StrictS3) -> Iterator[StrictS3]:
    _server.counts.clear()
    yield _server
    _server.hook = lambda _operation, _key: None


@pytest.fixture(params=[True, False], ids=["versions", "no versions"])
def versions(request: pytest.FixtureRequest) -> bool:
    """Whether the environment's bucket keeps versions; tests to which it matters take both."""
    return bool(request.param)


Make = Callable[..., Place]


@pytest.fixture(scope="session")
def _shared_client(_server: StrictS3) -> Any:
    """For the session: reading the service's model takes half a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        return make_client(region=REGION, endpoint=_server.url)


@pytest.fixture
def make(s3: StrictS3, _shared_client: Any) -> Make:
    """Makes the buckets, and puts contents into the source."""

    def made(
        contents: dict[str, bytes] | None = None, *, versions: bool = True, path: str = "models/fr"
    ) -> Place:
        contents = CONTENTS if contents is None else contents
        unique = uuid.uuid4().hex[:8]
        research = s3.make_bucket(f"research-{unique}")
        environment = s3.make_bucket(f"environment-{unique}", versions=versions)
        client = _shared_client
        digest = digest_of_contents(contents) if contents else f"sha256:{'0' * 64}"
        place = Place(
            s3,
            Source(client=client, bucket=research, path=path),
            Target(client=client, bucket=environment, digest=digest),
            contents,
        )
        for name, body in contents.items():
            place.put(name, body)
        place.asked()
        return place

    return made


@pytest.fixture
def place(make: Make) -> Place:
    return make()
