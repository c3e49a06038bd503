"""One TorchServe server of a plan: its identity, its configuration, its pods, and who may talk to it.

The ConfigMap is named by Pulumi, so a change of configuration makes a new one, and the Deployment, which refers
to it by name, rolls.
"""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.server_deployment import deploy
from components.server_identity import ServerSite, make_identity, server_labels
from components.torchserve_files import mounted_files
from components.torchserve_pod import pod_spec
from planning import TorchServePlan


@dataclass(frozen=True, kw_only=True)
class TorchServeStackArgs:
    """The server, and the platform it stands on."""

    server: TorchServePlan
    site: ServerSite


class TorchServeStack(pulumi.ComponentResource):
    """One TorchServe server."""

    url: pulumi.Output[str]
    """Base URL inside the cluster; the plan's paths go behind it."""

    def __init__(
        self, name: str, args: TorchServeStackArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slipway:serving:TorchServeStack", name, None, opts)
        identity = make_identity(self, name, args.server, args.site)
        config = k8s.core.v1.ConfigMap(
            f"{name}-config",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                namespace=args.site.namespace, labels=server_labels(args.server)
            ),
            immutable=True,
            data=mounted_files(args.server),
            opts=pulumi.ResourceOptions(parent=self),
        )
        pod = pod_spec(
            args.server,
            config_map=config.metadata.name,
            service_account=identity.account,
            bucket=args.site.bucket_name,
            region=args.site.region,
        )
        self.url = deploy(self, name, args.server, args.site, identity, pod)
        self.register_outputs({"url": self.url})
