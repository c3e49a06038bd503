"""Each kind of resource in the stack, edited and then deleted behind Pulumi's back: seen, and mended."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import requests

from sandbox.aws.recorded import RECORDED_ONLY, Records
from sandbox.inspection import Inspection
from tests.engine import crashes
from tests.engine.clones import Clone, new_clone

pytestmark = pytest.mark.engine

State = dict[str, dict[str, Any]]
"""URN → resource."""

Edit = Callable[[Clone, dict[str, Any]], object]
"""Changes the object behind a resource of the state."""

OPEN_TRUST: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
OPEN_POLICY: Final = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)

NAMESPACE: Final = "kubernetes:core/v1:Namespace"

NOTHING_TO_EDIT: Final = {
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "is there or is not; it has no property of its own",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "to associate anew is to delete and create",
    "kubernetes:helm.sh/v3:Release": "recorded only: the record keeps a digest of the values, not the values",
}
"""Kinds whose edit cannot be seen, and why. Their deletion is."""


def _ec2(operation: str, **arguments: Any) -> Edit:
    """A call with the resource's id in the place of ``ID``."""

    def edit(clone: Clone, resource: dict[str, Any]) -> object:
        filled = {
            key: resource["id"] if value == "ID" else [resource["id"]] if value == ["ID"] else value
            for key, value in arguments.items()
        }
        return getattr(clone.aws("ec2"), operation)(**filled)

    return edit


_RETAG: Final = _ec2("create_tags", Resources=["ID"], Tags=[{"Key": "Name", "Value": "edited"}])


def _s3(operation: str, **arguments: Any) -> Edit:
    return lambda clone, resource: getattr(clone.aws("s3"), operation)(
        Bucket=resource["outputs"]["bucket"], **arguments
    )


def _retag_bucket(clone: Clone, resource: dict[str, Any]) -> object:
    s3, bucket = clone.aws("s3"), resource["id"]
    tags = [*s3.get_bucket_tagging(Bucket=bucket)["TagSet"], {"Key": "edited", "Value": "yes"}]
    return s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})


