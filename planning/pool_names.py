"""What pools are called, and how pods and nodes name one."""

from typing import Final

POOL_LABEL: Final = "slipway.dev/pool"
GPU_TAINT_KEY: Final = "nvidia.com/gpu"


def pool_name(role: str, instance_type_name: str) -> str:
    """("gpu", "g4dn.xlarge") → "gpu-g4dn-xlarge".

    Another instance type is another pool, since EKS cannot change the type of a node group: the new one is
    there before the old one goes.
    """
    return f"{role}-{instance_type_name.replace('.', '-')}"
