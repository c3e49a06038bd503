"""One workload of a plan, deployed: its objects in the cluster, its role in AWS, and what watches it.

Nothing is decided here: planning/workload renders the objects, this fills in what only the deployment knows, and says
what waits for what. Monitors are a component of their own. The trap: their kinds exist only once the operator's
definitions do, which a platform in another stack has installed and one in this stack must be waited for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import pulumi

from components.kubernetes_objects import declare as declare_object
from components.workload_identity import WorkloadSite, grant_artifacts
from model_catalog import Engine
from planning.workload import Reference, WorkloadSpec, manifests

_TYPES: Final = MappingProxyType(
    {
        Engine.TGI: "slipway:serving:TextGenerationStack",
        Engine.TORCHSERVE: "slipway:serving:TorchServeStack",
        Engine.VLLM: "slipway:serving:TextGenerationStack",
    }
)
"""Engine → type of its component. A type is a part of every URN below it, so these names stay."""


@dataclass(frozen=True, kw_only=True)
class WorkloadArgs:
    """The workload, and the platform it stands on."""

    spec: WorkloadSpec
    site: WorkloadSite
    artifacts: Sequence[pulumi.Resource] = ()
    """The files of the bucket that it reads: they are there before a ConfigMap or a pod names them."""


class Workload(pulumi.ComponentResource):
    """One workload. Its objects come up in the order in which they need each other."""

    url: pulumi.Output[str]
    """Base URL inside the cluster; the plan's paths go behind it."""

    def __init__(self, name: str, args: WorkloadArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        spec, site = args.spec, args.site
        super().__init__(_TYPES[spec.engine], name, None, opts)
        objects = manifests(spec)
        known: dict[Reference, pulumi.Input[str]] = {
            Reference.BUCKET: site.bucket_name,
            Reference.BUCKET_URL: pulumi.Output.concat("s3://", site.bucket_name),
            Reference.NAMESPACE: site.namespace,
            Reference.REGION: site.region,
        }

        def declare(suffix: str, **options: Any) -> Any:
            child = pulumi.ResourceOptions(parent=self, **options)
            return declare_object(f"{name}-{suffix}", objects[suffix], known, child)

        known[Reference.SERVICE_ACCOUNT] = declare("account").metadata.name
        before: list[pulumi.Resource] = [
            *grant_artifacts(
                self,
                name,
                site,
                account=known[Reference.SERVICE_ACCOUNT],
                prefixes=spec.artifact_prefixes,
            ),
            declare("network-policy"),
        ]
        if spec.pod.files:
            known[Reference.CONFIG_MAP] = declare("config").metadata.name
        files = list(args.artifacts)
        before += [declare(suffix, depends_on=files) for suffix in spec.live_files] or files
        if spec.rules:
            known[Reference.ROLE] = declare("agent-role").metadata.name
            before.append(declare("agent-binding"))
        declare("disruption-budget")
        patience = f"{int(spec.deadline.total_seconds())}s"
        deployment = declare(
            "server",
            depends_on=[*before, *site.after],
            custom_timeouts=pulumi.CustomTimeouts(create=patience, update=patience),
        )
        # The provider waits for a Service's endpoints 10 minutes, less than a first pod may take.
        service = declare("service", depends_on=[deployment])
        if "scaler" in objects:
            known[Reference.DEPLOYMENT] = deployment.metadata.name
            declare("scaler")
        self.url = pulumi.Output.format(
            "http://{0}.{1}.svc:{2}", service.metadata.name, site.namespace, spec.ports["inference"]
        )
        self.register_outputs({"url": self.url})


@dataclass(frozen=True, kw_only=True)
class ServerMonitoringArgs:
    """The workload that is watched."""

    spec: WorkloadSpec
    after: Sequence[pulumi.Resource] = ()
    """The resources that must exist first: the namespace, and the definitions of the monitors' kinds."""


class ServerMonitoring(pulumi.ComponentResource):
    """The monitors of a workload. They lie beside the workload, so that both come and go together."""

    def __init__(
        self, name: str, args: ServerMonitoringArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slipway:monitoring:ServerMonitoring", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, depends_on=list(args.after))
        for suffix, monitor in args.spec.monitors.items():
            declare_object(f"{name}-{suffix}", monitor, {}, child)
        self.register_outputs({})
