"""What the provider decides of a ThinArchive without a storage: nothing listens where it is told to ask."""

from pathlib import Path
from typing import Any

import pytest

from artifacts.archives import archive_digest, archive_key, thin_archive
from artifacts.archives.layout import stored
from artifacts.provider.provider import ArtifactResourceProvider
from plugin_server import UNKNOWN, Check, Create, Delete, Diff, ProviderError, Read, Update
from tests.support.handlers import release

URN = "urn:pulumi:dev::slipway::slipway:index:ThinArchive::reader"
WEIGHTS = f"sha256:{'a' * 64}"


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
def inputs(tmp_path: Path) -> dict[str, Any]:
    code = release(tmp_path, "echo", "1.0.0")
    content = thin_archive(model="fr_reader", version="2", handler=code, weights=WEIGHTS)
    return {
        "bucket": "environment",
        "digest": archive_digest(content),
        "handlerName": "echo",
        "handlerVersion": "1.0.0",
        "model": "fr_reader",
        "retain": True,
        "version": "2",
        "weightsDigest": WEIGHTS,
    }


@pytest.fixture
def provider(log: Lines, tmp_path: Path) -> ArtifactResourceProvider:
    made = ArtifactResourceProvider(log, handlers=tmp_path)
    made.configure({"region": "eu-west-1", "endpoint": "http://127.0.0.1:9"})
    return made


def preview(provider: ArtifactResourceProvider, inputs: dict[str, Any]) -> dict[str, Any]:
    return provider.create(Create(urn=URN, inputs=inputs, timeout=None, preview=True)).state


def test_archives_are_kept_by_default(provider: ArtifactResourceProvider, inputs: dict[str, Any]) -> None:
    given = {key: value for key, value in inputs.items() if key != "retain"}
    checked = provider.check(Check(urn=URN, old_inputs={}, new_inputs=given, random_seed=b""))
    assert (checked.inputs, checked.failures) == (inputs, ())


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("digest", "unresolved", "64 hex digits"),
        ("weightsDigest", "sha256:abc", "artifact.digest"),
        ("weightsDigest", None, "is missing"),
        ("model", "fr/reader", "letters, digits"),
        ("version", "", "part of URLs"),
        ("handlerName", "../up", "a released handler"),
        ("handlerVersion", 1, "released version"),
        ("bucketOwner", "12", "twelve digits"),
        ("retain", "yes", "neither true nor false"),
        ("sourcePath", "x", "is no input of a ThinArchive"),
    ],
)
def test_a_wrong_input_is_named_with_what_would_be_right(
    provider: ArtifactResourceProvider, inputs: dict[str, Any], name: str, value: Any, told: str
) -> None:
    request = Check(urn=URN, old_inputs={}, new_inputs={**inputs, name: value}, random_seed=b"")
    (failure,) = provider.check(request).failures
    assert failure.property == name
    assert told in failure.reason


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"digest": f"sha256:{'b' * 64}", "handlerVersion": "2"}, {"digest": True, "handlerVersion": False}),
        ({"bucket": UNKNOWN}, {"bucket": True}),
        ({"retain": False}, {"retain": False}),
    ],
)
def test_another_digest_or_bucket_replaces_and_nothing_else_does(
    provider: ArtifactResourceProvider,
    inputs: dict[str, Any],
    changes: dict[str, Any],
    expected: dict[str, bool],
) -> None:
    request = Diff(urn=URN, id="id", old_inputs=inputs, old_state={}, new_inputs={**inputs, **changes})
    assert {str(c.path[0]): c.replaces for c in provider.diff(request).changes} == expected


def test_what_a_refresh_found_is_a_change_to_make_and_its_preview_says_so(
    provider: ArtifactResourceProvider, inputs: dict[str, Any], log: Lines
) -> None:
    damaged = {**inputs, "damage": ["it was altered"]}
    diff = Diff(urn=URN, id="id", old_inputs=inputs, old_state=damaged, new_inputs=inputs)
    assert [change.path for change in provider.diff(diff).changes] == [("damage",)]
    update = Update(
        urn=URN, id="id", old_inputs=inputs, old_state=damaged, new_inputs=inputs, timeout=None, preview=True
    )
    assert provider.update(update)["damage"] == []
    assert log == ["would mend: it was altered"]


@pytest.mark.parametrize("bucket", ["environment", UNKNOWN])
def test_a_preview_tells_name_and_bytes_and_asks_nothing(
    provider: ArtifactResourceProvider, inputs: dict[str, Any], log: Lines, bucket: Any
) -> None:
    state = preview(provider, {**inputs, "bucket": bucket})
    assert state["key"] == archive_key(inputs["digest"])
    assert 900 < state["size"] < 2500
    assert log == [f"would put {state['key']}, {state['size'] / 1000:.1f} kB, unless it is there already"]


def test_a_preview_of_what_is_not_known_yet_says_what_is_missing(
    provider: ArtifactResourceProvider, inputs: dict[str, Any], log: Lines
) -> None:
    state = preview(provider, {**inputs, "digest": UNKNOWN, "weightsDigest": UNKNOWN})
    assert (state["key"], state["size"]) == (UNKNOWN, UNKNOWN)
    assert log == ["what it holds is known once digest and weightsDigest is"]


def test_code_that_gives_another_digest_fails_the_preview(
    provider: ArtifactResourceProvider, inputs: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(
        ProviderError, match=r"archive-digest(.|\n)*expected sha256:00(.|\n)*found    sha256:"
    ):
        preview(provider, {**inputs, "digest": f"sha256:{'0' * 64}"})
    (tmp_path / "echo-1.0.0.zip").write_bytes(stored([("handler.py", b"changed\n")]))
    with pytest.raises(ProviderError, match="released-handler"):
        preview(provider, inputs)


def test_a_deleted_archive_is_kept_and_it_says_where(
    provider: ArtifactResourceProvider, inputs: dict[str, Any], log: Lines
) -> None:
    provider.delete(Delete(urn=URN, id="id", inputs=inputs, state={}, timeout=None))
    assert log[0].startswith(f"s3://environment/archives/{inputs['digest']}.mar is kept (retain)")


def test_an_import_and_an_unknown_type_are_refused_with_what_there_is(
    provider: ArtifactResourceProvider, inputs: dict[str, Any]
) -> None:
    with pytest.raises(ProviderError, match="declare it"):
        provider.read(Read(urn=URN, id="id", inputs={}, state={}))
    urn = URN.replace("ThinArchive", "FatArchive")
    with pytest.raises(ProviderError, match="slipway:index:ModelArtifact, slipway:index:ThinArchive"):
        provider.create(Create(urn=urn, inputs=inputs, timeout=None, preview=True))
