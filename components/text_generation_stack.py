"""One server of a language model: its identity, its pods, and who may talk to it.

Its whole configuration is environment and arguments, so there is no ConfigMap: a changed option changes the
Deployment. A server whose version cannot be served has no pods (planning/unserved.py). The trap: TGI's published image
cannot run as this pod's user (docs/known-limits.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.server_deployment import PodTemplate, deploy
from components.server_identity import ServerSite, make_identity
from components.text_generation_pod import annotations, pod_spec
from planning import TextGenerationPlan


@dataclass(frozen=True, kw_only=True)
class TextGenerationStackArgs:
    """The server, and the platform it stands on."""

    server: TextGenerationPlan
    site: ServerSite
    artifacts: Sequence[pulumi.Resource] = ()
    """The files that its pods fetch: there before the first pod."""


class TextGenerationStack(pulumi.ComponentResource):
    """One server of a language model."""

    url: pulumi.Output[str]
    """Base URL inside the cluster; the plan's paths go behind it."""

    def __init__(
        self, name: str, args: TextGenerationStackArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slipway:serving:TextGenerationStack", name, None, opts)
        identity = make_identity(self, name, args.server, args.site)
        pod = pod_spec(
            args.server,
            service_account=identity.account,
            bucket=args.site.bucket_name,
            region=args.site.region,
        )
        template = PodTemplate(
            spec=pod,
            loading=args.server.startup_budget,
            annotations=annotations(args.server),
            after=args.artifacts,
        )
        self.url = deploy(self, name, args.server, args.site, identity, template)
        self.register_outputs({"url": self.url})
