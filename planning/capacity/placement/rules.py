"""What holds for every server of a placement, whatever is in it."""

from dataclasses import dataclass
from typing import Final

from planning.capacity.resources import torchserve_resources
from quantities import Bytes

_NOTHING: Final = Bytes(0)
_EMPTY_SERVER: Final = torchserve_resources((), gpus=0)


@dataclass(frozen=True, kw_only=True)
class PlacementRules:
    """Defaults are chosen; docs/placement.md says why."""

    max_models_per_server: int = 25
    """The failure domain: so many variants are away at most while one server of theirs restarts."""
    server_millicores: int = _EMPTY_SERVER.millicores
    """Of a TorchServe server before its first model."""
    server_memory: Bytes = _EMPTY_SERVER.memory
    """On the host."""
    server_gpu_memory: Bytes = _NOTHING
    """TorchServe's frontend is a Java process that opens no GPU; each worker's CUDA context is the worker's."""
    spare_nodes_percent: int = 25
    """Nodes that an autoscaler may add to a pool, rounded up to a whole node."""
