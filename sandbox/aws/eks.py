"""EKS clusters: moto holds the record, the local control plane is the cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from plugin_server.provider import CheckFailure, ProviderError
from plugin_server.values import UNKNOWN, Properties
from sandbox.aws import checks, cluster_contents
from sandbox.aws.calls import AwsError, Call, given
from sandbox.aws.eks_lookups import RECORDED, TOKEN, VERSIONS, assumable_by, cluster_of, zones_of
from sandbox.aws.table import Autoname, Kind

READY_SECONDS: Final = 120.0
"""How long a create waits for the local API server, which starts in seconds."""

PER_CLUSTER: Final = (
    "aws:eks/accessEntry:AccessEntry",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    "aws:eks/addon:Addon",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation",
)
"""Recorded types that EKS deletes together with their cluster."""

_NAME: Final = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}")
_GROUP_TAG: Final = "slipway.dev/cluster-security-group-of"
_LOG_TYPES: Final = ("api", "audit", "authenticator", "controllerManager", "scheduler")
_OPEN: Final = {
    "endpointPublicAccess": True,
    "endpointPrivateAccess": False,
    "publicAccessCidrs": ["0.0.0.0/0"],
}


def _create(call: Call, inputs: Properties) -> str:
    name: str = inputs["name"]
    network = inputs["vpcConfig"]
    assumable_by(call, inputs["roleArn"], "eks.amazonaws.com")
    if len(zones_of(call, network["subnetIds"])) < 2:
        raise AwsError(
            "eks",
            "CreateCluster",
            "InvalidParameterException",
            "Subnets specified must be in at least two different AZs",
        )
    cluster = call.cluster()
    call.status("waiting for the local API server")
    cluster.await_ready(call.timeout or READY_SECONDS, call.wait, call.status)
    if not call.aws("eks", "list_clusters")["clusters"]:
        cluster_contents.clear(cluster, call.wait, call.status)
    arguments: dict[str, Any] = {
        "name": name,
        "roleArn": inputs["roleArn"],
        "resourcesVpcConfig": _network(network),
        "version": inputs.get("version", VERSIONS[-1]),
        "logging": _logging(inputs.get("enabledClusterLogTypes", [])),
        "tags": dict(call.tags),
    }
    if service := inputs.get("kubernetesNetworkConfig"):
        names = {"serviceIpv4Cidr": "serviceIpv4Cidr", "ipFamily": "ipFamily"}
        arguments["kubernetesNetworkConfig"] = given(service, names)
    if encryption := inputs.get("encryptionConfig"):
        key = {"keyArn": encryption["provider"]["keyArn"]}
        arguments["encryptionConfig"] = [{"resources": encryption["resources"], "provider": key}]
    call.aws("eks", "create_cluster", **arguments)
    _record(call, name, inputs)
    _security_group(call, name, network["subnetIds"])
    return name


def _record(call: Call, name: str, inputs: Properties) -> None:
    access = {
        "authenticationMode": "CONFIG_MAP",
        "bootstrapClusterCreatorAdminPermissions": True,
        **inputs.get("accessConfig", {}),
    }
    recorded = {key: inputs.get(key) for key in RECORDED}
    version = inputs.get("version", VERSIONS[-1])
    upgrade = inputs.get("upgradePolicy") or {"supportType": "EXTENDED"}
    call.records.put(
        TOKEN, name, {**recorded, "accessConfig": access, "upgradePolicy": upgrade, "version": version}
    )


def _network(inputs: Properties) -> dict[str, Any]:
    names = (
        "endpointPrivateAccess",
        "endpointPublicAccess",
        "publicAccessCidrs",
        "securityGroupIds",
        "subnetIds",
    )
    return {**_OPEN, **given(inputs, dict(zip(names, names, strict=True)))}


def _logging(types: list[str]) -> dict[str, Any]:
    off = [type_ for type_ in _LOG_TYPES if type_ not in types]
    return {
        "clusterLogging": [
            {"types": listed, "enabled": enabled}
            for listed, enabled in ((types, True), (off, False))
            if listed
        ]
    }


def _security_group(call: Call, name: str, subnets: list[str]) -> None:
    """The group that EKS makes for the cluster's own traffic."""
    if _security_group_of(call, name) is None:
        vpc = call.aws("ec2", "describe_subnets", SubnetIds=subnets[:1])["Subnets"][0]["VpcId"]
        tags = [{"Key": _GROUP_TAG, "Value": name}]
        call.aws(
            "ec2",
            "create_security_group",
            GroupName=f"eks-cluster-sg-{name}",
            Description="EKS created security group applied to ENI attached to the control plane",
            VpcId=vpc,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
        )


def _security_group_of(call: Call, name: str) -> dict[str, Any] | None:
    filters = [{"Name": f"tag:{_GROUP_TAG}", "Values": [name]}]
    found = call.aws("ec2", "describe_security_groups", Filters=filters)["SecurityGroups"]
    return found[0] if found else None


