"""What the emulated account and the real cluster hold, beside what the stack's state knows of.

An update that is cut off leaves objects whose create answer never reached the engine. The next update takes
over those that the program still wants; the others are found here and removed. No object in the state needs
one of them, since the engine makes a resource only after those that it depends on have answered.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import boto3

from plugin_server.provider import ProviderError
from sandbox.aws.calls import REPLACED_TAG, URN_TAG, Call, Clients
from sandbox.aws.cluster_api import ClusterApi
from sandbox.aws.kinds import KINDS
from sandbox.aws.recorded import RECORDED_ONLY, Records
from sandbox.errors import SandboxError
HELM_RELEASE = 'kubernetes:helm.sh/v3:Release'
manager_of = str
from sandbox.lifecycle import REGION, Sandbox
from sandbox.research import seeds
from sandbox.toolchain.build import Report

_MANAGER: Final = "pulumi-kubernetes-"
_GONE_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.2

_FORCED: Final[Mapping[str, Any]] = {"forceDestroy": True, "forceDelete": True, "forceDetachPolicies": True}
"""Inputs for deleting what no program describes: a lost object is empty, or holds only its own parts."""


@dataclass(frozen=True, order=True, kw_only=True)
class Holding:
    """One object that an API holds and that could be a resource."""

    type: str
    """Resource type token of AWS, or ``apiVersion/Kind``."""
    id: str
    path: str = ""
    """URL path in the Kubernetes API; empty for AWS."""
    managers: frozenset[str] = frozenset()
    """Field managers of Pulumi resources; empty for AWS."""

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class Holdings:
    """Looks into one running sandbox, by its own APIs."""

    def __init__(self, sandbox: Sandbox) -> None:
        session = boto3.Session(
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",  # noqa: S106 (the emulated account takes any)
            region_name=REGION,
        )
        self._call = Call(
            clients=Clients(sandbox.endpoints().aws_url, session),
            records=Records(sandbox.paths.root / "recorded"),
            cluster=lambda: ClusterApi.open(sandbox.paths),
            urn="",
            region=REGION,
        )

    def strays(self, resources: Iterable[Mapping[str, Any]]) -> list[Holding]:
        """What the APIs hold and the state does not know."""
        aws, managers = _known(resources)
        found = [holding for holding in self._aws() if (holding.type, holding.id) not in aws]
        found += [holding for holding in self._kubernetes() if not _is_known(holding, managers)]
        return sorted(found)

    def missing(self, resources: Iterable[Mapping[str, Any]]) -> list[str]:
        """What the state knows and the APIs do not hold; of the types that can be listed."""
        aws, managers = _known(resources)
        held = {(holding.type, holding.id) for holding in self._aws()}
        gone = [f"{type_} {id_}" for type_, id_ in aws if type_ in _LISTS and (type_, id_) not in held]
        objects = {(manager, holding.id) for holding in self._kubernetes() for manager in holding.managers}
        for manager, ids in managers.items():
            gone += [f"kubernetes {id_}" for id_ in ids if id_ and (manager, id_) not in objects]
        return sorted(gone)

    def remove_lost(self, resources: Iterable[Mapping[str, Any]], report: Report) -> list[Holding]:
        """Removes strays that a resource of any of the sandbox's stacks made; returns what could not be removed.

        Args:
            resources: of all stacks, so that what belongs to another one is no stray.
            report: takes a line for each.

        Raises:
            SandboxError: an API refuses or does not answer.
        """
        try:
            return self._remove_lost(resources, report)
        except ProviderError as error:
            raise SandboxError(str(error)) from error

    def _remove_lost(self, resources: Iterable[Mapping[str, Any]], report: Report) -> list[Holding]:
        strays = [stray for stray in self.strays(resources) if stray.path or self._is_lost(stray)]
        for stray in strays:
            report(f"removing {stray}, left by an update that was cut off")
        return self._remove_aws([s for s in strays if not s.path]) + self._remove_objects(
            [s for s in strays if s.path]
        )

    def _is_lost(self, holding: Holding) -> bool:
        """Whether a stray bears a URN; what cannot bear one hangs on something that does."""
        kind = KINDS[holding.type]
        if not kind.taggable:
            return True
        tags = (kind.observe(self._call, holding.id, {}) or {}).get("tagsAll", {})
        return any(tags.get(tag) for tag in (URN_TAG, REPLACED_TAG))

    def _remove_aws(self, strays: list[Holding]) -> list[Holding]:
        """They may hang on one another: again and again, for as long as one of them goes."""
        while strays:
            left = [stray for stray in strays if not self._removed(stray)]
            if len(left) == len(strays):
                break
            strays = left
        return strays

    def _removed(self, holding: Holding) -> bool:
        try:
            KINDS[holding.type].delete(self._call, holding.id, dict(_FORCED))
        except ProviderError:
            return False
        return True

    def _remove_objects(self, strays: list[Holding]) -> list[Holding]:
        cluster = self._call.cluster()
        for stray in strays:
            cluster.delete(stray.path, propagationPolicy="Background")
        deadline = time.monotonic() + _GONE_SECONDS
        while (left := [s for s in strays if cluster.find(s.path)]) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return left

    def _aws(self) -> Iterator[Holding]:
        for token, listed in _LISTS.items():
            for id_ in listed(self._call):
                yield Holding(type=token, id=id_)

    def _kubernetes(self) -> Iterator[Holding]:
        """Every object that a Pulumi resource manages."""
        cluster = self._call.cluster()
        for version, kind, plural in _kinds(cluster):
            root = f"/apis/{version}" if "/" in version else f"/api/{version}"
            for item in cluster.items(f"{root}/{plural}"):
                metadata = item["metadata"]
                managers = frozenset(
                    entry["manager"]
                    for entry in metadata.get("managedFields") or ()
                    if entry.get("manager", "").startswith(_MANAGER) and entry.get("operation") == "Apply"
                )
                if managers:
                    namespace = metadata.get("namespace", "")
                    inside = f"/namespaces/{namespace}" if namespace else ""
                    yield Holding(
                        type=f"{version}/{kind}",
                        id=f"{namespace}/{metadata['name']}" if namespace else metadata["name"],
                        path=f"{root}{inside}/{plural}/{metadata['name']}",
                        managers=managers,
                    )


def _known(resources: Iterable[Mapping[str, Any]]) -> tuple[set[tuple[str, str]], dict[str, set[str]]]:
    """The state's AWS resources as (type, id), and its Kubernetes ids by field manager."""
    aws: set[tuple[str, str]] = set()
    managers: dict[str, set[str]] = {}
    for resource in resources:
        type_, id_ = resource["type"], resource.get("id", "")
        if type_.startswith("aws:"):
            aws.add((type_, id_))
        elif type_.startswith("kubernetes:"):
            manager = (resource.get("outputs") or {}).get("__fieldManager") or manager_of(resource["urn"])
            # A release stands for objects of other names.
            managers.setdefault(manager, set()).add("" if type_ == HELM_RELEASE else id_)
    return aws, managers


