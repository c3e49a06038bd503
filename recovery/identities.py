"""One table of how a resource's id follows from its type and inputs.

An id here is what `pulumi import` of the real provider takes. The recovered resource has no outputs, and a provider
that reads a resource without outputs runs its importer (pulumi-terraform-bridge, pkg/tfbridge/provider.go, Read:
`isRefresh := len(req.GetProperties().GetFields()) != 0`); the id that it returns takes this one's place in the state.
Formats: terraform-provider-aws, the importers of internal/service/{ec2,eks,iam,s3} (read 2026-11-29).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from recovery.errors import MissingInputError
from recovery.questions import Detail, Question, ec2

Inputs = Mapping[str, Any]
Tags = Mapping[str, str]


@dataclass(frozen=True)
class FromInputs:
    """The id follows from the inputs; whether the object exists is for the refresh to find out."""

    id: Callable[[Inputs], str]


@dataclass(frozen=True)
class FromAws:
    """AWS chooses the id, so the object has to be looked up."""

    question: Callable[[Inputs, Tags], Question]


@dataclass(frozen=True)
class Nothing:
    """The engine alone knows such a resource: a create that was cut off made nothing outside the state."""


Identity = FromInputs | FromAws | Nothing


def identity_of(type_: str) -> Identity | None:
    """Return how a type's id follows, or None for a type that the table does not know."""
    if type_.startswith("pulumi:"):
        return Nothing()
    if type_ == HELM_RELEASE:
        return FromInputs(_joined("/", "namespace", "name"))
    if type_.startswith("kubernetes:"):
        # A Patch changes an object that somebody else made; helm.sh, yaml and kustomize have components only.
        return None if type_.endswith(("Patch", "List")) else FromInputs(_object_id)
    return IDENTITIES.get(type_)


def text(inputs: Inputs, path: str) -> str:
    """Return an input that is plain text, by its dotted path.

    Raises:
        MissingInputError: it is absent, empty, a secret or an unknown value.
    """
    value: Any = inputs
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if not isinstance(value, str) or not value:
        raise MissingInputError(path)
    return value


def _joined(separator: str, *paths: str) -> Callable[[Inputs], str]:
    return lambda inputs: separator.join(text(inputs, path) for path in paths)


def _object_id(inputs: Inputs) -> str:
    """Return `[namespace/]name`. Check fills in both (provider.go of pulumi-kubernetes 4.34)."""
    name = text(inputs, "metadata.name")
    namespace = (inputs["metadata"] or {}).get("namespace")
    return f"{namespace}/{name}" if isinstance(namespace, str) and namespace else name


def _bucket_setting(inputs: Inputs) -> str:
    owner = inputs.get("expectedBucketOwner")
    return text(inputs, "bucket") + (f",{owner}" if isinstance(owner, str) and owner else "")


def _route(inputs: Inputs) -> str:
    for name in ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId"):
        if inputs.get(name):
            return f"{text(inputs, 'routeTableId')}_{text(inputs, name)}"
    raise MissingInputError("destinationCidrBlock")


def _vpc(inputs: Inputs, tags: Tags) -> Question:
    return ec2("describe_vpcs", "Vpcs", "VpcId", {"cidr": text(inputs, "cidrBlock")}, tags=tags)


def _subnet(inputs: Inputs, _: Tags) -> Question:
    filters = {"vpc-id": text(inputs, "vpcId"), "cidr-block": text(inputs, "cidrBlock")}
    return ec2("describe_subnets", "Subnets", "SubnetId", filters)


def _internet_gateway(_: Inputs, tags: Tags) -> Question:
    return ec2("describe_internet_gateways", "InternetGateways", "InternetGatewayId", {}, tags=tags)


def _address(_: Inputs, tags: Tags) -> Question:
    return ec2("describe_addresses", "Addresses", "AllocationId", {}, tags=tags)


def _nat_gateway(inputs: Inputs, _: Tags) -> Question:
    return ec2(
        "describe_nat_gateways",
        "NatGateways",
        "NatGatewayId",
        {"subnet-id": text(inputs, "subnetId")},
        parameter="Filter",
        values={"State": ("pending", "available")},
    )


def _route_table(inputs: Inputs, tags: Tags) -> Question:
    filters = {"vpc-id": text(inputs, "vpcId")}
    return ec2("describe_route_tables", "RouteTables", "RouteTableId", filters, tags=tags)


