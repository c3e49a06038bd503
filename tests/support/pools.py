"""The nodes that tests of plans and components may have, where they do not ask for others."""

from typing import Final

from planning import PoolSettings

POOLS: Final = PoolSettings(
    region="us-east-1",
    gpu_nodes={"g4dn.xlarge": 4},
    cpu_nodes={"m6i.2xlarge": 4},
    system_instance_type="m6i.large",
    system_nodes=2,
)
