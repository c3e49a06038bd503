import json
from collections.abc import Callable
from typing import Any

import pytest

from components import ModelBucket, ModelBucketArgs
from tests.support.recording import Recording


@pytest.fixture(scope="module")
def bucket(built: Callable[..., Recording]) -> Recording:
    return built(lambda opts: ModelBucket("models", ModelBucketArgs(retention_days=30), opts))


def inputs(recording: Recording, kind: str) -> dict[str, Any]:
    return recording.one(f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}").inputs


def test_nothing_of_it_can_be_made_public(bucket: Recording) -> None:
    block = inputs(bucket, "BucketPublicAccessBlock")
    keys = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert [block[key] for key in keys] == [True] * 4
    assert inputs(bucket, "BucketOwnershipControls")["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


def test_it_is_encrypted_with_its_own_rotating_key(bucket: Recording) -> None:
    assert bucket.one("aws:kms/key:Key").inputs["enableKeyRotation"] is True
    (rule,) = inputs(bucket, "BucketServerSideEncryptionConfiguration")["rules"]
    assert rule["bucketKeyEnabled"] is True
    assert rule["applyServerSideEncryptionByDefault"] == {
        "sseAlgorithm": "aws:kms",
        "kmsMasterKeyId": "arn:mock:models-key",
    }


def test_superseded_versions_expire_after_the_retention_and_broken_uploads_sooner(bucket: Recording) -> None:
    assert inputs(bucket, "BucketVersioning")["versioningConfiguration"] == {"status": "Enabled"}
    (rule,) = inputs(bucket, "BucketLifecycleConfiguration")["rules"]
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 30}
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}


def test_requests_without_tls_are_denied_on_bucket_and_objects(bucket: Recording) -> None:
    (statement,) = json.loads(inputs(bucket, "BucketPolicy")["policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == ["arn:mock:models-bucket", "arn:mock:models-bucket/*"]


def test_the_policy_does_not_race_the_public_access_block(bucket: Recording) -> None:
    policy = bucket.one("aws:s3/bucketPolicy:BucketPolicy")
    assert bucket.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").urn in policy.dependencies


def test_models_survive_unless_their_loss_is_asked_for(built: Callable[..., Recording]) -> None:
    for asked in (False, True):
        args = ModelBucketArgs(retention_days=1, force_destroy=asked)
        recording = built(lambda opts, args=args: ModelBucket("models", args, opts))
        assert inputs(recording, "Bucket")["forceDestroy"] is asked


def test_the_bucket_s_name_is_left_to_pulumi(bucket: Recording) -> None:
    assert "bucket" not in inputs(bucket, "Bucket")


def test_it_registers_what_others_need(bucket: Recording) -> None:
    component = bucket.one("slipway:storage:ModelBucket")
    assert bucket.outputs[component.urn] == {
        "name": "models-bucket-id",
        "arn": "arn:mock:models-bucket",
        "keyArn": "arn:mock:models-key",
    }


def test_no_retention_is_refused(built: Callable[..., Recording]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        built(lambda opts: ModelBucket("models", ModelBucketArgs(retention_days=0), opts))
