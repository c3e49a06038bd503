"""A thin archive's place in the bucket: what a resource removes is what it wrote, whoever else writes there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from artifacts.archives import archive_digest, archive_key, thin_archive
from artifacts.provider.inputs import Clients
from artifacts.provider.thin_archives import ThinArchives
from artifacts.storage import ArchivePlace
from plugin_server import Create, Delete, Read
from tests.support.handlers import release
from tests.support.memory_s3 import Gate, MemoryClient, MemoryS3

URN = "urn:pulumi:dev::slipway::slipway:index:ThinArchive::reader"
BUCKET = "environment"
WEIGHTS = f"sha256:{'a' * 64}"


class Lines(list[str]):
    """Messages that the user would see."""

    def status(self, urn: str, message: str) -> None:
        assert urn == URN
        self.append(message)

    info = warning = status


class _Clients(Clients):
    def __init__(self, s3: MemoryS3, gate: Gate) -> None:
        super().__init__()
        self._client = cast(Any, MemoryClient(s3, gate))

    def of(self, region: str | None = None) -> Any:
        del region
        return self._client


@pytest.fixture(params=[False, True], ids=["md5", "a KMS key's etags"])
def s3(request: pytest.FixtureRequest) -> MemoryS3:
    return MemoryS3(unique_etags=request.param)


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    code = release(tmp_path, "echo", "1.0.0")
    return thin_archive(model="fr_reader", version="2", handler=code, weights=WEIGHTS)


@pytest.fixture
def inputs(content: bytes) -> dict[str, Any]:
    return {
        "bucket": BUCKET,
        "digest": archive_digest(content),
        "handlerName": "echo",
        "handlerVersion": "1.0.0",
        "model": "fr_reader",
        "retain": False,
        "version": "2",
        "weightsDigest": WEIGHTS,
    }


class Resource:
    """One ThinArchive on the bucket in memory."""

    def __init__(
        self, s3: MemoryS3, handlers: Path, inputs: dict[str, Any], gate: Gate = lambda *_: None
    ) -> None:
        self.log = Lines()
        self._life = ThinArchives(self.log, _Clients(s3, gate), handlers)
        self._inputs = inputs
        self.state: dict[str, Any] = {}

    def create(self) -> None:
        request = Create(urn=URN, inputs=self._inputs, timeout=None, preview=False)
        self.state = self._life.create(request).state

    def refresh(self) -> None:
        found = self._life.read(Read(urn=URN, id="id", inputs=self._inputs, state=self.state))
        assert found is not None
        self.state = found.state

    def delete(self) -> None:
        self._life.delete(Delete(urn=URN, id="id", inputs=self._inputs, state=self.state, timeout=None))


@pytest.fixture
def resource(s3: MemoryS3, tmp_path: Path, inputs: dict[str, Any]) -> Resource:
    made = Resource(s3, tmp_path, inputs)
    made.create()
    return made


def there(s3: MemoryS3, inputs: dict[str, Any]) -> bytes | None:
    found = s3.now(BUCKET, archive_key(inputs["digest"]))
    return found.body if found else None


def test_what_a_resource_wrote_goes_with_it(
    resource: Resource, s3: MemoryS3, inputs: dict[str, Any], content: bytes
) -> None:
    assert there(s3, inputs) == content
    resource.delete()
    assert there(s3, inputs) is None
    said = list(resource.log)
    resource.delete()
    assert resource.log == said, "one that is gone already is no error and no news"


@pytest.mark.parametrize("refreshed", [False, True], ids=["unseen", "seen by a refresh"])
def test_what_somebody_wrote_over_it_stays_and_is_named(
    resource: Resource, s3: MemoryS3, inputs: dict[str, Any], refreshed: bool
) -> None:
    s3.write(BUCKET, archive_key(inputs["digest"]), b"somebody else's", {})
    if refreshed:
        resource.refresh()
    resource.delete()
    assert there(s3, inputs) == b"somebody else's"
    assert "is left alone: it is not what this resource has written" in resource.log[-1]


def test_an_object_that_replaces_it_right_after_the_put_is_not_taken_for_its_own(
    s3: MemoryS3, tmp_path: Path, inputs: dict[str, Any]
) -> None:
    """The object that was written is the one that S3 answered the put with, not what lies there a moment later."""

    def replacing(operation: str, bucket: str, key: str) -> None:
        if operation == "head":
            s3.write(bucket, key, b"somebody else's", {})

    resource = Resource(s3, tmp_path, inputs, replacing)
    resource.create()
    s3.write(BUCKET, archive_key(inputs["digest"]), b"somebody else's", {})
    resource.delete()
    assert there(s3, inputs) == b"somebody else's"


@pytest.mark.parametrize(
    ("found", "left"),
    [(lambda content: content, None), (lambda _: b"other bytes", b"other bytes")],
    ids=["the archive", "other bytes"],
)
def test_a_state_without_an_etag_removes_what_has_the_digest_alone(
    resource: Resource,
    s3: MemoryS3,
    inputs: dict[str, Any],
    content: bytes,
    found: Callable[[bytes], bytes],
    left: bytes | None,
) -> None:
    s3.write(BUCKET, archive_key(inputs["digest"]), found(content), {})
    del resource.state["etag"]
    resource.delete()
    assert there(s3, inputs) == left


def test_what_is_taken_over_is_removed_and_a_second_resource_finds_it_gone(
    resource: Resource, s3: MemoryS3, tmp_path: Path, inputs: dict[str, Any]
) -> None:
    second = Resource(s3, tmp_path, inputs)
    second.create()
    assert second.state["etag"] == resource.state["etag"]
    assert "there already" in second.log[-1]
    second.delete()
    resource.delete()
    assert there(s3, inputs) is None


def test_a_place_says_whether_it_removed(s3: MemoryS3, inputs: dict[str, Any], content: bytes) -> None:
    client = cast(Any, MemoryClient(s3))
    place = ArchivePlace(client=client, bucket=BUCKET, digest=inputs["digest"])
    made = place.put(content)
    assert (made.written, made.stored.size) == (True, len(content))
    assert place.stored() == place.whole() == made.stored
    assert not place.remove('"0123"')
    assert place.remove(made.stored.etag)
    assert place.remove(made.stored.etag), "nothing is left to remove"
    assert place.whole() is None
