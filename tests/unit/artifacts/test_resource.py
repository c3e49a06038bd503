"""What the program registers for a ModelArtifact, as the engine would get it."""

import pulumi

from artifacts.resource import (
    ARCHIVE_TYPE,
    TYPE,
    ArtifactProvider,
    ModelArtifact,
    ModelArtifactArgs,
    ThinArchive,
    ThinArchiveArgs,
)
from tests.support.recording import Recording, record

DIGEST = f"sha256:{'a' * 64}"
ARGS = ModelArtifactArgs(
    source_bucket="research", source_path="models/fr", digest=DIGEST, bucket="environment"
)


def built(args: ModelArtifactArgs) -> Recording:
    def program() -> None:
        ModelArtifact("reader", args)

    return record(program)


def test_inputs_reach_the_provider_under_its_names_and_what_is_left_out_is_not_sent() -> None:
    assert built(ARGS).one(TYPE).inputs == {
        "sourceBucket": "research",
        "sourcePath": "models/fr",
        "digest": DIGEST,
        "bucket": "environment",
        "retain": True,
    }


def test_files_are_kept_unless_somebody_says_otherwise() -> None:
    assert built(ARGS).one(TYPE).inputs["retain"] is True


def test_no_input_is_a_secret_since_credentials_come_from_the_ordinary_chain() -> None:
    whole = ModelArtifactArgs(
        source_bucket="research",
        source_path="models/fr",
        source_region="us-east-1",
        source_owner="1" * 12,
        digest=DIGEST,
        bucket="environment",
        bucket_owner="2" * 12,
        kms_key_arn="arn:aws:kms:eu-west-1:222222222222:key/1",
        retain=False,
    )
    registered = built(whole).one(TYPE)
    assert registered.secrets == frozenset()
    assert set(registered.inputs) == {
        "bucket", "bucketOwner", "digest", "kmsKeyArn", "retain", "sourceBucket", "sourceOwner", "sourcePath",
        "sourceRegion",
    }  # fmt: skip


def test_a_bucket_of_the_same_program_is_a_dependency_and_outputs_have_python_names() -> None:
    seen: dict[str, object] = {}

    def program() -> None:
        first = ModelArtifact("first", ARGS)
        args = ModelArtifactArgs(
            source_bucket="research", source_path="x", digest=DIGEST, bucket=first.bucket
        )
        second = ModelArtifact("second", args)
        second.bucket.apply(lambda bucket: seen.update(bucket=bucket))
        assert isinstance(second.files_prefix, pulumi.Output)
        assert isinstance(second.manifest_sha256, pulumi.Output)

    recording = record(program)
    assert recording.one(TYPE, "second").dependencies == {recording.one(TYPE, "first").urn}
    assert seen == {"bucket": "environment"}


def test_an_explicit_provider_takes_region_and_endpoint() -> None:
    def program() -> None:
        provider = ArtifactProvider("slipway", region="eu-west-1", endpoint="http://127.0.0.1:1")
        ModelArtifact("reader", ARGS, pulumi.ResourceOptions(provider=provider))

    recording = record(program)
    provider = recording.one("pulumi:providers:slipway")
    assert provider.inputs == {"region": "eu-west-1", "endpoint": "http://127.0.0.1:1"}
    assert recording.one(TYPE).provider.startswith(provider.urn)


def test_a_thin_archive_s_inputs_reach_the_provider_under_its_names() -> None:
    args = ThinArchiveArgs(
        bucket="environment",
        model="fr_reader",
        version="2",
        handler_name="echo",
        handler_version="1.0.0",
        weights_digest=DIGEST,
        digest=f"sha256:{'b' * 64}",
    )

    def program() -> None:
        archive = ThinArchive("reader-archive", args)
        assert isinstance(archive.key, pulumi.Output)
        assert isinstance(archive.size, pulumi.Output)

    assert record(program).one(ARCHIVE_TYPE).inputs == {
        "bucket": "environment",
        "digest": f"sha256:{'b' * 64}",
        "handlerName": "echo",
        "handlerVersion": "1.0.0",
        "model": "fr_reader",
        "retain": True,
        "version": "2",
        "weightsDigest": DIGEST,
    }