def _is_known(holding: Holding, managers: Mapping[str, set[str]]) -> bool:
    return any(
        holding.id in managers.get(manager, ()) or "" in managers.get(manager, ())
        for manager in holding.managers
    )


def _kinds(cluster: ClusterApi) -> Iterator[tuple[str, str, str]]:
    """(apiVersion, kind, plural) of all that can be listed and deleted, one version of each."""
    groups = (cluster.find("/apis") or {})["groups"]
    for version in ("v1", *(group["preferredVersion"]["groupVersion"] for group in groups)):
        listing = cluster.find(f"/apis/{version}" if "/" in version else f"/api/{version}") or {}
        for entry in listing.get("resources") or ():
            if "/" not in entry["name"] and {"list", "delete"} <= set(entry["verbs"]):
                yield version, entry["kind"], entry["name"]


def _ec2(operation: str, key: str, id_: str) -> Callable[[Call], Iterator[str]]:
    """A lister of what is in VPCs that somebody made."""

    def listed(call: Call) -> Iterator[str]:
        own = set(_vpcs(call))
        for item in call.aws("ec2", operation)[key]:
            gone = item.get("State") in ("deleted", "deleting")
            # What AWS makes by itself with a VPC and with an EKS cluster goes with them.
            automatic = item.get("GroupName", "").startswith(("default", "eks-cluster-sg-"))
            if not gone and not automatic and item.get("VpcId") in own:
                yield item[id_]

    return listed


def _vpcs(call: Call) -> Iterator[str]:
    for vpc in call.aws("ec2", "describe_vpcs")["Vpcs"]:
        if not vpc["IsDefault"]:
            yield vpc["VpcId"]


def _gateways(call: Call) -> Iterator[str]:
    own = set(_vpcs(call))
    for gateway in call.aws("ec2", "describe_internet_gateways")["InternetGateways"]:
        attached = {attachment["VpcId"] for attachment in gateway["Attachments"]}
        if not attached or attached & own:
            yield gateway["InternetGatewayId"]


