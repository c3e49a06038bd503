"""ThinArchive on a bucket: first the provider alone, then a stack's life under the real engine."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from artifacts.archives import archive_digest, archive_key, read_archive, thin_archive
from artifacts.provider.provider import ArtifactResourceProvider
from plugin_server import Create, Created, Delete, ProviderError, Read, Update
from tests.engine.artifacts.stacks import REPOSITORY, Stack, make_stack
from tests.support.handlers import release
from tests.support.strict_s3 import REGION

pytestmark = pytest.mark.engine

URN = "urn:pulumi:dev::slipway::slipway:index:ThinArchive::reader"
WEIGHTS = f"sha256:{'a' * 64}"


class Lines(list[str]):
    """Messages that the user would see."""

    def status(self, urn: str, message: str) -> None:
        assert urn == URN
        self.append(message)

    info = warning = status


@pytest.fixture
def released(tmp_path: Path) -> Path:
    return tmp_path / "copy" / "workloads" / "handlers" / "released"


@pytest.fixture
def content(released: Path) -> bytes:
    code = release(released, "echo", "1.0.0")
    return thin_archive(model="fr_reader", version="2", handler=code, weights=WEIGHTS)


@pytest.fixture
def log() -> Lines:
    return Lines()


@pytest.fixture
def provider(log: Lines, place: Any, released: Path) -> ArtifactResourceProvider:
    made = ArtifactResourceProvider(log, handlers=released)
    made.configure({"region": REGION, "endpoint": place.s3.url})
    return made


@pytest.fixture
def inputs(place: Any, content: bytes) -> dict[str, Any]:
    return {
        "bucket": place.target.bucket,
        "digest": archive_digest(content),
        "handlerName": "echo",
        "handlerVersion": "1.0.0",
        "model": "fr_reader",
        "retain": True,
        "version": "2",
        "weightsDigest": WEIGHTS,
    }


def create(provider: ArtifactResourceProvider, inputs: dict[str, Any]) -> Created:
    return provider.create(Create(urn=URN, inputs=inputs, timeout=None, preview=False))


def read(provider: ArtifactResourceProvider, inputs: dict[str, Any], state: dict[str, Any]) -> Any:
    return provider.read(Read(urn=URN, id="id", inputs=inputs, state=state))


def lying(place: Any, inputs: dict[str, Any]) -> bytes:
    answer = place.s3.client().get_object(Bucket=inputs["bucket"], Key=archive_key(inputs["digest"]))
    return bytes(answer["Body"].read())


def overwrite(place: Any, inputs: dict[str, Any], body: bytes) -> None:
    place.s3.client().put_object(Bucket=inputs["bucket"], Key=archive_key(inputs["digest"]), Body=body)


def test_it_is_put_with_its_checksum_once_and_taken_over_by_whoever_comes_second(
    provider: ArtifactResourceProvider, inputs: dict[str, Any], content: bytes, place: Any, log: Lines
) -> None:
    place.asked()
    first = create(provider, inputs)
    assert place.asked() == {"PUT": 1}
    assert lying(place, inputs) == content
    assert (first.state["key"], first.state["size"]) == (archive_key(inputs["digest"]), len(content))
    head = place.s3.client().head_object(
        Bucket=inputs["bucket"], Key=first.state["key"], ChecksumMode="ENABLED"
    )
    assert head["ChecksumSHA256"]
    second = create(provider, inputs)
    assert second.state == first.state, "the object is the same one, not another of the same bytes"
    assert [line.split(" archives")[0] for line in log] == ["put", "there already, nothing was written:"]


def test_other_bytes_under_the_digest_are_refused_and_left_alone(
    provider: ArtifactResourceProvider, inputs: dict[str, Any], place: Any
) -> None:
    overwrite(place, inputs, b"somebody else's")
    with pytest.raises(ProviderError, match=r"archive-altered: .*Fix: "):
        create(provider, inputs)
    assert lying(place, inputs) == b"somebody else's"


def test_an_upload_without_a_checksum_of_the_same_bytes_is_read_and_accepted(
    provider: ArtifactResourceProvider, inputs: dict[str, Any], content: bytes, place: Any, log: Lines
) -> None:
    overwrite(place, inputs, content)
    create(provider, inputs)
    assert log[-1].startswith("there already")


def test_a_conflict_with_another_writer_is_tried_again(
    provider: ArtifactResourceProvider, inputs: dict[str, Any], content: bytes, place: Any
) -> None:
    refused: list[str] = []

    def once(operation: str, _key: str) -> int | None:
        if operation == "PUT" and not refused:
            refused.append(operation)
            return 409
        return None

    place.s3.hook = once
    create(provider, inputs)
    assert lying(place, inputs) == content


def test_a_refresh_costs_one_request_and_finds_what_was_altered_and_the_update_mends_it(
    provider: ArtifactResourceProvider, inputs: dict[str, Any], content: bytes, place: Any, log: Lines
) -> None:
    state = create(provider, inputs).state
    place.asked()
    assert read(provider, inputs, state).state == state
    assert place.asked() == {"HEAD": 1}
    overwrite(place, inputs, content)
    assert read(provider, inputs, state).state["damage"] == [], "the same bytes are no finding"
    overwrite(place, inputs, b"x" * len(content))
    found = read(provider, inputs, state)
    assert found.state["damage"] == [f"{state['key']} was altered"]
    assert "the next `pulumi up` mends it" in log[-1]
    update = Update(
        urn=URN,
        id="id",
        old_inputs=inputs,
        old_state=found.state,
        new_inputs=inputs,
        timeout=None,
        preview=False,
    )
    mended = provider.update(update)
    assert (mended["damage"], lying(place, inputs)) == ([], content)
    assert read(provider, inputs, mended).state["damage"] == []


def test_one_that_is_gone_or_whose_bucket_is_gone_is_gone(
    provider: ArtifactResourceProvider, inputs: dict[str, Any], log: Lines
) -> None:
    state = create(provider, inputs).state
    delete = Delete(urn=URN, id="id", inputs={**inputs, "retain": False}, state=state, timeout=None)
    provider.delete(delete)
    provider.delete(delete)
    assert read(provider, inputs, state) is None
    assert "the next `pulumi up` puts it back" in log[-1]
    assert read(provider, {**inputs, "bucket": "no-such-bucket"}, state) is None
    assert "no-such-bucket is gone" in log[-1]


def test_somebody_else_s_bucket_is_not_written_to(
    provider: ArtifactResourceProvider, inputs: dict[str, Any]
) -> None:
    with pytest.raises(ProviderError, match="AccessDenied"):
        create(provider, {**inputs, "bucketOwner": "9" * 12})


@pytest.fixture
def stack(tmp_path: Path, place: Any, content: bytes) -> Iterator[Stack]:
    """Of a copy of what the plugin is made of, so that the released handlers are the test's."""
    copy = tmp_path / "copy"
    for name in ("artifacts", "plugin_server"):
        shutil.copytree(REPOSITORY / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / ".venv").symlink_to((REPOSITORY / ".venv").resolve())
    settings = {
        "bucket": place.target.bucket,
        "digest": archive_digest(content),
        "handler_name": "echo",
        "handler_version": "1.0.0",
        "model": "fr_reader",
        "version": "2",
        "weights_digest": WEIGHTS,
    }
    yield from make_stack(tmp_path, place, "thin_project", settings, copy / "artifacts" / "plugin")


