"""The Pulumi program: settings and catalog → plan → platform → serving → outputs.

All that can be wrong in text is found before the first resource, and reaches the user as one message.
"""

import gc
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi.runtime.config import CONFIG, get_config_env

from components import TorchServeStack
from infra.platform import build_platform
from infra.serving import NAMESPACE, build_serving
from infra.settings import PROJECT, Settings, SettingsError, load_settings
from model_catalog import CatalogError, load_catalog
from planning import Plan, PlanningError, ServerPlan, make_plan


def run() -> None:
    """Build the stack that is being run. Raises pulumi.RunError, whose text is meant for the user."""
    _calm_collector()
    try:
        settings = load_settings(pulumi.get_stack(), _whole_config())
        plan = make_plan(load_catalog(), settings.environment, settings.pools)
    except (SettingsError, CatalogError, PlanningError) as error:
        raise pulumi.RunError(str(error)) from None
    provider = _aws_provider(settings)
    platform = build_platform(settings, plan, provider)
    servers = build_serving(platform, plan, provider)
    pulumi.export("environment", settings.environment.value)
    pulumi.export("region", settings.region)
    pulumi.export("bucket", platform.bucket_name)
    pulumi.export("cluster_name", platform.cluster_name)
    pulumi.export("kubeconfig", platform.kubeconfig)
    pulumi.export("endpoints", _endpoints(plan, servers))
    pulumi.export("servers", [describe_server(server) for server in plan.servers])


def describe_server(server: ServerPlan) -> dict[str, Any]:
    """One server as plain data, for the stack's outputs and whoever prints them."""
    return {
        "server": server.name,
        "namespace": NAMESPACE,
        "pool": server.pool,
        "models": [
            {"selector": str(model.selector), "default": model.default, "path": model.path}
            for model in server.models
        ],
    }


def _aws_provider(settings: Settings) -> aws.Provider:
    tags = {"slipway:environment": settings.environment.value, "slipway:project": PROJECT}
    return aws.Provider(
        "aws",
        region=settings.region,
        default_tags=aws.ProviderDefaultTagsArgs(tags=tags),
    )


def _endpoints(plan: Plan, servers: dict[str, TorchServeStack]) -> dict[str, pulumi.Output[str]]:
    """Selector → URL inside the cluster."""
    return {
        selector: pulumi.Output.concat(servers[server.name].url, path)
        for server in plan.servers
        for selector, path in server.paths.items()
    }


def _whole_config() -> dict[str, str]:
    """Every key the engine passed, so that one nobody reads is noticed. pulumi.Config cannot list them: hosts
    either call set_all_config or set PULUMI_CONFIG, and the SDK's own look-up asks in this order."""
    return {**get_config_env(), **CONFIG.get()}


def _calm_collector() -> None:
    """Measured: collecting takes 70 % of the SDK's time, over objects that all live to the end; this brings
    1,000 resources from 4.7 s to 1.6 s (docs/facts/pulumi.md §3)."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