def _tables(call: Call) -> Iterator[dict[str, Any]]:
    own = set(_vpcs(call))
    for table in call.aws("ec2", "describe_route_tables")["RouteTables"]:
        if table["VpcId"] in own and not any(item.get("Main") for item in table["Associations"]):
            yield table


def _associations(call: Call) -> Iterator[str]:
    for table in _tables(call):
        for item in table["Associations"]:
            yield item["RouteTableAssociationId"]


def _addresses(call: Call) -> Iterator[str]:
    for address in call.aws("ec2", "describe_addresses")["Addresses"]:
        yield address["AllocationId"]


def _roles(call: Call) -> list[str]:
    return [role["RoleName"] for role in call.pages("iam", "list_roles", "Roles")]


def _role_policies(call: Call) -> Iterator[str]:
    for role in _roles(call):
        for name in call.pages("iam", "list_role_policies", "PolicyNames", RoleName=role):
            yield f"{role}:{name}"


def _attachments(call: Call) -> Iterator[str]:
    for role in _roles(call):
        for item in call.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=role):
            yield f"{role}/{item['PolicyArn']}"


def _policies(call: Call) -> Iterator[str]:
    for policy in call.pages("iam", "list_policies", "Policies", Scope="Local"):
        yield policy["Arn"]


def _keys(call: Call) -> Iterator[str]:
    for key in call.pages("kms", "list_keys", "Keys"):
        found = call.aws("kms", "describe_key", KeyId=key["KeyId"])["KeyMetadata"]
        if found["KeyManager"] == "CUSTOMER" and found["KeyState"] != "PendingDeletion":
            yield key["KeyId"]


def _aliases(call: Call) -> Iterator[str]:
    own = set(_keys(call))
    for alias in call.pages("kms", "list_aliases", "Aliases"):
        if alias.get("TargetKeyId") in own:
            yield alias["AliasName"]


def _buckets(call: Call) -> Iterator[str]:
    research = seeds.buckets()
    for bucket in call.aws("s3", "list_buckets")["Buckets"]:
        if bucket["Name"] not in research:
            yield bucket["Name"]


def _repositories(call: Call) -> Iterator[str]:
    for repository in call.pages("ecr", "describe_repositories", "repositories"):
        yield repository["repositoryName"]


def _clusters(call: Call) -> list[str]:
    return list(call.pages("eks", "list_clusters", "clusters"))


def _node_groups(call: Call) -> Iterator[str]:
    for cluster in _clusters(call):
        for group in call.pages("eks", "list_nodegroups", "nodegroups", clusterName=cluster):
            yield f"{cluster}:{group}"


def _recorded(token: str) -> Callable[[Call], Iterator[str]]:
    return lambda call: (record["id"] for record in call.records.all(token))


_LISTS: Final[Mapping[str, Callable[[Call], Iterable[str]]]] = {
    "aws:ec2/eip:Eip": _addresses,
    "aws:ec2/internetGateway:InternetGateway": _gateways,
    "aws:ec2/launchTemplate:LaunchTemplate": _ec2(
        "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"
    ),
    "aws:ec2/natGateway:NatGateway": _ec2("describe_nat_gateways", "NatGateways", "NatGatewayId"),
    "aws:ec2/routeTable:RouteTable": lambda call: (table["RouteTableId"] for table in _tables(call)),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _associations,
    "aws:ec2/securityGroup:SecurityGroup": _ec2("describe_security_groups", "SecurityGroups", "GroupId"),
    "aws:ec2/subnet:Subnet": _ec2("describe_subnets", "Subnets", "SubnetId"),
    "aws:ec2/vpc:Vpc": _vpcs,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _ec2("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    "aws:ecr/repository:Repository": _repositories,
    "aws:eks/cluster:Cluster": _clusters,
    "aws:eks/nodeGroup:NodeGroup": _node_groups,
    "aws:iam/policy:Policy": _policies,
    "aws:iam/role:Role": _roles,
    "aws:iam/rolePolicy:RolePolicy": _role_policies,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _attachments,
    "aws:kms/alias:Alias": _aliases,
    "aws:kms/key:Key": _keys,
    "aws:s3/bucket:Bucket": _buckets,
    **{token: _recorded(token) for token in RECORDED_ONLY if " " not in token},
}
"""Resource type to the ids of its objects. What is part of a bucket, a route table or a group is not listed: it
goes with it."""