def _route_table_association(inputs: Inputs, _: Tags) -> Question:
    """Return a question although the import id follows: the importer fails where the association is not there."""
    subnet, table = text(inputs, "subnetId"), text(inputs, "routeTableId")
    return ec2(
        "describe_route_tables",
        "RouteTables",
        "RouteTableAssociationId",
        {"association.subnet-id": subnet, "route-table-id": table},
        part="Associations",
        values={"RouteTableId": (table,), "SubnetId": (subnet,)},
        import_id=f"{subnet}/{table}",
    )


def _vpc_endpoint(inputs: Inputs, _: Tags) -> Question:
    filters = {"vpc-id": text(inputs, "vpcId"), "service-name": text(inputs, "serviceName")}
    states = ("available", "Available", "pending", "Pending")
    return ec2("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", filters, values={"State": states})


def _launch_template(inputs: Inputs, _: Tags) -> Question:
    filters = {"launch-template-name": text(inputs, "name")}
    return ec2("describe_launch_templates", "LaunchTemplates", "LaunchTemplateId", filters)


def _key(inputs: Inputs, tags: Tags) -> Question:
    """Return a question by tags and description: a key has no name, and two keys of this program differ in that text.

    The tagging API is the shorter way for a person. Its index follows AWS with a delay, and "none" must not be late.
    """
    filters = (f"Key={key},Values={value}" for key, value in sorted(tags.items()))
    return Question(
        service="kms",
        operation="list_keys",
        parameters={},
        items="Keys",
        id="KeyId",
        values={"Description": (text(inputs, "description"),), "KeyState": ("Enabled",)},
        tags=tags,
        details=(
            Detail(operation="describe_key", parameter="KeyId", answer="KeyMetadata"),
            # AWS refuses the tags of its own keys; what the description excludes is not asked.
            Detail(operation="list_resource_tags", parameter="KeyId", answer="Tags"),
        ),
        by_hand=shlex.join([*_TAGGED, "--resource-type-filters", "kms:key", "--tag-filters", *filters]),
    )


def _pod_identity(inputs: Inputs, _: Tags) -> Question:
    cluster = text(inputs, "clusterName")
    return Question(
        service="eks",
        operation="list_pod_identity_associations",
        parameters={
            "clusterName": cluster,
            "namespace": text(inputs, "namespace"),
            "serviceAccount": text(inputs, "serviceAccount"),
        },
        items="associations",
        id="associationId",
        import_id=f"{cluster},{{id}}",
    )


_TAGGED: Final = ("aws", "resourcegroupstaggingapi", "get-resources")

HELM_RELEASE: Final = "kubernetes:helm.sh/v3:Release"

IDENTITIES: Final[Mapping[str, Identity]] = {
    "aws:ec2/eip:Eip": FromAws(_address),
    "aws:ec2/internetGateway:InternetGateway": FromAws(_internet_gateway),
    "aws:ec2/launchTemplate:LaunchTemplate": FromAws(_launch_template),
    "aws:ec2/natGateway:NatGateway": FromAws(_nat_gateway),
    "aws:ec2/route:Route": FromInputs(_route),
    "aws:ec2/routeTable:RouteTable": FromAws(_route_table),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": FromAws(_route_table_association),
    "aws:ec2/subnet:Subnet": FromAws(_subnet),
    "aws:ec2/vpc:Vpc": FromAws(_vpc),
    "aws:ec2/vpcEndpoint:VpcEndpoint": FromAws(_vpc_endpoint),
    "aws:eks/addon:Addon": FromInputs(_joined(":", "clusterName", "addonName")),
    "aws:eks/cluster:Cluster": FromInputs(_joined("", "name")),
    "aws:eks/nodeGroup:NodeGroup": FromInputs(_joined(":", "clusterName", "nodeGroupName")),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": FromAws(_pod_identity),
    "aws:iam/role:Role": FromInputs(_joined("", "name")),
    "aws:iam/rolePolicy:RolePolicy": FromInputs(_joined(":", "role", "name")),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": FromInputs(_joined("/", "role", "policyArn")),
    "aws:kms/key:Key": FromAws(_key),
    "aws:s3/bucket:Bucket": FromInputs(_joined("", "bucket")),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": FromInputs(_bucket_setting),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": FromInputs(_joined("", "bucket")),
    "aws:s3/bucketPolicy:BucketPolicy": FromInputs(_joined("", "bucket")),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": FromInputs(_joined("", "bucket")),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": FromInputs(
        _bucket_setting
    ),
    "aws:s3/bucketVersioning:BucketVersioning": FromInputs(_bucket_setting),
    "slipway:index:ModelArtifact": FromInputs(_joined("/", "bucket", "digest")),
    "slipway:index:ThinArchive": FromInputs(_joined("/", "bucket", "digest")),
}
"""Type → how its id follows. A test fails when the program declares a type that is not here."""
