"""S3 buckets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from plugin_server.provider import ProviderError
from plugin_server.values import Properties
from sandbox.aws import checks
from sandbox.aws.calls import AwsError, Call, from_pairs, pairs, unique_suffix
from sandbox.aws.table import Autoname, Kind

_HOSTED_ZONE: Final = "Z3AQBSTGFYJSTF"
"""Route 53's zone of S3 websites in us-east-1: https://docs.aws.amazon.com/general/latest/gr/s3.html."""


def _create_bucket(call: Call, inputs: Properties) -> str:
    name: str = inputs.get("bucket") or inputs["bucketPrefix"] + unique_suffix()
    if call.find("s3", "head_bucket", Bucket=name) is not None:
        # In us-east-1 S3 answers 200 to a second create of one's own bucket; the real provider looks first, too.
        raise AwsError("s3", "CreateBucket", "BucketAlreadyOwnedByYou", f"the bucket {name} exists already")
    arguments: dict[str, Any] = {"Bucket": name}
    if call.region != "us-east-1":
        arguments["CreateBucketConfiguration"] = {"LocationConstraint": call.region}
    if inputs.get("objectLockEnabled"):
        arguments["ObjectLockEnabledForBucket"] = True
    call.aws("s3", "create_bucket", **arguments)
    _tag_bucket(call, name, call.tags, [])
    return name


def _observe_bucket(call: Call, name: str, _: Properties) -> Properties | None:
    if call.find("s3", "head_bucket", Bucket=name) is None:
        return None
    tags = call.find("s3", "get_bucket_tagging", Bucket=name) or {}
    region = call.aws("s3", "get_bucket_location", Bucket=name).get("LocationConstraint") or "us-east-1"
    return {
        "bucket": name,
        "arn": f"arn:aws:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegion": region,
        "bucketRegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
        "hostedZoneId": _HOSTED_ZONE,
        "tagsAll": from_pairs(tags.get("TagSet")),
    }


def _update_bucket(call: Call, name: str, old: Properties, new: Properties) -> None:
    """Nothing but tags and forceDestroy can change, and forceDestroy is the provider's own."""


def _delete_bucket(call: Call, name: str, inputs: Properties) -> None:
    if inputs.get("forceDestroy"):
        _empty_bucket(call, name)
    try:
        call.find("s3", "delete_bucket", Bucket=name)
    except AwsError as error:
        if error.code != "BucketNotEmpty":
            raise
        raise ProviderError(
            f"{error}; empty the bucket {name}, or set forceDestroy and run `up` before deleting it"
        ) from None


def _empty_bucket(call: Call, name: str) -> None:
    if call.find("s3", "head_bucket", Bucket=name) is None:
        return
    if call.aws("s3", "get_bucket_versioning", Bucket=name).get("Status") == "Suspended":
        # moto forgets the id of what is to be deleted while versioning is suspended, and fails at a delete marker.
        call.aws("s3", "put_bucket_versioning", Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for key in ("Versions", "DeleteMarkers"):
        for page in (
            call.clients.client("s3", call.region).get_paginator("list_object_versions").paginate(Bucket=name)
        ):
            objects = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in page.get(key, [])]
            if objects:
                call.aws("s3", "delete_objects", Bucket=name, Delete={"Objects": objects, "Quiet": True})


def _tag_bucket(call: Call, name: str, tags: Mapping[str, str], remove: list[str]) -> None:
    present = from_pairs((call.find("s3", "get_bucket_tagging", Bucket=name) or {}).get("TagSet"))
    kept = {key: value for key, value in present.items() if key not in remove}
    call.aws("s3", "put_bucket_tagging", Bucket=name, Tagging={"TagSet": pairs({**kept, **tags})})


def _bucket_names(call: Call, _: Properties) -> list[str]:
    return [bucket["Name"] for bucket in call.aws("s3", "list_buckets")["Buckets"]]


_BUCKET: Final = Kind(
    token="aws:s3/bucket:Bucket",  # noqa: S106 (a type token)
    handles=frozenset({"bucket", "bucketPrefix", "forceDestroy", "objectLockEnabled", "tags"}),
    computed=frozenset(
        {"arn", "bucket", "bucketDomainName", "bucketRegion", "bucketRegionalDomainName", "hostedZoneId"}
    ),
    replaces=frozenset({"bucket", "bucketPrefix", "objectLockEnabled"}),
    defaults={"forceDestroy": False},
    conflicts=(("bucket", "bucketPrefix"),),
    check=checks.bucket_name,
    autoname=Autoname(property="bucket", prefix_property="bucketPrefix", limit=63, lower=True),
    identify=lambda _, inputs: inputs.get("bucket"),
    named=_bucket_names,
    create=_create_bucket,
    observe=_observe_bucket,
    update=_update_bucket,
    delete=_delete_bucket,
    tag=_tag_bucket,
)


KINDS: Final = (_BUCKET,)
