"""Every resource type that is emulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sandbox.aws import (
    ec2,
    ec2_endpoints,
    ec2_gateways,
    ec2_routes,
    ec2_security,
    ec2_templates,
    ecr,
    eks,
    eks_access,
    eks_nodes,
    iam,
    kms,
    s3,
    s3_settings,
)
from sandbox.aws.table import Kind

_MODULES: Final = (
    ec2,
    ec2_endpoints,
    ec2_gateways,
    ec2_routes,
    ec2_security,
    ec2_templates,
    ecr,
    eks,
    eks_access,
    eks_nodes,
    iam,
    kms,
    s3,
    s3_settings,
)

KINDS: Final[Mapping[str, Kind]] = {kind.token: kind for module in _MODULES for kind in module.KINDS}
