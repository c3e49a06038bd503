"""What the provider decides from text alone: no storage is asked."""

from typing import Any

import pytest

from artifacts.provider.provider import ArtifactResourceProvider
from artifacts.provider.words import size_words
from plugin_server import UNKNOWN, Check, Create, Delete, Diff, Read, Update

URN = "urn:pulumi:dev::slipway::slipway:index:ModelArtifact::reader"
DIGEST = f"sha256:{'a' * 64}"
INPUTS: dict[str, Any] = {
    "sourceBucket": "research",
    "sourcePath": "models/fr",
    "digest": DIGEST,
    "bucket": "environment",
    "retain": True,
}


class Lines:
    """Messages that the user would see."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def status(self, urn: str, message: str) -> None:
        assert urn == URN
        self.lines.append(message)

    info = warning = status


@pytest.fixture
def log() -> Lines:
    return Lines()


@pytest.fixture
def provider(log: Lines) -> ArtifactResourceProvider:
    made = ArtifactResourceProvider(log)
    # Nothing listens there: a request would fail the test.
    made.configure({"region": "eu-west-1", "endpoint": "http://127.0.0.1:9"})
    return made


def checked(provider: ArtifactResourceProvider, **changes: Any) -> dict[str, str]:
    """Property → what is wrong with it."""
    request = Check(urn=URN, old_inputs={}, new_inputs={**INPUTS, **changes}, random_seed=b"")
    return {failure.property: failure.reason for failure in provider.check(request).failures}


def changed(
    provider: ArtifactResourceProvider, state: dict[str, Any] | None = None, **changes: Any
) -> dict[str, bool]:
    """Property → whether it replaces."""
    request = Diff(
        urn=URN, id="id", old_inputs=INPUTS, old_state=state or {}, new_inputs={**INPUTS, **changes}
    )
    return {str(change.path[0]): change.replaces for change in provider.diff(request).changes}


def test_files_are_kept_by_default(provider: ArtifactResourceProvider) -> None:
    given = {key: value for key, value in INPUTS.items() if key != "retain"}
    request = Check(urn=URN, old_inputs={}, new_inputs=given, random_seed=b"")
    assert provider.check(request).inputs == INPUTS


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("digest", "sha256:abc", "slipway artifacts digest"),
        ("digest", "unresolved", "slipway artifacts digest"),
        ("digest", None, "is missing"),
        ("bucket", "", "environment's bucket"),
        ("sourcePath", "/models", "without a slash in front"),
        ("sourceOwner", "12", "twelve digits"),
        ("bucketOwner", 123456789012, "twelve digits"),
        ("kmsKeyArn", "alias/key", "ARN"),
        ("retain", "yes", "neither true nor false"),
        ("secretKey", "x", "is no input of a ModelArtifact"),
    ],
)
def test_a_wrong_input_is_named_with_what_would_be_right(
    provider: ArtifactResourceProvider, name: str, value: Any, told: str
) -> None:
    found = checked(provider, **{name: value})
    assert list(found) == [name]
    assert told in found[name]


def test_what_is_not_known_yet_is_not_wrong(provider: ArtifactResourceProvider) -> None:
    assert checked(provider, bucket=UNKNOWN, digest=UNKNOWN, kmsKeyArn=UNKNOWN) == {}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"digest": f"sha256:{'b' * 64}"}, {"digest": True}),
        ({"bucket": "other"}, {"bucket": True}),
        ({"bucket": UNKNOWN}, {"bucket": True}),
        ({"sourceBucket": "other", "sourcePath": "x"}, {"sourceBucket": False, "sourcePath": False}),
        ({"retain": False}, {"retain": False}),
    ],
)
def test_another_digest_or_bucket_replaces_and_all_else_does_not(
    provider: ArtifactResourceProvider, changes: dict[str, Any], expected: dict[str, bool]
) -> None:
    assert changed(provider, **changes) == expected


def test_what_a_refresh_found_is_a_change_to_make(provider: ArtifactResourceProvider) -> None:
    assert changed(provider, {"damage": ["a was altered"]}) == {"damage": False}
    assert changed(provider, {"damage": []}) == {}


def test_the_preview_of_a_mending_says_what_it_would_copy(
    provider: ArtifactResourceProvider, log: Lines
) -> None:
    request = Update(
        urn=URN,
        id="id",
        old_inputs=INPUTS,
        old_state={**INPUTS, "files": 2, "damage": ["a was altered"]},
        new_inputs=INPUTS,
        timeout=None,
        preview=True,
    )
    assert provider.update(request) == {**INPUTS, "files": 2, "damage": []}
    assert log.lines == ["would mend: a was altered"]


def test_a_preview_into_a_bucket_that_does_not_exist_yet_asks_nothing_and_says_so(
    provider: ArtifactResourceProvider, log: Lines
) -> None:
    inputs = {**INPUTS, "bucket": UNKNOWN}
    state = provider.create(Create(urn=URN, inputs=inputs, timeout=None, preview=True)).state
    assert (state["files"], state["filesPrefix"]) == (UNKNOWN, f"artifacts/{DIGEST}/files/")
    assert log.lines == ["what it copies is known once bucket is"]


def test_a_deleted_resource_leaves_its_files_and_says_where(
    provider: ArtifactResourceProvider, log: Lines
) -> None:
    provider.delete(Delete(urn=URN, id="id", inputs=INPUTS, state={}, timeout=None))
    assert log.lines[0].startswith(f"s3://environment/artifacts/{DIGEST}/ is kept (retain)")


def test_an_import_is_refused_with_what_to_do_instead(provider: ArtifactResourceProvider) -> None:
    with pytest.raises(Exception, match="declare it"):
        provider.read(Read(urn=URN, id="id", inputs={}, state={}))


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (7_400_000_000, "7.4 GB"), (5 * 10**15, "5000.0 TB")],
)
def test_bytes_are_told_in_the_largest_unit(count: int, words: str) -> None:
    assert size_words(count) == words


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        ("http://127.0.0.1:9", None),
        (UNKNOWN, None),
        (None, None),
        ("not a url", "is no address"),
        ("file:///etc/passwd", "is no address"),
        ("https://me:secret@storage.example", "holds credentials"),
    ],
)
def test_an_endpoint_is_an_address_without_credentials(
    provider: ArtifactResourceProvider, endpoint: Any, reason: str | None
) -> None:
    failures = provider.check_config({"region": "eu-west-1", "endpoint": endpoint}).failures
    assert [reason in failure.reason for failure in failures if reason] == ([True] if reason else [])
    assert bool(failures) == bool(reason)
    assert "secret" not in str(failures)
