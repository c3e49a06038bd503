from dataclasses import replace

from model_catalog import Environment, Release, load_catalog
from planning import PoolPlan, PoolSettings, make_plan

SETTINGS = PoolSettings(
    region="us-east-1",
    gpu_nodes={"g4dn.xlarge": 9},
    cpu_nodes={"m6i.2xlarge": 5},
    system_instance_type="m6i.large",
    system_nodes=2,
)
AUTOSCALED = replace(SETTINGS, autoscaled=True)


def pools(settings: PoolSettings, *without: str) -> dict[str, PoolPlan]:
    """Of the sandbox, less the variants named."""
    catalog = load_catalog()
    released = catalog.releases[Environment.SANDBOX].root
    kept = {variant: line for variant, line in released.items() if str(variant) not in without}
    catalog = replace(catalog, releases={Environment.SANDBOX: Release(kept)})
    plan = make_plan(catalog, Environment.SANDBOX, settings)
    return {pool.name: pool for pool in plan.pools if not pool.name.startswith("system")}


def test_the_most_nodes_under_an_autoscaler_are_the_setting_s_which_no_model_that_leaves_lowers() -> None:
    """EKS refuses a maximum below the nodes that are there, and how many there are is the autoscaler's."""
    before = pools(AUTOSCALED)["gpu-g4dn-xlarge"]
    after = pools(AUTOSCALED, "TextGeneration/Writer/mul")["gpu-g4dn-xlarge"]
    assert after.desired_nodes < before.desired_nodes
    assert (before.min_nodes, before.max_nodes) == (after.min_nodes, after.max_nodes) == (0, 9)


def test_the_most_nodes_without_an_autoscaler_follow_the_plan() -> None:
    before = pools(SETTINGS)["gpu-g4dn-xlarge"]
    after = pools(SETTINGS, "TextGeneration/Writer/mul")["gpu-g4dn-xlarge"]
    assert after.max_nodes < before.max_nodes < 9
