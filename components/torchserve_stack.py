"""One TorchServe server of a plan: its identity, its configuration, its pods, and who may talk to it.

Two ConfigMaps. That of TorchServe is named by Pulumi and immutable: a change makes a new one, and the Deployment, which
refers to it by name, rolls. That of the agent has a fixed name and is changed in place: the agent watches it, and no
pod is replaced (docs/decisions/0020-one-configmap-changes-in-place.md).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components.server_deployment import PodTemplate, deploy
from components.server_identity import ServerSite, make_identity, server_labels
from components.server_pod import without_credentials
from components.torchserve_access import grant_access
from components.torchserve_files import CONFIG_FILE, MODELS_FILE, config_properties, models_name
from components.torchserve_pod import CONTAINER, pod_spec
from planning import TorchServePlan

LOADING: Final = timedelta(minutes=45)
"""Until a rollout counts as failed, beyond the pull of an image: for weights to be fetched and workers to start.
Chosen. A constant, as a bound made of its models would change the Deployment with each of them; a version that does not
load holds up no pod anyway."""
OVERRIDES_ANNOTATION: Final = "slipway.dev/overrides"
"""On pods: a hash of what a running TorchServe cannot take, so that it takes effect by a rollout."""


@dataclass(frozen=True, kw_only=True)
class TorchServeStackArgs:
    """The server, what it serves, and the platform it stands on."""

    server: TorchServePlan
    models: str
    """The agent's configuration, as `artifacts.planned` makes it."""
    site: ServerSite
    artifacts: Sequence[pulumi.Resource] = ()
    """The files that `models` names: there before the agent is told of them."""


class TorchServeStack(pulumi.ComponentResource):
    """One TorchServe server."""

    url: pulumi.Output[str]
    """Base URL inside the cluster; the plan's paths go behind it."""

    def __init__(
        self, name: str, args: TorchServeStackArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slipway:serving:TorchServeStack", name, None, opts)
        server, site = args.server, args.site
        identity = make_identity(self, name, server, site)
        config = k8s.core.v1.ConfigMap(
            f"{name}-config",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=site.namespace, labels=server_labels(server)),
            immutable=True,
            data={CONFIG_FILE: config_properties(server)},
            opts=pulumi.ResourceOptions(parent=self),
        )
        models = k8s.core.v1.ConfigMap(
            f"{name}-models",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=models_name(server), namespace=site.namespace, labels=server_labels(server)
            ),
            data={MODELS_FILE: args.models},
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.artifacts)),
        )
        access = grant_access(
            self, name, server, site, account=identity.account, config_map=models_name(server)
        )
        pod = pod_spec(
            server,
            config=config.metadata.name,
            models=models_name(server),
            service_account=identity.account,
            bucket=site.bucket_name,
            region=site.region,
        )
        template = PodTemplate(
            spec=pod, loading=LOADING, annotations=_annotations(server), after=(models, access)
        )
        self.url = deploy(self, name, server, site, identity, template)
        self.register_outputs({"url": self.url})


def _annotations(server: TorchServePlan) -> Mapping[str, str]:
    """The agent alone gets credentials: archives bring code of their own."""
    if not server.fixed_overrides:
        return without_credentials(CONTAINER)
    text = "\n".join(server.fixed_overrides)
    return {
        **without_credentials(CONTAINER),
        OVERRIDES_ANNOTATION: hashlib.sha256(text.encode()).hexdigest()[:12],
    }
