"""The Pulumi program: settings and catalog → plan → platform → serving → outputs.

A stack holds both, or one of them (docs/platform-and-serving.md).

All that can be wrong in text is found before the first resource, and reaches the user as one message.
"""

import gc
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi.runtime.config import CONFIG, get_config_env

from artifacts import RefusedError
from artifacts.planned import plan_artifacts, released_handlers
from components import Workload
from infra.kubernetes import kubernetes_provider
from infra.lock_files import lock_name, read_lock
from infra.namespace import NAMESPACE
from infra.platform import Platform, build_monitoring, build_platform
from infra.platform_stack import platform_of_stack, platform_outputs
from infra.serving import build_serving
from infra.settings import PROJECT, Settings, SettingsError, load_settings
from model_catalog import CATALOG_ROOT, CatalogError, Environment, load_catalog
from planning import Plan, PlanningError, ServerPlan, make_plan, too_many_groups


def run() -> None:
    """Build the stack that is being run. Raises pulumi.RunError, whose text is meant for the user."""
    _calm_collector()
    try:
        settings = load_settings(pulumi.get_stack(), _whole_config())
        lock = read_lock(CATALOG_ROOT, settings.environment)
        plan = make_plan(load_catalog(), settings.environment, settings.pools, lock)
        artifacts = plan_artifacts(plan, released_handlers())
    except (SettingsError, CatalogError, PlanningError, RefusedError) as error:
        raise pulumi.RunError(str(error)) from None
    if plan.stale:
        pulumi.log.warn(stale_warning(settings.environment))
    if settings.holds_platform and (said := too_many_groups(plan.pools)):
        pulumi.log.warn(said)
    if settings.serving and artifacts.warning:
        pulumi.log.warn(artifacts.warning)
    provider = _aws_provider(settings)
    pulumi.export("environment", settings.environment.value)
    pulumi.export("region", settings.region)
    if settings.holds_platform:
        built = build_platform(settings, plan, provider)
        cluster = kubernetes_provider(built.platform)
        monitoring = build_monitoring(settings, plan, cluster, built.ready)
        _export_platform(built.platform, plan)
        if settings.serving:
            servers = build_serving(
                built.platform,
                plan,
                provider,
                cluster,
                artifacts,
                pods_after=built.ready,
                monitors_after=[monitoring.definitions],
            )
            _export_serving(plan, servers)
    else:
        platform = platform_of_stack(settings, plan, pulumi.get_stack())
        servers = build_serving(platform, plan, provider, kubernetes_provider(platform), artifacts)
        _export_serving(plan, servers)


def stale_warning(environment: Environment) -> str:
    """What is said where the lock is behind the catalog. The plan holds all the same, being a function of both."""
    return (
        f"model_catalog/{lock_name(environment)} does not say where everything is; run `slipway plan --env "
        f"{environment} --write` and commit it, so that the next change moves nothing that need not move"
    )


def _export_platform(platform: Platform, plan: Plan) -> None:
    pulumi.export("bucket", platform.bucket_name)
    pulumi.export("cluster_name", platform.cluster_name)
    for name, value in platform_outputs(platform, plan).items():
        pulumi.export(name, value)


def _export_serving(plan: Plan, servers: dict[str, Workload]) -> None:
    pulumi.export("endpoints", _endpoints(plan, servers))
    pulumi.export("servers", {server.name: describe_server(server) for server in plan.servers})


def describe_server(server: ServerPlan) -> dict[str, Any]:
    """One server as plain data, for the stack's outputs and whoever prints them.

    Keyed by name and selector: in a list, a preview shows each item behind a new one as changed.
    """
    return {
        "engine": f"{server.engine} {server.engine_version}",
        "namespace": NAMESPACE,
        "pool": server.pool,
        "models": {
            str(model.selector): {
                "default": model.default,
                "path": model.path,
                **({"not_served": model.not_served} if model.not_served else {}),
            }
            for model in server.models
        },
    }


def _aws_provider(settings: Settings) -> aws.Provider:
    tags = {"slipway:environment": settings.environment.value, "slipway:project": PROJECT}
    return aws.Provider(
        "aws",
        region=settings.region,
        default_tags=aws.ProviderDefaultTagsArgs(tags=tags),
    )


def _endpoints(plan: Plan, servers: dict[str, Workload]) -> dict[str, pulumi.Output[str]]:
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
