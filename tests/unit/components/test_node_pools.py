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
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


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


def test_every_group_has_a_template_of_its_own_and_follows_its_latest_version(pools: Recording) -> None:
    templates = {template.name: template for template in pools.of_type(TEMPLATE)}
    assert sorted(templates) == ["pools-gpu-template", "pools-system-template"]
    for group in pools.of_type(GROUP):
        template = templates[f"{group.name}-template"]
        assert template.urn in group.dependencies
        assert template.parent == group.parent
        assert group.inputs["launchTemplate"]["id"] == f"{template.name}-id"
        assert "version" in group.inputs["launchTemplate"]
        assert "diskSize" not in group.inputs, "EKS refuses it beside a template"


def test_no_pod_of_any_pool_gets_the_node_s_credentials(pools: Recording) -> None:
    options = [template.inputs["metadataOptions"] for template in pools.of_type(TEMPLATE)]
    only_the_node = {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1}
    assert options == [only_the_node, only_the_node]


def test_both_disks_of_every_node_are_encrypted_and_end_with_it(pools: Recording) -> None:
    for template in pools.of_type(TEMPLATE):
        volumes = {one["deviceName"]: one["ebs"] for one in template.inputs["blockDeviceMappings"]}
        common = {"volumeType": "gp3", "encrypted": "true", "deleteOnTermination": "true"}
        assert volumes == {
            "/dev/xvda": {**common, "volumeSize": 4},
            "/dev/xvdb": {**common, "volumeSize": 100},
        }


def test_a_pool_of_whole_gpus_or_none_gives_its_nodes_no_settings(pools: Recording) -> None:
    assert [template.inputs.get("userData") for template in pools.of_type(TEMPLATE)] == [None, None]


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
