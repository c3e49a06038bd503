"""Node groups whose GPUs are divided: the settings that reach the node."""

import base64
from collections.abc import Callable
from dataclasses import replace

import pytest

from components import GpuNodePools, GpuNodePoolsArgs
from planning import PoolPlan, Taint, gpu_nodes
from tests.support.recording import Recorded, Recording

GROUP = "aws:eks/nodeGroup:NodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


def pool(name: str, nodes: str) -> PoolPlan:
    found = gpu_nodes(nodes)
    return PoolPlan(
        name=name,
        instance_type=found.instance_type,
        min_nodes=0,
        desired_nodes=1,
        max_nodes=2,
        autoscaled=False,
        labels=(("slipway.dev/pool", name),),
        taints=(Taint(key="nvidia.com/gpu", value="present", effect="NO_SCHEDULE"),),
        share=found.share,
    )


WHOLE = pool("whole", "g5.xlarge")
SLICED = pool("sliced", "g5.2xlarge/time-sliced-2")
MIG = pool("mig", "p4d.24xlarge/mig-3g.20gb")


@pytest.fixture(scope="module")
def pools(built: Callable[..., Recording]) -> Recording:
    args = GpuNodePoolsArgs(cluster_name="main", subnet_ids=["subnet-a"], pools=[WHOLE, SLICED, MIG])
    return built(lambda opts: GpuNodePools("pools", args, opts))


def settings(template: Recorded) -> str:
    return base64.b64decode(template.inputs["userData"]).decode()


def test_only_divided_pools_give_their_nodes_settings(pools: Recording) -> None:
    with_settings = [found.name for found in pools.of_type(TEMPLATE) if "userData" in found.inputs]
    assert sorted(with_settings) == ["pools-mig-template", "pools-sliced-template"]


def test_the_template_carries_the_pool_s_settings_and_no_image(pools: Recording) -> None:
    for planned in (SLICED, MIG):
        template = pools.one(TEMPLATE, f"pools-{planned.name}-template")
        assert settings(template) == planned.node_settings
        assert "imageId" not in template.inputs
        assert pools.one(GROUP, f"pools-{planned.name}").inputs["amiType"] == "BOTTLEROCKET_x86_64_NVIDIA"


def test_an_autoscaled_pool_of_shares_keeps_its_template(built: Callable[..., Recording]) -> None:
    scaled = replace(SLICED, autoscaled=True)
    args = GpuNodePoolsArgs(cluster_name="main", subnet_ids=["subnet-a"], pools=[scaled])
    recording = built(lambda opts: GpuNodePools("pools", args, opts))
    assert recording.one(TEMPLATE, "pools-sliced-template").ignore_changes == ()
    assert recording.one(GROUP, "pools-sliced").ignore_changes == ("scalingConfig.desiredSize",)
