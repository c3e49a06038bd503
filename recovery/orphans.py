"""Objects of AWS that have a stack's tags and are in no resource of its state. They are listed, never deleted.

A provider that crashed leaves no pending operation, so these are all that is left of its last calls.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from recovery.decisions import default_tags
from recovery.operations import Deployment, resources


@dataclass(frozen=True, kw_only=True, order=True)
class Holding:
    """One object that AWS holds."""

    arn: str
    name: str = ""
    """The value of its tag Name."""


@dataclass(frozen=True, kw_only=True)
class Orphan:
    """One object that no resource of the state is."""

    arn: str
    type: str = ""
    """Empty for a kind of object that the table below does not know."""
    id: str = ""
    """The id that `pulumi import` takes."""
    import_command: str = ""
    delete_command: str = ""


@dataclass(frozen=True, kw_only=True)
class _Kind:
    type: str
    arn: re.Pattern[str]
    """Matches the part behind the account; its groups fill the rest."""
    id: str
    delete: str


def _kind(type_: str, arn: str, id_: str, delete: str) -> _Kind:
    return _Kind(type=type_, arn=re.compile(rf"arn:aws[a-z-]*:{arn}\Z"), id=id_, delete=delete)


def _ec2(kind: str, type_: str, delete: str) -> _Kind:
    return _kind(f"aws:ec2/{type_}", rf"ec2:[^:]*:\d*:{kind}/([^/]+)", r"\1", f"aws ec2 {delete}")


_KINDS: Final = (
    _ec2("elastic-ip", "eip:Eip", r"release-address --allocation-id \1"),
    _ec2(
        "internet-gateway",
        "internetGateway:InternetGateway",
        r"delete-internet-gateway --internet-gateway-id \1",
    ),
    _ec2(
        "launch-template",
        "launchTemplate:LaunchTemplate",
        r"delete-launch-template --launch-template-id \1",
    ),
    _ec2("natgateway", "natGateway:NatGateway", r"delete-nat-gateway --nat-gateway-id \1"),
    _ec2("route-table", "routeTable:RouteTable", r"delete-route-table --route-table-id \1"),
    _ec2("subnet", "subnet:Subnet", r"delete-subnet --subnet-id \1"),
    _ec2("vpc", "vpc:Vpc", r"delete-vpc --vpc-id \1"),
    _ec2("vpc-endpoint", "vpcEndpoint:VpcEndpoint", r"delete-vpc-endpoints --vpc-endpoint-ids \1"),
    _kind(
        "aws:eks/addon:Addon",
        r"eks:[^:]*:\d*:addon/([^/]+)/([^/]+)/.+",
        r"\1:\2",
        r"aws eks delete-addon --cluster-name \1 --addon-name \2",
    ),
    _kind(
        "aws:eks/cluster:Cluster",
        r"eks:[^:]*:\d*:cluster/([^/]+)",
        r"\1",
        r"aws eks delete-cluster --name \1",
    ),
    _kind(
        "aws:eks/nodeGroup:NodeGroup",
        r"eks:[^:]*:\d*:nodegroup/([^/]+)/([^/]+)/.+",
        r"\1:\2",
        r"aws eks delete-nodegroup --cluster-name \1 --nodegroup-name \2",
    ),
    _kind(
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        r"eks:[^:]*:\d*:podidentityassociation/([^/]+)/([^/]+)",
        r"\1,\2",
        r"aws eks delete-pod-identity-association --cluster-name \1 --association-id \2",
    ),
    _kind(
        "aws:iam/role:Role",
        r"iam::\d*:role/(?:.*/)?([^/]+)",
        r"\1",
        r"aws iam delete-role --role-name \1",
    ),
    _kind(
        "aws:kms/key:Key",
        r"kms:[^:]*:\d*:key/([^/]+)",
        r"\1",
        r"aws kms schedule-key-deletion --key-id \1",
    ),
    _kind("aws:s3/bucket:Bucket", r"s3:::([^/]+)", r"\1", r"aws s3api delete-bucket --bucket \1"),
)


def stack_tags(deployment: Deployment) -> tuple[Mapping[str, str], str | None]:
    """Return the tags that everything of a stack has, and its region: those of the state's AWS provider."""
    for item in resources(deployment):
        if item["type"] == "pulumi:providers:aws" and (tags := default_tags(item)):
            region = (item.get("inputs") or {}).get("region")
            return tags, region if isinstance(region, str) else None
    return {}, None


def orphans(deployment: Deployment, holdings: Iterable[Holding], stack: str) -> list[Orphan]:
    """Return the objects that no resource of the state is, in the order of their ARNs."""
    known = set(_identities(deployment))
    provider = next(
        (item["urn"] for item in resources(deployment) if item["type"] == "pulumi:providers:aws"), ""
    )
    found = (_orphan(holding, stack, provider) for holding in sorted(set(holdings)))
    return [orphan for orphan in found if not known & {orphan.arn, f"{orphan.type} {orphan.id}"}]


def _orphan(holding: Holding, stack: str, provider: str) -> Orphan:
    for kind in _KINDS:
        if match := kind.arn.match(holding.arn):
            id_, name = match.expand(kind.id), holding.name or "NAME"
            words = ["pulumi", "import", kind.type, name, id_, "--parent", "p=URN_OF_COMPONENT"]
            words += ["--provider", f"q={provider}", "--generate-code=false", "--protect=false"]
            return Orphan(
                arn=holding.arn,
                type=kind.type,
                id=id_,
                import_command=shlex.join([*words, "--stack", stack]),
                delete_command=match.expand(kind.delete),
            )
    return Orphan(arn=holding.arn)


def _identities(deployment: Deployment) -> Iterator[str]:
    for item in resources(deployment):
        outputs, id_ = item.get("outputs") or {}, item.get("id") or ""
        for name in ("arn", "associationArn"):
            if isinstance(outputs.get(name), str):
                yield outputs[name]
        yield f"{item['type']} {id_}"
        if isinstance(outputs.get("clusterName"), str):
            # The id of a pod identity association in the state; the one to import it by has the cluster in front.
            yield f"{item['type']} {outputs['clusterName']},{id_}"