def _observe(call: Call, name: str, _inputs: Properties) -> Properties | None:
    try:
        cluster = cluster_of(call, name)
    except AwsError as error:
        if error.is_absence:
            return None
        raise
    group = _security_group_of(call, name) or {}
    local = call.cluster()
    encryption = cluster.get("encryptionConfig") or []
    return {
        "name": name,
        "arn": cluster["arn"],
        "roleArn": cluster["roleArn"],
        "status": cluster["status"],
        "createdAt": cluster["createdAt"].isoformat(),
        "platformVersion": cluster["platformVersion"],
        "endpoint": local.server,
        "certificateAuthority": {"data": local.authority},
        "identities": [{"oidcs": [{"issuer": cluster["identity"]["oidc"]["issuer"]}]}],
        "kubernetesNetworkConfig": cluster.get("kubernetesNetworkConfig"),
        "encryptionConfig": {
            "resources": encryption[0]["resources"],
            "provider": encryption[0]["provider"],
        }
        if encryption
        else None,
        "enabledClusterLogTypes": sorted(
            type_
            for logging in cluster.get("logging", {}).get("clusterLogging", [])
            if logging["enabled"]
            for type_ in logging["types"]
        ),
        "vpcConfig": {
            **_OPEN,
            **cluster["resourcesVpcConfig"],
            "clusterSecurityGroupId": group.get("GroupId"),
            "vpcId": group.get("VpcId"),
        },
        **{key: cluster.get(key) for key in RECORDED},
        "tagsAll": cluster.get("tags") or {},
    }


def _update(call: Call, name: str, _old: Properties, new: Properties) -> None:
    before, after = cluster_of(call, name)["version"], new.get("version")
    if after is not None and after != before:
        step = VERSIONS.index(after) - (VERSIONS.index(before) if before in VERSIONS else -1)
        if step != 1:
            raise AwsError(
                "eks",
                "UpdateClusterVersion",
                "InvalidParameterException",
                f"Unsupported Kubernetes minor version update from {before} to {after}: one minor at a time, "
                "and never back",
            )
    call.aws(
        "eks",
        "update_cluster_config",
        name=name,
        resourcesVpcConfig=_network(new["vpcConfig"]),
        logging=_logging(new.get("enabledClusterLogTypes", [])),
    )
    _record(call, name, {**new, "version": after or before})


def _delete(call: Call, name: str, _: Properties) -> None:
    if call.find("eks", "describe_cluster", name=name) is not None:
        if (call.records.get(TOKEN, name) or {}).get("deletionProtection"):
            raise ProviderError(
                f"aws eks DeleteCluster: InvalidRequestException: {name} has deletion protection; set "
                "deletionProtection to false and run `up` first"
            )
        call.find("eks", "delete_cluster", name=name)
    group = _security_group_of(call, name)
    if group is not None:
        call.find("ec2", "delete_security_group", GroupId=group["GroupId"])
    for token in PER_CLUSTER:
        for record in list(call.records.all(token)):
            if record["inputs"].get("clusterName") == name:
                call.records.remove(token, record["id"])
    call.records.remove(TOKEN, name)


def _tag(call: Call, name: str, tags: Mapping[str, str], remove: list[str]) -> None:
    arn = call.arn("eks", f"cluster/{name}")
    if remove:
        call.aws("eks", "untag_resource", resourceArn=arn, tagKeys=remove)
    call.aws("eks", "tag_resource", resourceArn=arn, tags=dict(tags))


def _check(inputs: Properties) -> Iterator[CheckFailure]:
    yield from checks.matching(
        inputs, "name", _NAME, "1 to 100 letters, digits, - and _, beginning with a letter or digit"
    )
    yield from checks.arn(inputs, "roleArn")
    version = checks.known(inputs, "version")
    if version is not None and version not in VERSIONS:
        yield CheckFailure(
            "version",
            f"{version!r} is not one of {', '.join(VERSIONS)}, the Kubernetes versions that EKS supports",
        )
    subnets = checks.known(inputs, "vpcConfig", "subnetIds")
    if isinstance(subnets, list) and len(subnets) < 2:
        yield CheckFailure("vpcConfig.subnetIds", "needs subnets in at least two availability zones")
    network = inputs.get("vpcConfig")
    network = network if isinstance(network, dict) else {}
    closed = network.get("endpointPublicAccess") is False
    if closed and network.get("endpointPrivateAccess") not in (True, UNKNOWN):
        yield CheckFailure("vpcConfig", "the endpoint must be public, private or both")
    for type_ in checks.known(inputs, "enabledClusterLogTypes") or []:
        if type_ is not UNKNOWN and type_ not in _LOG_TYPES:
            yield CheckFailure("enabledClusterLogTypes", f"{type_!r} is not one of {', '.join(_LOG_TYPES)}")


KINDS: Final = (
    Kind(
        token=TOKEN,
        handles=frozenset(
            {
                "enabledClusterLogTypes",
                "encryptionConfig",
                "kubernetesNetworkConfig",
                "name",
                "roleArn",
                "tags",
                "vpcConfig",
                *RECORDED,
            }
        ),
        computed=frozenset(
            {
                "accessConfig",
                "arn",
                "certificateAuthority",
                "createdAt",
                "endpoint",
                "identities",
                "kubernetesNetworkConfig",
                "platformVersion",
                "status",
                "upgradePolicy",
                "version",
            }
        ),
        replaces=frozenset(
            {
                "accessConfig.bootstrapClusterCreatorAdminPermissions",
                "bootstrapSelfManagedAddons",
                "encryptionConfig",
                "kubernetesNetworkConfig.ipFamily",
                "kubernetesNetworkConfig.serviceIpv4Cidr",
                "name",
                "roleArn",
            }
        ),
        defaults={"bootstrapSelfManagedAddons": True},
        enums={
            "accessConfig.authenticationMode": ("eks", "AuthenticationMode"),
            "kubernetesNetworkConfig.ipFamily": ("eks", "IpFamily"),
            "upgradePolicy.supportType": ("eks", "SupportType"),
        },
        check=_check,
        autoname=Autoname(property="name", limit=100),
        identify=lambda _, inputs: inputs.get("name"),
        named=lambda call, _: call.pages("eks", "list_clusters", "clusters"),
        create=_create,
        observe=_observe,
        update=_update,
        delete=_delete,
        tag=_tag,
    ),
)
