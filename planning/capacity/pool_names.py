"""What pools are called, and how pods and nodes name one."""

import re
from typing import Final

POOL_LABEL: Final = "slipway.dev/pool"
SHARE_LABEL: Final = "slipway.dev/gpu-share"
"""On nodes whose GPUs are divided: into what."""
GPU_TAINT_KEY: Final = "nvidia.com/gpu"


def pool_name(role: str, instance_type_name: str) -> str:
    """("gpu", "g4dn.xlarge") → "gpu-g4dn-xlarge"; ("gpu", "p4d.24xlarge/mig-3g.20gb") → "gpu-p4d-24xlarge-mig-3g-20gb".

    Another instance type is another pool, since EKS cannot change the type of a node group: the new one is
    there before the old one goes.
    """
    return re.sub(r"[./]", "-", f"{role}-{instance_type_name}")
