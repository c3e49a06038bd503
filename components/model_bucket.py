"""One private, versioned bucket for model archives, encrypted with a key of its own.

Superseded and deleted objects stay readable for `retention_days`: a rollback needs them. Everything but TLS
is refused. The trap: the bucket policy must not race the public access block, since S3 answers two changes of
one bucket's access at once with OperationAborted.
"""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

_MULTIPART_DAYS = 7
"""An interrupted upload is kept, and paid for, this long. A copy of weights takes hours, not days."""


@dataclass(frozen=True, kw_only=True)
class ModelBucketArgs:
    """How long things are kept."""

    retention_days: int
    """Days a superseded version is kept. Must be at least 1."""
    force_destroy: bool = False
    """Whether destroying the bucket deletes the models in it. Never where a model matters."""


class ModelBucket(pulumi.ComponentResource):
    """One private, versioned, encrypted bucket for model archives."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    key_arn: pulumi.Output[str]

    def __init__(self, name: str, args: ModelBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:storage:ModelBucket", name, None, opts)
        if args.retention_days < 1:
            raise ValueError(f"retention_days is {args.retention_days}; a rollback needs at least 1")
        child = pulumi.ResourceOptions(parent=self)
        key = aws.kms.Key(
            f"{name}-key",
            description=f"Encrypts the model bucket {name}",
            enable_key_rotation=True,
            opts=child,
        )
        bucket = aws.s3.Bucket(f"{name}-bucket", force_destroy=args.force_destroy, opts=child)
        aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=bucket.id,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=child,
        )
        public_access = aws.s3.BucketPublicAccessBlock(
            f"{name}-public-access",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        versioning = aws.s3.BucketVersioning(
            f"{name}-versioning",
            bucket=bucket.id,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=child,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket.id,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=(
                        aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                            sse_algorithm="aws:kms", kms_master_key_id=key.arn
                        )
                    ),
                    # One data key per bucket and hour instead of a KMS call per object.
                    bucket_key_enabled=True,
                )
            ],
            opts=child,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.id,
            rules=[_expire_superseded(args.retention_days)],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket.id,
            policy=bucket.arn.apply(tls_only_policy),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[public_access]),
        )
        self.name = bucket.id
        self.arn = bucket.arn
        self.key_arn = key.arn
        self.register_outputs({"name": self.name, "arn": self.arn, "keyArn": self.key_arn})


def tls_only_policy(bucket_arn: str) -> str:
    """Deny every request to the bucket that is not encrypted on its way."""
    statement = {
        "Action": "s3:*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        "Effect": "Deny",
        "Principal": "*",
        "Resource": [bucket_arn, f"{bucket_arn}/*"],
        "Sid": "TlsOnly",
    }
    return json.dumps({"Statement": [statement], "Version": "2012-10-17"}, sort_keys=True)


def _expire_superseded(days: int) -> aws.s3.BucketLifecycleConfigurationRuleArgs:
    return aws.s3.BucketLifecycleConfigurationRuleArgs(
        id="expire-superseded",
        status="Enabled",
        filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
        noncurrent_version_expiration=(
            aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(noncurrent_days=days)
        ),
        abort_incomplete_multipart_upload=(
            aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                days_after_initiation=_MULTIPART_DAYS
            )
        ),
    )
