"""Pulumi components, one a file."""

from components.cluster import Cluster, ClusterArgs
from components.model_bucket import ModelBucket, ModelBucketArgs
from components.network import Network, NetworkArgs
from components.node_pools import GpuNodePools, GpuNodePoolsArgs
from components.torchserve_stack import TorchServeStack, TorchServeStackArgs

__all__ = [
    "Cluster",
    "ClusterArgs",
    "GpuNodePools",
    "GpuNodePoolsArgs",
    "ModelBucket",
    "ModelBucketArgs",
    "Network",
    "NetworkArgs",
    "TorchServeStack",
    "TorchServeStackArgs",
]
