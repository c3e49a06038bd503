from collections.abc import Callable
from dataclasses import replace

import pytest

from components import GpuNodePools, GpuNodePoolsArgs
from hardware import PurchaseOption, instance_type
from planning import PoolPlan, Taint
from tests.support.recording import Recording

GPU = PoolPlan(
    name="gpu",
    instance_type=instance_type("g5.xlarge"),
    min_nodes=0,
    desired_nodes=2,
    max_nodes=4,
    autoscaled=False,
    labels=(("slipway.dev/pool", "gpu"),),
    taints=(Taint(key="nvidia.com/gpu", value="present", effect="NO_SCHEDULE"),),
)
SYSTEM = PoolPlan(
    name="system",
    instance_type=instance_type("m6i.large"),
    min_nodes=1,
    desired_nodes=1,
    max_nodes=2,
    autoscaled=False,
    labels=(("slipway.dev/pool", "system"),),
    taints=(),
)
GROUP = "aws:eks/nodeGroup:NodeGroup"


@pytest.fixture(scope="module")
def pools(built: Callable[..., Recording]) -> Recording:
    args = GpuNodePoolsArgs(cluster_name="main", subnet_ids=["subnet-a"], pools=[SYSTEM, GPU])
    return built(lambda opts: GpuNodePools("pools", args, opts))


def test_every_pool_is_one_node_group_of_its_type_and_size(pools: Recording) -> None:
    gpu = pools.one(GROUP, "pools-gpu").inputs
    assert gpu["instanceTypes"] == ["g5.xlarge"]
    assert gpu["scalingConfig"] == {"minSize": 0, "desiredSize": 2, "maxSize": 4}
    assert gpu["updateConfig"] == {"maxUnavailable": 1}
    assert len(pools.of_type(GROUP)) == 2


def test_only_gpu_nodes_carry_the_driver_and_the_taint(pools: Recording) -> None:
    gpu, system = (pools.one(GROUP, f"pools-{name}").inputs for name in ("gpu", "system"))
    assert gpu["amiType"] == "BOTTLEROCKET_x86_64_NVIDIA"
    assert gpu["taints"] == [{"effect": "NO_SCHEDULE", "key": "nvidia.com/gpu", "value": "present"}]
    assert system["amiType"] == "BOTTLEROCKET_x86_64"
    assert system.get("taints", []) == []


def test_pods_find_a_pool_by_its_label(pools: Recording) -> None:
    assert pools.one(GROUP, "pools-gpu").inputs["labels"] == {"slipway.dev/pool": "gpu"}


def test_a_node_may_join_pull_images_and_have_addresses_and_nothing_else(pools: Recording) -> None:
    attachments = pools.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    assert sorted(a.inputs["policyArn"].rpartition("/")[2] for a in attachments) == [
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEKSWorkerNodePolicy",
        "AmazonEKS_CNI_Policy",
    ]
    for group in pools.of_type(GROUP):
        assert {attachment.urn for attachment in attachments} <= group.dependencies, group.name


def test_the_plan_sets_the_number_of_nodes_while_nothing_else_does(pools: Recording) -> None:
    assert [group.ignore_changes for group in pools.of_type(GROUP)] == [(), ()]


def test_it_registers_its_groups_by_pool(pools: Recording) -> None:
    outputs = pools.outputs[pools.one("slipway:cluster:GpuNodePools").urn]
    assert outputs == {"nodeGroups": {"gpu": "arn:mock:pools-gpu", "system": "arn:mock:pools-system"}}


def test_spot_nodes_are_asked_for_as_such(built: Callable[..., Recording]) -> None:
    spot = replace(GPU, purchase_option=PurchaseOption.SPOT)
    args = GpuNodePoolsArgs(cluster_name="main", subnet_ids=["subnet-a"], pools=[SYSTEM, spot])
    recording = built(lambda opts: GpuNodePools("pools", args, opts))
    kinds = {group.name: group.inputs["capacityType"] for group in recording.of_type(GROUP)}
    assert kinds == {"pools-gpu": "SPOT", "pools-system": "ON_DEMAND"}


def test_an_autoscaler_s_number_of_nodes_is_left_to_it(built: Callable[..., Recording]) -> None:
    scaled = replace(GPU, autoscaled=True)
    args = GpuNodePoolsArgs(cluster_name="main", subnet_ids=["subnet-a"], pools=[SYSTEM, scaled])
    recording = built(lambda opts: GpuNodePools("pools", args, opts))
    ignored = {group.name: list(group.request.ignoreChanges) for group in recording.of_type(GROUP)}
    assert ignored == {"pools-gpu": ["scalingConfig.desiredSize"], "pools-system": []}
