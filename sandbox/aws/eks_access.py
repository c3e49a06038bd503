"""What EKS keeps beside a cluster and moto lacks: add-ons, access entries, pod identity. All recorded only."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from plugin_server.provider import CheckFailure
from plugin_server.values import Properties
from sandbox.aws import checks
from sandbox.aws.calls import AwsError, Call
from sandbox.aws.eks_lookups import assumable_by, cluster_of
from sandbox.aws.recorded_kinds import recorded_kind

_ENTRY: Final = "aws:eks/accessEntry:AccessEntry"
_POLICIES: Final = "arn:aws:eks::aws:cluster-access-policy/"
_ENTRY_TYPES: Final = (
    "STANDARD",
    "EC2_LINUX",
    "EC2_WINDOWS",
    "FARGATE_LINUX",
    "EC2",
    "HYBRID_LINUX",
    "HYPERPOD_LINUX",
)


def _in_cluster(call: Call, inputs: Properties) -> None:
    cluster_of(call, inputs["clusterName"])


def _with_entries(call: Call, inputs: Properties) -> None:
    mode = cluster_of(call, inputs["clusterName"]).get("accessConfig", {}).get("authenticationMode")
    if mode == "CONFIG_MAP":
        raise AwsError(
            "eks",
            "CreateAccessEntry",
            "InvalidRequestException",
            "the cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
            "operation",
        )


def _with_entry(call: Call, inputs: Properties) -> None:
    _with_entries(call, inputs)
    principal = inputs["principalArn"]
    if call.records.get(_ENTRY, f"{inputs['clusterName']}:{principal}") is None:
        raise AwsError(
            "eks",
            "AssociateAccessPolicy",
            "ResourceNotFoundException",
            f"the access entry for {principal} does not exist in {inputs['clusterName']}",
        )


def _with_role(call: Call, inputs: Properties) -> None:
    _in_cluster(call, inputs)
    assumable_by(call, inputs["roleArn"], "pods.eks.amazonaws.com")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _addon_outputs(call: Call, _id: str, inputs: Properties) -> Properties:
    path = f"addon/{inputs['clusterName']}/{inputs['addonName']}/{uuid.uuid4()}"
    return {"arn": call.arn("eks", path), "createdAt": _now(), "modifiedAt": _now()}


def _check_addon(inputs: Properties) -> Iterator[CheckFailure]:
    yield from checks.arn(inputs, "serviceAccountRoleArn")
    values = checks.known(inputs, "configurationValues")
    if values is not None:
        try:
            json.loads(values)
        except ValueError as error:
            yield CheckFailure("configurationValues", f"is not JSON: {error}")


def _association_id(_: Call, inputs: Properties) -> str:
    key = "/".join(inputs[name] for name in ("clusterName", "namespace", "serviceAccount"))
    return f"a-{hashlib.sha256(key.encode()).hexdigest()[:17]}"


def _association_outputs(call: Call, id_: str, inputs: Properties) -> Properties:
    path = f"podidentityassociation/{inputs['clusterName']}/{id_}"
    return {"associationArn": call.arn("eks", path), "associationId": id_}


def _entry_outputs(call: Call, _id: str, inputs: Properties) -> Properties:
    path = f"access-entry/{inputs['clusterName']}/{inputs['principalArn'].rpartition(':')[2]}/{uuid.uuid4()}"
    outputs = {"accessEntryArn": call.arn("eks", path), "createdAt": _now(), "modifiedAt": _now()}
    return outputs | ({} if "userName" in inputs else {"userName": inputs["principalArn"]})


def _check_entry(inputs: Properties) -> Iterator[CheckFailure]:
    yield from checks.arn(inputs, "principalArn")
    kind = checks.known(inputs, "type")
    if kind is not None and kind not in _ENTRY_TYPES:
        yield CheckFailure("type", f"{kind!r} is not one of {', '.join(_ENTRY_TYPES)}")
    if kind not in (None, "STANDARD") and inputs.get("kubernetesGroups"):
        yield CheckFailure("kubernetesGroups", f"is for entries of type STANDARD, and this one is {kind}")


def _check_association(inputs: Properties) -> Iterator[CheckFailure]:
    yield from checks.arn(inputs, "principalArn")
    policy = checks.known(inputs, "policyArn")
    if policy is not None and not policy.startswith(_POLICIES):
        yield CheckFailure("policyArn", f"{policy!r} is not an access policy ({_POLICIES}…)")
    kind = checks.known(inputs, "accessScope", "type")
    named = bool(checks.known(inputs, "accessScope", "namespaces"))
    if kind not in (None, "cluster", "namespace"):
        yield CheckFailure("accessScope.type", f"{kind!r} is neither 'cluster' nor 'namespace'")
    if kind == "cluster" and named:
        yield CheckFailure("accessScope.namespaces", "is for scopes of type 'namespace'")


KINDS: Final = (
    recorded_kind(
        token="aws:eks/addon:Addon",  # noqa: S106 (a type token)
        handles=frozenset(
            {
                "addonName",
                "addonVersion",
                "clusterName",
                "configurationValues",
                "podIdentityAssociations",
                "preserve",
                "resolveConflictsOnCreate",
                "resolveConflictsOnUpdate",
                "serviceAccountRoleArn",
                "tags",
            }
        ),
        computed=frozenset({"addonVersion", "arn", "configurationValues", "createdAt", "modifiedAt"}),
        replaces=frozenset({"addonName", "clusterName"}),
        enums={
            "resolveConflictsOnCreate": ("eks", "ResolveConflicts"),
            "resolveConflictsOnUpdate": ("eks", "ResolveConflicts"),
        },
        check=_check_addon,
        identify=lambda _, inputs: f"{inputs['clusterName']}:{inputs['addonName']}",
        parent=_in_cluster,
        outputs=_addon_outputs,
        exists_error="ResourceInUseException",
        tagged=True,
    ),
    recorded_kind(
        token="aws:eks/podIdentityAssociation:PodIdentityAssociation",  # noqa: S106
        handles=frozenset(
            {
                "clusterName",
                "disableSessionTags",
                "namespace",
                "roleArn",
                "serviceAccount",
                "tags",
                "targetRoleArn",
            }
        ),
        computed=frozenset({"associationArn", "associationId"}),
        replaces=frozenset({"clusterName", "namespace", "serviceAccount"}),
        check=lambda inputs: checks.arn(inputs, "roleArn"),
        identify=_association_id,
        parent=_with_role,
        outputs=_association_outputs,
        exists_error="ResourceInUseException",
        tagged=True,
    ),
    recorded_kind(
        token=_ENTRY,
        handles=frozenset({"clusterName", "kubernetesGroups", "principalArn", "tags", "type", "userName"}),
        computed=frozenset({"accessEntryArn", "createdAt", "kubernetesGroups", "modifiedAt", "userName"}),
        replaces=frozenset({"clusterName", "principalArn", "type"}),
        defaults={"type": "STANDARD"},
        check=_check_entry,
        identify=lambda _, inputs: f"{inputs['clusterName']}:{inputs['principalArn']}",
        parent=_with_entries,
        outputs=_entry_outputs,
        exists_error="ResourceInUseException",
        tagged=True,
    ),
    recorded_kind(
        token="aws:eks/accessPolicyAssociation:AccessPolicyAssociation",  # noqa: S106
        handles=frozenset({"accessScope", "clusterName", "policyArn", "principalArn"}),
        computed=frozenset({"associatedAt", "modifiedAt"}),
        replaces=frozenset({"accessScope", "clusterName", "policyArn", "principalArn"}),
        check=_check_association,
        identify=lambda _, inputs: "#".join(
            inputs[key] for key in ("clusterName", "principalArn", "policyArn")
        ),
        parent=_with_entry,
        outputs=lambda _call, _id, _inputs: {"associatedAt": _now(), "modifiedAt": _now()},
        updatable=False,
    ),
)
