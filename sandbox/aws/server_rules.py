"""The rules of AWS itself that moto lacks, by resource type and moment.

A rule that one look at the account decides is a ``refuse`` row of the type's table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from plugin_server.values import Properties
from sandbox.aws import bottlerocket, cluster_contents, nodes
from sandbox.aws.account import Account, AwsError
from sandbox.aws.capacity import Machine
from sandbox.aws.conversions import Context
from sandbox.aws.limits import KUBERNETES_VERSIONS, policy_size
from sandbox.aws.recorded import WHOLE

READY_SECONDS: Final = 120.0
"""The seconds that a create waits for the local API server, which itself starts in seconds."""

_CLUSTER: Final = "aws:eks/cluster:Cluster"
_GROUP: Final = "aws:eks/nodeGroup:NodeGroup"
_GROUP_TAG: Final = "slipway.dev/cluster-security-group-of"
_NODE_POLICY: Final = "AmazonEKSWorkerNodePolicy"
_INLINE_CHARACTERS: Final = 10240

Rule = Callable[[Account, Context], object]


def _require_role(account: Account, role_arn: str, service: str) -> None:
    """Fail unless a role exists and trusts a service."""
    role = account.aws("iam", "GetRole", RoleName=role_arn.rpartition("/")[2])["Role"]
    if service not in json.dumps(role["AssumeRolePolicyDocument"]):
        raise AwsError(
            "eks",
            "Create",
            "InvalidParameterException",
            f"the role {role_arn} could not be assumed because its trust policy does not name {service}",
        )


def _zones(account: Account, subnets: list[str]) -> set[str]:
    """The availability zones of subnets, which must exist."""
    found = account.aws("ec2", "DescribeSubnets", SubnetIds=subnets)["Subnets"]
    return {subnet["AvailabilityZone"] for subnet in found}


def _before_cluster(account: Account, context: Context) -> None:
    _require_role(account, context.inputs["roleArn"], "eks.amazonaws.com")
    if len(_zones(account, context.inputs["vpcConfig"]["subnetIds"])) < 2:
        message = "Subnets specified must be in at least two different AZs"
        raise AwsError("eks", "CreateCluster", "InvalidParameterException", message)
    cluster = account.cluster()
    account.status("waiting for the local API server")
    cluster.await_ready(account.timeout or READY_SECONDS, account.wait, account.status)
    if not account.aws("eks", "ListClusters")["clusters"]:
        cluster_contents.clear(cluster, account.wait, account.status)


def _make_security_group(account: Account, context: Context) -> None:
    """Make the group that EKS makes for the cluster's own traffic."""
    subnets = context.inputs["vpcConfig"]["subnetIds"]
    vpc = account.aws("ec2", "DescribeSubnets", SubnetIds=subnets[:1])["Subnets"][0]["VpcId"]
    tags = [{"Key": _GROUP_TAG, "Value": context.id}]
    account.aws(
        "ec2",
        "CreateSecurityGroup",
        GroupName=f"eks-cluster-sg-{context.id}",
        Description="EKS created security group applied to ENI attached to the control plane",
        VpcId=vpc,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )


def _record_default_version(account: Account, context: Context) -> None:
    record = account.records.get(_CLUSTER, context.id) or {}
    account.records.put(_CLUSTER, context.id, {"version": KUBERNETES_VERSIONS[-1], **record})


def _security_group(account: Account, name: str) -> dict[str, Any]:
    filters = [{"Name": f"tag:{_GROUP_TAG}", "Values": [name]}]
    found = account.aws("ec2", "DescribeSecurityGroups", Filters=filters)["SecurityGroups"]
    return dict(found[0]) if found else {}


def _serve_locally(account: Account, context: Context, observed: Properties) -> None:
    """Put the local API server in the place of the cluster's endpoint."""
    local, group, cluster = account.cluster(), _security_group(account, context.id), observed["cluster"]
    cluster["endpoint"], cluster["certificateAuthority"] = local.server, {"data": local.authority}
    cluster["resourcesVpcConfig"] |= {
        "clusterSecurityGroupId": group.get("GroupId"),
        "vpcId": group.get("VpcId"),
    }


