"""Pulumi components, one a file."""

from components.cluster import Cluster, ClusterArgs
from components.model_bucket import ModelBucket, ModelBucketArgs
from components.monitoring import Monitoring, MonitoringArgs
from components.namespace_policies import deny_all
from components.network import Network, NetworkArgs
from components.node_pools import GpuNodePools, GpuNodePoolsArgs
from components.workload import ServerMonitoring, ServerMonitoringArgs, Workload, WorkloadArgs
from components.workload_identity import WorkloadSite

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
    "Workload",
    "WorkloadArgs",
    "WorkloadSite",
    "deny_all",
]
