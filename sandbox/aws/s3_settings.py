"""The settings of S3 buckets that are resources of their own.

A setting's id is its bucket's name, as in the real provider, and creating it is a put: doing it twice is
harmless, so a lost answer needs no search.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from plugin_server.provider import CheckFailure, ProviderError
from plugin_server.values import Properties
from sandbox.aws import checks
from sandbox.aws.calls import Call, from_pairs, given, pairs
from sandbox.aws.recorded_kinds import recorded_kind
from sandbox.aws.table import Kind

_PUBLIC_ACCESS: Final = {
    "blockPublicAcls": "BlockPublicAcls",
    "blockPublicPolicy": "BlockPublicPolicy",
    "ignorePublicAcls": "IgnorePublicAcls",
    "restrictPublicBuckets": "RestrictPublicBuckets",
}


def _setting(
    type_: str,
    put: Callable[[Call, str, Properties], None],
    observe: Callable[[Call, str, Properties], Properties | None],
    delete: Callable[[Call, str, Properties], object],
    handles: frozenset[str],
    **rest: Any,
) -> Kind:
    def create(call: Call, inputs: Properties) -> str:
        put(call, inputs["bucket"], inputs)
        return str(inputs["bucket"])

    def observe_in_bucket(call: Call, name: str, inputs: Properties) -> Properties | None:
        found = observe(call, name, inputs)
        return None if found is None else {"bucket": name, **found}

    return Kind(
        token=f"aws:s3/{type_[0].lower()}{type_[1:]}:{type_}",
        handles=handles | {"bucket"},
        replaces=frozenset({"bucket"}),
        create=create,
        observe=observe_in_bucket,
        update=lambda call, name, _old, new: put(call, name, new),
        delete=delete,
        **rest,
    )


def _put_versioning(call: Call, name: str, inputs: Properties) -> None:
    status = inputs["versioningConfiguration"]["status"]
    if status == "Disabled":
        if (call.aws("s3", "get_bucket_versioning", Bucket=name)).get("Status"):
            raise ProviderError(
                f"versioning of the bucket {name} is on: S3 can only suspend it; use the status Suspended"
            )
        return
    call.aws("s3", "put_bucket_versioning", Bucket=name, VersioningConfiguration={"Status": status})


def _observe_versioning(call: Call, name: str, _: Properties) -> Properties | None:
    answer = call.find("s3", "get_bucket_versioning", Bucket=name)
    return (
        None if answer is None else {"versioningConfiguration": {"status": answer.get("Status", "Disabled")}}
    )


def _suspend_versioning(call: Call, name: str, inputs: Properties) -> None:
    if checks.known(inputs, "versioningConfiguration", "status") != "Disabled":
        call.find("s3", "put_bucket_versioning", Bucket=name, VersioningConfiguration={"Status": "Suspended"})


def _check_versioning(inputs: Properties) -> list[CheckFailure]:
    path = "versioningConfiguration.status"
    status = checks.known(inputs, "versioningConfiguration", "status")
    allowed = ("Enabled", "Suspended", "Disabled")
    return [] if status in (None, *allowed) else [CheckFailure(path, f"{status!r} is not one of {allowed}")]


def _put_encryption(call: Call, name: str, inputs: Properties) -> None:
    rules = []
    for rule in inputs["rules"]:
        by_default = rule.get("applyServerSideEncryptionByDefault", {})
        rules.append(
            {
                "ApplyServerSideEncryptionByDefault": given(
                    by_default, {"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"}
                ),
                "BucketKeyEnabled": rule.get("bucketKeyEnabled", False),
            }
        )
    call.aws("s3", "put_bucket_encryption", Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})


def _observe_encryption(call: Call, name: str, _: Properties) -> Properties | None:
    answer = call.find("s3", "get_bucket_encryption", Bucket=name)
    if answer is None:
        return None
    rules = []
    for rule in answer["ServerSideEncryptionConfiguration"]["Rules"]:
        by_default = rule["ApplyServerSideEncryptionByDefault"]
        rules.append(
            {
                "applyServerSideEncryptionByDefault": {
                    "sseAlgorithm": by_default["SSEAlgorithm"],
                    "kmsMasterKeyId": by_default.get("KMSMasterKeyID"),
                },
                "bucketKeyEnabled": rule.get("BucketKeyEnabled", False),
            }
        )
    return {"rules": rules}


def _put_public_access(call: Call, name: str, inputs: Properties) -> None:
    block = {api: bool(inputs.get(own)) for own, api in _PUBLIC_ACCESS.items()}
    call.aws("s3", "put_public_access_block", Bucket=name, PublicAccessBlockConfiguration=block)


def _observe_public_access(call: Call, name: str, _: Properties) -> Properties | None:
    answer = call.find("s3", "get_public_access_block", Bucket=name)
    if answer is None:
        return None
    block = answer["PublicAccessBlockConfiguration"]
    return {own: bool(block.get(api)) for own, api in _PUBLIC_ACCESS.items()}


def _put_ownership(call: Call, name: str, inputs: Properties) -> None:
    rules = [{"ObjectOwnership": inputs["rule"]["objectOwnership"]}]
    call.aws("s3", "put_bucket_ownership_controls", Bucket=name, OwnershipControls={"Rules": rules})


def _observe_ownership(call: Call, name: str, _: Properties) -> Properties | None:
    answer = call.find("s3", "get_bucket_ownership_controls", Bucket=name)
    if answer is None:
        return None
    return {"rule": {"objectOwnership": answer["OwnershipControls"]["Rules"][0]["ObjectOwnership"]}}


def _to_api(value: Any) -> Any:
    if isinstance(value, dict):
        converted = {}
        for key, item in value.items():
            if key == "tags":
                converted["Tags"] = pairs(item)
            else:
                converted["ID" if key == "id" else key[0].upper() + key[1:]] = _to_api(item)
        return converted
    return [_to_api(item) for item in value] if isinstance(value, list) else value


def _from_api(value: Any) -> Any:
    if isinstance(value, dict):
        converted = {}
        for key, item in value.items():
            if key == "Tags":
                converted["tags"] = from_pairs(item)
            else:
                converted["id" if key == "ID" else key[0].lower() + key[1:]] = _from_api(item)
        return converted
    if isinstance(value, list):
        return [_from_api(item) for item in value]
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else value


def _put_lifecycle(call: Call, name: str, inputs: Properties) -> None:
    rules = [_to_api(rule) for rule in inputs["rules"]]
    for rule in rules:
        if not rule.get("Filter") and "Prefix" not in rule:
            rule["Filter"] = {"Prefix": ""}
    call.aws("s3", "put_bucket_lifecycle_configuration", Bucket=name, LifecycleConfiguration={"Rules": rules})


def _observe_lifecycle(call: Call, name: str, _: Properties) -> Properties | None:
    answer = call.find("s3", "get_bucket_lifecycle_configuration", Bucket=name)
    return None if answer is None else {"rules": _from_api(answer["Rules"])}


def _check_lifecycle(inputs: Properties) -> list[CheckFailure]:
    failures = []
    actions = {
        "abortIncompleteMultipartUpload",
        "expiration",
        "noncurrentVersionExpiration",
        "noncurrentVersionTransitions",
        "transitions",
    }
    rules = checks.known(inputs, "rules")
    if rules is None and "rules" not in inputs:
        return [CheckFailure("rules", "is required: S3 refuses a lifecycle without a rule")]
    for index, rule in enumerate(rules or []):
        if isinstance(rule, dict) and not actions & rule.keys():
            failures.append(CheckFailure(f"rules[{index}]", f"needs one of {', '.join(sorted(actions))}"))
    return failures


def _bucket_exists(call: Call, inputs: Properties) -> None:
    call.aws("s3", "head_bucket", Bucket=inputs["bucket"])


KINDS: Final = (
    _setting(
        "BucketVersioning",
        _put_versioning,
        _observe_versioning,
        _suspend_versioning,
        frozenset({"versioningConfiguration"}),
        check=_check_versioning,
    ),
    _setting(
        "BucketServerSideEncryptionConfiguration",
        _put_encryption,
        _observe_encryption,
        lambda call, name, _: call.find("s3", "delete_bucket_encryption", Bucket=name),
        frozenset({"rules"}),
        enums={
            "rules.*.applyServerSideEncryptionByDefault.sseAlgorithm": ("s3", "ServerSideEncryption"),
        },
    ),
    _setting(
        "BucketPublicAccessBlock",
        _put_public_access,
        _observe_public_access,
        lambda call, name, _: call.find("s3", "delete_public_access_block", Bucket=name),
        frozenset(_PUBLIC_ACCESS),
        defaults=dict.fromkeys(_PUBLIC_ACCESS, False),
    ),
    _setting(
        "BucketOwnershipControls",
        _put_ownership,
        _observe_ownership,
        lambda call, name, _: call.find("s3", "delete_bucket_ownership_controls", Bucket=name),
        frozenset({"rule"}),
        enums={"rule.objectOwnership": ("s3", "ObjectOwnership")},
    ),
    _setting(
        "BucketLifecycleConfiguration",
        _put_lifecycle,
        _observe_lifecycle,
        lambda call, name, _: call.find("s3", "delete_bucket_lifecycle", Bucket=name),
        frozenset({"rules"}),
        check=_check_lifecycle,
        enums={"rules.*.status": ("s3", "ExpirationStatus")},
    ),
    recorded_kind(
        token="aws:s3/bucketPolicy:BucketPolicy",  # noqa: S106
        handles=frozenset({"bucket", "policy"}),
        replaces=frozenset({"bucket"}),
        policies=frozenset({"policy"}),
        check=lambda inputs: checks.policy(inputs, "policy"),
        identify=lambda _, inputs: inputs["bucket"],
        parent=_bucket_exists,
    ),
)