def test_a_stack_s_life_previewed_put_left_alone_altered_mended_patched_and_destroyed(
    stack: Stack, place: Any, content: bytes, released: Path
) -> None:
    key = archive_key(stack.settings["digest"])
    assert f"would put {key}, {len(content) / 1000:.1f} kB" in stack.ok("preview")
    assert f"put {key}" in stack.ok("up", "--yes", "--skip-preview")
    assert json.loads(stack.run("stack", "output", "--json").stdout) == {"key": key, "size": len(content)}
    inputs = {"bucket": place.target.bucket, "digest": stack.settings["digest"]}
    assert read_archive(lying(place, inputs)).version == "2"

    place.asked()
    stack.ok("up", "--yes")
    assert (stack.changes(), place.asked()) == ({}, {}), "unchanged inputs ask nothing of S3"

    overwrite(place, inputs, b"x")
    assert "was altered" in stack.ok("refresh", "--yes", "--skip-preview")
    assert "put archives/" in stack.ok("up", "--yes", "--skip-preview")
    assert lying(place, inputs) == content

    patched = release(released, "echo", "1.0.1")
    other = thin_archive(model="fr_reader", version="3", handler=patched, weights=WEIGHTS)
    stack.settings |= {"digest": archive_digest(other), "handler_version": "1.0.1", "version": "3"}
    assert "is kept (retain)" in stack.ok("up", "--yes", "--skip-preview")
    assert lying(place, inputs) == content, "a rollback finds the old one"
    inputs["digest"] = archive_digest(other)
    assert lying(place, inputs) == other
