"""What EKS resources ask of each other, and of IAM and EC2; moto itself would take any name."""

from __future__ import annotations

import json
from typing import Any, Final

from sandbox.aws.calls import AwsError, Call

TOKEN: Final = "aws:eks/cluster:Cluster"  # noqa: S105 (a type token)

VERSIONS: Final = ("1.31", "1.32", "1.33", "1.34", "1.35", "1.36")
"""In standard or extended support in November 2026: https://endoflife.date/amazon-eks gives 1.31's end as
2026-11-26 and 1.30's as 2026-07-23; https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html
names 1.36 as the newest."""

RECORDED: Final = (
    "accessConfig",
    "bootstrapSelfManagedAddons",
    "deletionProtection",
    "upgradePolicy",
    "version",
    "zonalShiftConfig",
)
"""Properties of a cluster that moto drops."""


def cluster_of(call: Call, name: str) -> dict[str, Any]:
    """A cluster's description with what moto drops.

    Raises:
        AwsError: there is no such cluster.
    """
    cluster = call.aws("eks", "describe_cluster", name=name)["cluster"]
    record = call.records.get(TOKEN, name) or {}
    return {
        **cluster,
        **{key: value for key, value in record.items() if key in RECORDED and value is not None},
    }


def assumable_by(call: Call, role_arn: str, service: str) -> None:
    """Fails when a role does not exist or does not trust a service.

    Raises:
        AwsError: as EKS says it; moto itself would take any name.
    """
    role = call.aws("iam", "get_role", RoleName=role_arn.rpartition("/")[2])["Role"]
    if service not in json.dumps(role["AssumeRolePolicyDocument"]):
        raise AwsError(
            "eks",
            "Create",
            "InvalidParameterException",
            f"the role {role_arn} could not be assumed because its trust policy does not name {service}",
        )


def zones_of(call: Call, subnets: list[str]) -> set[str]:
    """The availability zones of subnets, which must exist."""
    found = call.aws("ec2", "describe_subnets", SubnetIds=subnets)["Subnets"]
    return {subnet["AvailabilityZone"] for subnet in found}
