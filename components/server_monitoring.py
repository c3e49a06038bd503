"""What is watched of one server: a PodMonitor and its first alerts.

Both lie beside the server, so that they come and go with it. The trap: their kinds exist only once the operator's
definitions do, which a platform in another stack has installed and one in this stack must be waited for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from planning import Server
from planning.observability import SERVER_LABEL, pod_monitor_spec, prometheus_rule_spec

_API_VERSION = "monitoring.coreos.com/v1"


@dataclass(frozen=True, kw_only=True)
class ServerMonitoringArgs:
    """The server, and where its pods run."""

    server: Server
    namespace: str
    after: Sequence[pulumi.Resource] = ()
    """What must exist first: the namespace, and the definitions of both kinds."""


class ServerMonitoring(pulumi.ComponentResource):
    """A PodMonitor and a PrometheusRule."""

    def __init__(
        self, name: str, args: ServerMonitoringArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slipway:monitoring:ServerMonitoring", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, depends_on=list(args.after))
        metadata = k8s.meta.v1.ObjectMetaArgs(
            namespace=args.namespace,
            labels={
                "app.kubernetes.io/managed-by": "pulumi",
                "app.kubernetes.io/part-of": "slipway",
                SERVER_LABEL: args.server.name,
            },
        )
        k8s.apiextensions.CustomResource(
            f"{name}-pods",
            api_version=_API_VERSION,
            kind="PodMonitor",
            metadata=metadata,
            spec=pod_monitor_spec(args.server),
            opts=child,
        )
        k8s.apiextensions.CustomResource(
            f"{name}-alerts",
            api_version=_API_VERSION,
            kind="PrometheusRule",
            metadata=metadata,
            spec=prometheus_rule_spec(args.server, args.namespace),
            opts=child,
        )
        self.register_outputs({})