def _one_version_up(account: Account, context: Context) -> None:
    before = (account.records.get(_CLUSTER, context.id) or {}).get("version")
    after = context.inputs.get("version")
    if None in (before, after) or before == after or before not in KUBERNETES_VERSIONS:
        return
    if KUBERNETES_VERSIONS.index(after) - KUBERNETES_VERSIONS.index(before) != 1:
        raise AwsError(
            "eks",
            "UpdateClusterVersion",
            "InvalidParameterException",
            f"Unsupported Kubernetes minor version update from {before} to {after}: one minor at a time",
        )


def _after_cluster_delete(account: Account, context: Context) -> None:
    """Remove what EKS deletes together with a cluster."""
    group = _security_group(account, context.id)
    if group:
        account.find("ec2", "DeleteSecurityGroup", GroupId=group["GroupId"])
    for token in WHOLE:
        for record in list(account.records.all(token)):
            if record.get("clusterName") == context.id:
                account.records.remove(token, record["id"])


def _before_group(account: Account, context: Context) -> None:
    inputs = context.inputs
    account.aws("eks", "DescribeCluster", name=inputs["clusterName"])
    _require_role(account, inputs["nodeRoleArn"], "ec2.amazonaws.com")
    _zones(account, inputs["subnetIds"])
    _require_machines(account, inputs)
    _require_user_data(account, context)
    role = inputs["nodeRoleArn"].rpartition("/")[2]
    attached = account.pages("iam", "ListAttachedRolePolicies", "AttachedPolicies", RoleName=role)
    if not any(policy["PolicyName"] == _NODE_POLICY for policy in attached):
        account.warn(
            f"the node role {role} has no {_NODE_POLICY} (yet): in AWS its nodes would not join the cluster "
            "(NodeCreationFailure). Attach it, and let the node group depend on the attachment"
        )


def _require_machines(account: Account, inputs: Properties) -> None:
    """Fail where an instance type has another architecture than the AMI; EKS does not compare GPUs."""
    ami, types = inputs["amiType"], inputs["instanceTypes"]
    described = account.aws("ec2", "DescribeInstanceTypes", InstanceTypes=types)["InstanceTypes"]
    for machine in map(Machine.of_description, described):
        if machine.architecture != ("arm64" if "_ARM_64" in ami else "amd64"):
            message = f"[{machine.instance_type}] is not a valid instance type for requested amiType {ami}"
            raise AwsError("eks", "CreateNodegroup", "InvalidParameterException", message)
        if "_NVIDIA" in ami and not machine.gpus:
            account.warn(f"{ami} is for GPUs and {machine.instance_type} has none; EKS does not compare them")
        elif machine.gpus and "_NVIDIA" not in ami:
            account.warn(
                f"{machine.instance_type} has GPUs and {ami} no driver for them: no pod will see a GPU"
            )


def _require_user_data(account: Account, context: Context) -> None:
    """Fail where a template's version does not exist, or EKS cannot merge its user data with its own."""
    reference = context.inputs.get("launchTemplate")
    if reference is None:
        return
    try:
        bottlerocket.parse(
            bottlerocket.template_version(account, reference)["LaunchTemplateData"].get("UserData")
        )
    except bottlerocket.UserDataError as error:
        raise AwsError("eks", "CreateNodegroup", "InvalidRequestException", str(error)) from error


def _record_version(account: Account, context: Context) -> None:
    """Record the version that EKS gives to a new group: its cluster's."""
    cluster = account.records.get(_CLUSTER, context.inputs["clusterName"]) or {}
    present = account.records.get(_GROUP, context.id) or {}
    version = cluster.get("version", KUBERNETES_VERSIONS[-1])
    account.records.put(_GROUP, context.id, {**present, "version": version})


def _reconcile_nodes(account: Account, context: Context) -> int:
    cluster, _, name = context.id.partition(":")
    described = account.aws("eks", "DescribeNodegroup", clusterName=cluster, nodegroupName=name)["nodegroup"]
    record = account.records.get(_GROUP, context.id) or {}
    version = record.get("version", KUBERNETES_VERSIONS[-1])
    return nodes.reconcile(account, nodes.group_of(account, described, version, record.get("launchTemplate")))


