"""What the emulated account and the real cluster hold, compared with what the stacks' states know of.

The account is moto's, and nobody else uses it: what is in it and not in a fresh one is the program's. An update that
is cut off leaves objects whose create answer never reached the engine; no object in the state needs one of them, since
the engine makes a resource only after those that it depends on have answered.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import boto3

from plugin_server.provider import ProviderError
from sandbox.aws import planner, views
from sandbox.aws.account import Account, Clients
from sandbox.aws.cluster_api import ClusterApi
from sandbox.aws.cluster_contents import deployed
from sandbox.aws.conversions import Context, search
from sandbox.aws.objects import look, remove
from sandbox.aws.recorded import WHOLE, Records
from sandbox.aws.table import KINDS
from sandbox.errors import SandboxError
from sandbox.lifecycle import REGION, Sandbox
from sandbox.research import seeds
from sandbox.toolchain.build import Report

_GONE_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.2
_RELEASE: Final = "kubernetes:helm.sh/v3:Release"
_ATTACHMENT: Final = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
_POLICY: Final = "aws:iam/rolePolicy:RolePolicy"
_GROUP: Final = "aws:eks/nodeGroup:NodeGroup"
_ASSOCIATION: Final = (
    "{id: RouteTableAssociationId, inputs: {routeTableId: RouteTableId, subnetId: SubnetId}}"
)
_LIVING: Final = "[?State!='deleted' && State!='deleting']"

_LISTS: Final[Mapping[str, tuple[str, str, str]]] = {
    "aws:ec2/eip:Eip": ("ec2", "DescribeAddresses", "Addresses[].AllocationId"),
    "aws:ec2/internetGateway:InternetGateway": (
        "ec2",
        "DescribeInternetGateways",
        "InternetGateways[].InternetGatewayId",
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": (
        "ec2",
        "DescribeLaunchTemplates",
        "LaunchTemplates[].LaunchTemplateId",
    ),
    "aws:ec2/natGateway:NatGateway": ("ec2", "DescribeNatGateways", f"NatGateways{_LIVING}.NatGatewayId"),
    "aws:ec2/routeTable:RouteTable": (
        "ec2",
        "DescribeRouteTables",
        "RouteTables[?!(Associations[?Main])].RouteTableId",
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": (
        "ec2",
        "DescribeRouteTables",
        f"RouteTables[].Associations[] | [?!Main].{_ASSOCIATION}",
    ),
    "aws:ec2/subnet:Subnet": ("ec2", "DescribeSubnets", "Subnets[?!DefaultForAz].SubnetId"),
    "aws:ec2/vpc:Vpc": ("ec2", "DescribeVpcs", "Vpcs[?!IsDefault].VpcId"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        "ec2",
        "DescribeVpcEndpoints",
        f"VpcEndpoints{_LIVING}.VpcEndpointId",
    ),
    "aws:eks/cluster:Cluster": ("eks", "ListClusters", "clusters"),
    "aws:iam/role:Role": ("iam", "ListRoles", "Roles[].RoleName"),
    "aws:kms/key:Key": ("kms", "ListKeys", "Keys[].KeyId"),
    "aws:s3/bucket:Bucket": ("s3", "ListBuckets", "Buckets[].Name"),
}
"""Resource type to the call that lists its objects, and the JMESPath of their ids; moto answers in one page. What is
part of a bucket or a route table is not listed: it goes with it."""


@dataclass(frozen=True, order=True, kw_only=True)
class Holding:
    """One object that an API holds and that could be a resource."""

    type: str
    """Resource type token of AWS, or a Kubernetes kind."""
    id: str
    path: str = ""
    """URL path in the Kubernetes API; empty for AWS."""
    release: str = field(default="", compare=False)
    """The Helm release that a Kubernetes object is part of."""
    inputs: Mapping[str, str] = field(default_factory=dict, compare=False)
    """What finds an AWS object, where its id does not."""

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class Holdings:
    """Looks into one running sandbox, by its own APIs."""

    def __init__(self, sandbox: Sandbox) -> None:
        session = boto3.Session(
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",
            region_name=REGION,
        )
        self._account = Account(
            clients=Clients(sandbox.endpoints().aws_url, session),
            records=Records(sandbox.paths.root / "recorded"),
            cluster=lambda: ClusterApi.open(sandbox.paths),
            region=REGION,
        )

    def strays(self, resources: Iterable[Mapping[str, Any]]) -> list[Holding]:
        """The objects that the APIs hold and the states do not know."""
        known, releases = _known(resources)
        held = [*self._aws(), *self._objects()]
        return sorted(one for one in held if (one.type, one.id) not in known and one.release not in releases)

    def missing(self, resources: Iterable[Mapping[str, Any]]) -> list[str]:
        """The objects that the states know and the APIs do not hold; of the types that can be listed."""
        known, _ = _known(resources)
        held = {(one.type, one.id) for one in (*self._aws(), *self._objects())}
        listed = {*_LISTS, *WHOLE, _GROUP, _POLICY, _ATTACHMENT}
        return sorted(
            f"{type_} {id_}"
            for type_, id_ in known - held
            if type_ in listed or not type_.startswith(("aws:", "pulumi:", "slipway:"))
        )

    def remove_lost(self, resources: Iterable[Mapping[str, Any]], report: Report) -> list[Holding]:
        """Remove strays; returns what could not be removed.

        Args:
            resources: of all stacks, so that what belongs to another one is no stray.
            report: takes a line for each.

        Raises:
            SandboxError: an API refuses or does not answer.
        """
        try:
            strays = self.strays(resources)
            for stray in strays:
                report(f"removing {stray}, left by an update that was cut off")
            objects = self._remove_objects([stray for stray in strays if stray.path])
            return self._remove_aws([stray for stray in strays if not stray.path]) + objects
        except ProviderError as error:
            raise SandboxError(str(error)) from error

    def _remove_aws(self, strays: list[Holding]) -> list[Holding]:
        """Remove objects that may hang on one another: again and again, for as long as one of them goes."""
        left = strays
        while left:
            still = [stray for stray in left if not self._removed(stray)]
            if len(still) == len(left):
                break
            left = still
        return left

    def _removed(self, holding: Holding) -> bool:
        kind = KINDS[holding.type]
        try:
            id_, named = (
                (holding.id, dict(holding.inputs)) if holding.inputs else planner.identified(kind, holding.id)
            )
            context = Context(inputs=named, id=id_, region=REGION)
            found = look(kind, self._account, context)
            if found is not None:
                inputs = views.inputs_of(kind, {}, views.outputs_of(kind, found), {})
                remove(kind, self._account, replace(context, inputs={**inputs, "forceDestroy": True}))
        except ProviderError:
            return False
        return True

    def _remove_objects(self, strays: list[Holding]) -> list[Holding]:
        cluster = self._account.cluster()
        for stray in strays:
            cluster.delete(stray.path, propagationPolicy="Background")
        deadline = time.monotonic() + _GONE_SECONDS
        while (left := [s for s in strays if cluster.find(s.path)]) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return left

    def _aws(self) -> Iterator[Holding]:
        for token, (service, operation, path) in _LISTS.items():
            for found in search(path, self._account.aws(service, operation)) or ():
                one = found if isinstance(found, dict) else {"id": found}
                if self._is_of_the_program(token, one["id"]):
                    yield Holding(type=token, **one)
                    yield from self._parts(token, one["id"])
        for token in WHOLE:
            for record in self._account.records.all(token):
                named = {"clusterName": record["clusterName"]} if "associationId" in record else {}
                yield Holding(type=token, id=record["id"], inputs=named)

    def _is_of_the_program(self, token: str, id_: str) -> bool:
        if token == "aws:kms/key:Key":  # noqa: S105 (a type token)
            key = self._account.aws("kms", "DescribeKey", KeyId=id_)["KeyMetadata"]
            return bool(key["KeyManager"] == "CUSTOMER" and key["KeyState"] != "PendingDeletion")
        return token != "aws:s3/bucket:Bucket" or id_ not in seeds.buckets()  # noqa: S105

    def _parts(self, token: str, id_: str) -> Iterator[Holding]:
        aws = self._account.aws
        if token == "aws:eks/cluster:Cluster":  # noqa: S105 (a type token)
            for group in aws("eks", "ListNodegroups", clusterName=id_)["nodegroups"]:
                yield Holding(type=_GROUP, id=f"{id_}:{group}")
        if token == "aws:iam/role:Role":  # noqa: S105
            for name in aws("iam", "ListRolePolicies", RoleName=id_)["PolicyNames"]:
                yield Holding(type=_POLICY, id=f"{id_}:{name}")
            for policy in aws("iam", "ListAttachedRolePolicies", RoleName=id_)["AttachedPolicies"]:
                yield Holding(type=_ATTACHMENT, id=f"{id_}/{policy['PolicyArn']}")

    def _objects(self) -> Iterator[Holding]:
        """Yield what somebody deployed into the cluster; its nodes are parts of node groups."""
        for found in deployed(self._account.cluster(), within=True):
            if found.kind != "Node":
                yield Holding(type=found.kind, id=found.id, path=found.path, release=found.release)


def _known(resources: Iterable[Mapping[str, Any]]) -> tuple[set[tuple[str, str]], set[str]]:
    """The states' resources as (type or kind, id), and the names of their Helm releases."""
    known, releases = set(), set()
    for resource in resources:
        type_, id_ = resource["type"], resource.get("id", "")
        if type_ == _RELEASE:
            releases.add(id_.rpartition("/")[2])
        elif id_:
            known.add((type_.rpartition(":")[2] if type_.startswith("kubernetes:") else type_, id_))
    return known, releases
