"""The provider on a bucket, without an engine: what a user cannot mend in the text of a program."""

from typing import Any

import pytest

from artifacts.provider.provider import ArtifactResourceProvider
from artifacts.storage import check
from plugin_server import Create, Created, Delete, ProviderError, Read
from tests.support.strict_s3 import ACCOUNT, REGION

URN = "urn:pulumi:dev::slipway::slipway:index:ModelArtifact::reader"


class Lines(list[str]):
    """Messages that the user would see."""

    def status(self, urn: str, message: str) -> None:
        assert urn == URN
        self.append(message)

    info = warning = status


@pytest.fixture
def log() -> Lines:
    return Lines()


@pytest.fixture
def provider(log: Lines, place: Any) -> ArtifactResourceProvider:
    made = ArtifactResourceProvider(log)
    made.configure({"region": REGION, "endpoint": place.s3.url})
    return made


@pytest.fixture
def inputs(place: Any) -> dict[str, Any]:
    return {
        "sourceBucket": place.source.bucket,
        "sourcePath": place.source.path,
        "digest": place.target.digest,
        "bucket": place.target.bucket,
        "retain": True,
    }


def create(provider: ArtifactResourceProvider, inputs: dict[str, Any], *, preview: bool = False) -> Created:
    return provider.create(Create(urn=URN, inputs=inputs, timeout=None, preview=preview))


def test_whoever_may_not_look_is_warned_by_a_preview_and_not_stopped(
    provider: ArtifactResourceProvider, inputs: dict[str, Any], log: Lines
) -> None:
    create(provider, {**inputs, "sourceOwner": "9" * 12}, preview=True)
    assert len(log) == 1
    assert log[0].startswith("cannot tell what would be copied: ")
    assert "AccessDenied" in log[0]


def test_a_preview_of_what_is_published_says_that_nothing_is_copied(
    provider: ArtifactResourceProvider, inputs: dict[str, Any], log: Lines, place: Any
) -> None:
    create(provider, inputs)
    place.asked()
    create(provider, inputs, preview=True)
    assert "published already, nothing is copied" in log[-1]
    assert place.asked() == {"GET": 1}


def test_an_artifact_whose_bucket_is_gone_is_gone(
    provider: ArtifactResourceProvider, inputs: dict[str, Any], log: Lines
) -> None:
    gone = {**inputs, "bucket": "no-such-bucket"}
    assert provider.read(Read(urn=URN, id="id", inputs=gone, state={})) is None
    assert "no-such-bucket is gone" in log[-1]
    provider.delete(Delete(urn=URN, id="id", inputs={**gone, "retain": False}, state={}, timeout=None))


def test_a_cancelled_update_ends_between_two_requests_and_publishes_nothing(
    provider: ArtifactResourceProvider, inputs: dict[str, Any], place: Any
) -> None:
    place.s3.hook = lambda operation, _key: provider.cancel() if operation == "copy" else None
    with pytest.raises(ProviderError, match="what was copied is kept"):
        create(provider, inputs)
    assert place.target.published() is None


def test_owners_are_asked_for_and_regions_have_clients_of_their_own(
    provider: ArtifactResourceProvider, inputs: dict[str, Any], place: Any
) -> None:
    create(provider, {**inputs, "sourceOwner": ACCOUNT, "bucketOwner": ACCOUNT, "sourceRegion": "us-east-1"})
    assert check(place.target).whole