def _replace_lost_nodes(account: Account, context: Context, observed: Properties) -> None:
    group = observed["group"]
    try:
        restored = _reconcile_nodes(
            account, _identified(context, f"{group['clusterName']}:{group['nodegroupName']}")
        )
    except AwsError as error:
        if not error.is_absence:
            raise
        account.warn(
            f"Ec2LaunchTemplateNotFound: the nodes of {group['nodegroupName']} stay as they are ({error})"
        )
        return
    if restored:
        account.status(f"{restored} missing nodes were replaced, as an auto-scaling group does")


def _identified(context: Context, id_: str) -> Context:
    return Context(inputs=context.inputs, id=id_, region=context.region)


def _remove_nodes(account: Account, context: Context) -> None:
    cluster, _, name = context.id.partition(":")
    nodes.remove_all(account, cluster, name)


def _empty_bucket(account: Account, context: Context) -> None:
    """Empty a bucket where the program says so, as the real provider does; refuse a full one otherwise."""
    name = context.id
    if not context.inputs.get("forceDestroy"):
        listing = account.aws("s3", "ListObjectVersions", Bucket=name, MaxKeys=1)
        if listing.keys() & {"Versions", "DeleteMarkers"}:
            message = f"{name} is not empty; empty it, or set forceDestroy and run `up` before deleting it"
            raise AwsError("s3", "DeleteBucket", "BucketNotEmpty", message)
        return
    if account.aws("s3", "GetBucketVersioning", Bucket=name).get("Status") == "Suspended":
        # moto forgets the id of what is to be deleted while versioning is suspended, and fails at a delete marker.
        account.aws("s3", "PutBucketVersioning", Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for page in (
        account.clients.client("s3", account.region)
        .get_paginator("list_object_versions")
        .paginate(Bucket=name)
    ):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
        if objects:
            account.aws("s3", "DeleteObjects", Bucket=name, Delete={"Objects": objects, "Quiet": True})


def _inline_policies_fit(account: Account, context: Context) -> None:
    role, name, size = context.inputs["role"], context.inputs["name"], policy_size(context.inputs["policy"])
    for other in account.pages("iam", "ListRolePolicies", "PolicyNames", RoleName=role):
        if other != name:
            document = account.aws("iam", "GetRolePolicy", RoleName=role, PolicyName=other)["PolicyDocument"]
            size += policy_size(document if isinstance(document, str) else json.dumps(document))
    if size > _INLINE_CHARACTERS:
        message = f"Maximum policy size of {_INLINE_CHARACTERS} bytes exceeded for role {role}"
        raise AwsError("iam", "PutRolePolicy", "LimitExceeded", message)


def _pods_assume(account: Account, context: Context) -> None:
    account.aws("eks", "DescribeCluster", name=context.inputs["clusterName"])
    _require_role(account, context.inputs["roleArn"], "pods.eks.amazonaws.com")


BEFORE: Final[Mapping[tuple[str, str], tuple[Rule, ...]]] = {
    (_CLUSTER, "create"): (_before_cluster,),
    (_CLUSTER, "update"): (_one_version_up,),
    (_GROUP, "create"): (_before_group,),
    (_GROUP, "update"): (_require_user_data,),
    ("aws:eks/podIdentityAssociation:PodIdentityAssociation", "create"): (_pods_assume,),
    ("aws:iam/rolePolicy:RolePolicy", "create"): (_inline_policies_fit,),
    ("aws:iam/rolePolicy:RolePolicy", "update"): (_inline_policies_fit,),
    ("aws:s3/bucket:Bucket", "delete"): (_empty_bucket,),
}
"""Rules that run before the calls of a create, an update or a delete."""

AFTER: Final[Mapping[tuple[str, str], tuple[Rule, ...]]] = {
    (_CLUSTER, "create"): (_make_security_group, _record_default_version),
    (_CLUSTER, "delete"): (_after_cluster_delete,),
    (_GROUP, "create"): (_record_version, _reconcile_nodes),
    (_GROUP, "update"): (_reconcile_nodes,),
    (_GROUP, "delete"): (_remove_nodes,),
}
"""Effects that follow those calls."""

OBSERVED: Final[Mapping[str, Callable[[Account, Context, Properties], object]]] = {
    _CLUSTER: _serve_locally,
    _GROUP: _replace_lost_nodes,
}
"""Changes of what was read, in place."""
