"""Pulumi components, one a file."""

from components.cluster import Cluster, ClusterArgs
from components.model_bucket import ModelBucket, ModelBucketArgs
from components.monitoring import Monitoring, MonitoringArgs
from components.network import Network, NetworkArgs
from components.network_rules import deny_all
from components.node_pools import GpuNodePools, GpuNodePoolsArgs
from components.server_identity import ServerSite
from components.server_monitoring import ServerMonitoring, ServerMonitoringArgs
from components.text_generation_stack import TextGenerationStack, TextGenerationStackArgs
from components.torchserve_files import models_document
from components.torchserve_stack import TorchServeStack, TorchServeStackArgs

__all__ = [
    "Cluster",
    "ClusterArgs",
    "GpuNodePools",
    "GpuNodePoolsArgs",
    "ModelBucket",
    "ModelBucketArgs",
    "Monitoring",
    "MonitoringArgs",
    "Network",
    "NetworkArgs",
    "ServerMonitoring",
    "ServerMonitoringArgs",
    "ServerSite",
    "TextGenerationStack",
    "TextGenerationStackArgs",
    "TorchServeStack",
    "TorchServeStackArgs",
    "deny_all",
    "models_document",
]