def _put_role_policy(clone: Clone, resource: dict[str, Any]) -> object:
    role, _, name = resource["id"].partition(":")
    return clone.aws("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=OPEN_POLICY)


def _reroute(clone: Clone, resource: dict[str, Any]) -> object:
    ec2, inputs = clone.aws("ec2"), resource["inputs"]
    tables = ec2.describe_route_tables(RouteTableIds=[inputs["routeTableId"]])["RouteTables"]
    within = [{"Name": "vpc-id", "Values": [tables[0]["VpcId"]]}]
    subnet = ec2.describe_subnets(Filters=within)["Subnets"][0]["SubnetId"]
    card = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    return ec2.replace_route(
        RouteTableId=inputs["routeTableId"],
        DestinationCidrBlock=inputs["destinationCidrBlock"],
        NetworkInterfaceId=card,
    )


def _scale_nodes(clone: Clone, resource: dict[str, Any]) -> object:
    cluster, _, group = resource["id"].partition(":")
    scaling = resource["inputs"]["scalingConfig"]
    return clone.aws("eks").update_nodegroup_config(
        clusterName=cluster,
        nodegroupName=group,
        scalingConfig={
            **scaling,
            "desiredSize": scaling["desiredSize"] + 1,
            "maxSize": scaling["maxSize"] + 1,
        },
    )


def _records(clone: Clone) -> Records:
    return Records(clone.sandbox.paths.root / "recorded")


def _edit_record(property_: str, value: object, *, part: str = "inputs") -> Edit:
    def edit(clone: Clone, resource: dict[str, Any]) -> None:
        records = _records(clone)
        record = records.get(resource["type"], resource["id"])
        assert record is not None
        changed = {property_: value}
        edited = {part: {**record[part], **changed}} if part else changed
        records.put(resource["type"], resource["id"], {**record, **edited})

    return edit


AWS_EDITS: Final[dict[str, Edit]] = {
    "aws:ec2/eip:Eip": _RETAG,
    "aws:ec2/internetGateway:InternetGateway": _RETAG,
    "aws:ec2/natGateway:NatGateway": _RETAG,
    "aws:ec2/route:Route": _reroute,
    "aws:ec2/routeTable:RouteTable": _RETAG,
    "aws:ec2/securityGroup:SecurityGroup": _RETAG,
    "aws:ec2/subnet:Subnet": _ec2(
        "modify_subnet_attribute", SubnetId="ID", MapPublicIpOnLaunch={"Value": True}
    ),
    "aws:ec2/vpc:Vpc": _ec2("modify_vpc_attribute", VpcId="ID", EnableDnsHostnames={"Value": False}),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _RETAG,
    "aws:eks/addon:Addon": _edit_record("edited", "yes", part="tags"),
    "aws:eks/cluster:Cluster": _edit_record("version", "1.34", part=""),
    "aws:eks/nodeGroup:NodeGroup": _scale_nodes,
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": _edit_record("edited", "yes", part="tags"),
    "aws:iam/role:Role": lambda clone, resource: clone.aws("iam").update_role(
        RoleName=resource["id"], Description="edited", MaxSessionDuration=7200
    ),
    "aws:iam/rolePolicy:RolePolicy": _put_role_policy,
    "aws:kms/key:Key": lambda clone, resource: clone.aws("kms").update_key_description(
        KeyId=resource["id"], Description="edited"
    ),
    "aws:s3/bucket:Bucket": _retag_bucket,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _s3(
        "put_bucket_lifecycle_configuration",
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "expire-superseded",
                    "Status": "Disabled",
                    "Filter": {"Prefix": ""},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
                }
            ]
        },
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _s3(
        "put_bucket_ownership_controls",
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _edit_record("policy", OPEN_POLICY),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _s3(
        "put_public_access_block",
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": False,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _s3(
        "put_bucket_encryption",
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _s3(
        "put_bucket_versioning", VersioningConfiguration={"Status": "Suspended"}
    ),
}


@pytest.fixture(scope="module", name="clone")
def _clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    clone = new_clone(tmp_path_factory.mktemp("drift"))
    try:
        clone.slipway("sandbox", "up").ok()
        yield clone
    finally:
        clone.sandbox.stop()


def _state(clone: Clone) -> State:
    return {
        r["urn"]: r for r in clone.state()["resources"] if r.get("custom") and "providers" not in r["type"]
    }


def _one_of_each(state: State) -> dict[str, dict[str, Any]]:
    """Type → its first resource."""
    found: dict[str, dict[str, Any]] = {}
    for resource in state.values():
        found.setdefault(resource["type"], resource)
    return found


def _refresh(clone: Clone) -> State:
    clone.pulumi("refresh", "--stack sandbox --yes --skip-preview").ok()
    return _state(clone)


def _path(clone: Clone, resource: dict[str, Any]) -> str:
    """URL path of a Kubernetes resource's object."""
    outputs = resource["outputs"]
    version, kind = outputs["apiVersion"], outputs["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    listing = Inspection(clone.sandbox).request("GET", root)["resources"]
    plural = next(entry["name"] for entry in listing if entry["kind"] == kind and "/" not in entry["name"])
    namespace, _, name = resource["id"].rpartition("/")
    return f"{root}/namespaces/{namespace}/{plural}/{name}" if namespace else f"{root}/{plural}/{name}"


def _edit_object(clone: Clone, resource: dict[str, Any]) -> None:
    """The labels that the program sets are taken away: every kind has some."""
    labels = resource["inputs"]["metadata"].get("labels") or {}
    assert labels, f"{resource['urn']} has no label of the program; give the kind an edit of its own"
    change = {"metadata": {"labels": dict.fromkeys(labels, None)}}
    Inspection(clone.sandbox).request("PATCH", _path(clone, resource), change)


def test_an_edit_of_each_kind_is_seen_by_refresh_and_mended_by_up(clone: Clone) -> None:
    before = _state(clone)
    kinds = _one_of_each(before)
    unknown = [k for k in kinds if k.startswith("aws:") and k not in AWS_EDITS and k not in NOTHING_TO_EDIT]
    assert unknown == [], "a new kind of resource needs an edit here"
    edited = {type_: resource for type_, resource in kinds.items() if type_ not in NOTHING_TO_EDIT}
    for type_, resource in edited.items():
        AWS_EDITS.get(type_, _edit_object)(clone, resource)
    seen = _refresh(clone)
    changed = {
        type_
        for type_, r in edited.items()
        if seen.get(r["urn"], {}).get("inputs") != before[r["urn"]]["inputs"]
    }
    assert set(edited) - changed == set(), "refresh did not see these"
    clone.slipway("sandbox", "up").ok()
    assert clone.steps("--refresh") == {}
    after = _state(clone)
    left = {t for t, r in edited.items() if after[r["urn"]]["inputs"] != before[r["urn"]]["inputs"]}
    assert left == set(), "up did not mend these"


def _delete_objects(clone: Clone, kinds: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Deletes the first object of each Kubernetes kind; namespaces go with the cluster, in a test of its own."""
    inspection = Inspection(clone.sandbox)
    gone = {t: r for t, r in kinds.items() if t.startswith("kubernetes:") and t != NAMESPACE}
    for type_, resource in gone.items():
        if type_ == "kubernetes:helm.sh/v3:Release":
            namespace, _, name = resource["id"].partition("/")
            path = f"/api/v1/namespaces/{namespace}/configmaps/helm-release-{name}"
        else:
            path = _path(clone, resource)
        inspection.request("DELETE", path)
    return gone


def test_a_deletion_of_each_kind_is_seen_by_refresh_and_mended_by_up(clone: Clone) -> None:
    kinds = _one_of_each(_state(clone))
    iam, ec2, s3, eks = (clone.aws(service) for service in ("iam", "ec2", "s3", "eks"))

    def bucket(call: str) -> Callable[[dict[str, Any]], object]:
        return lambda r: getattr(s3, call)(Bucket=r["outputs"]["bucket"])

    deletions: dict[str, Callable[[dict[str, Any]], object]] = {
        "aws:ec2/route:Route": lambda r: ec2.delete_route(
            RouteTableId=r["inputs"]["routeTableId"], DestinationCidrBlock=r["inputs"]["destinationCidrBlock"]
        ),
        "aws:ec2/routeTableAssociation:RouteTableAssociation": lambda r: ec2.disassociate_route_table(
            AssociationId=r["id"]
        ),
        "aws:ec2/vpcEndpoint:VpcEndpoint": lambda r: ec2.delete_vpc_endpoints(VpcEndpointIds=[r["id"]]),
        "aws:eks/nodeGroup:NodeGroup": lambda r: eks.delete_nodegroup(
            clusterName=r["id"].partition(":")[0], nodegroupName=r["id"].partition(":")[2]
        ),
        "aws:iam/rolePolicy:RolePolicy": lambda r: iam.delete_role_policy(
            RoleName=r["id"].partition(":")[0], PolicyName=r["id"].partition(":")[2]
        ),
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": lambda r: iam.detach_role_policy(
            RoleName=r["inputs"]["role"], PolicyArn=r["inputs"]["policyArn"]
        ),
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": bucket("delete_bucket_lifecycle"),
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls": bucket("delete_bucket_ownership_controls"),
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": bucket("delete_public_access_block"),
        **{
            token: lambda r: _records(clone).remove(r["type"], r["id"])
            for token in RECORDED_ONLY
            if " " not in token
        },
    }
    gone = _delete_objects(clone, kinds)
    for type_ in deletions.keys() & kinds.keys():
        deletions[type_](kinds[type_])
        gone[type_] = kinds[type_]
    _assert_gone_and_mended(clone, gone)


def test_an_account_that_somebody_emptied_is_built_anew_with_a_new_cluster_and_all_in_it(
    clone: Clone,
) -> None:
    """Deletes every kind that others hang on: network, cluster, namespaces, roles, keys, bucket."""
    kinds = _one_of_each(_state(clone))
    requests.post(f"{clone.sandbox.endpoints().aws_url}/moto-api/reset", timeout=30).raise_for_status()
    shutil.rmtree(clone.sandbox.paths.root / "recorded")
    _assert_gone_and_mended(clone, kinds)


def _assert_gone_and_mended(clone: Clone, gone: dict[str, dict[str, Any]]) -> None:
    seen = _refresh(clone)
    # A setting that a bucket cannot be without is seen as changed.
    unseen = {t for t, r in gone.items() if seen.get(r["urn"], {}).get("inputs") == r["inputs"]}
    assert unseen == set(), "refresh did not see these"
    ran = clone.slipway("sandbox", "up")
    assert str(crashes.check(clone, ran)) == "converged"
