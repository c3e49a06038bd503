"""A node group's nodes in the API server: what they offer, and how they come and go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from plugin_server.provider import ProviderError
from sandbox.aws.capacity import Machine, allocatable, capacity, reserved_cpu_millicores, reserved_memory_mib

if TYPE_CHECKING:
    from sandbox.aws.account import Clients
    from tests.engine.sandbox.aws.conftest import Engine, FakeCluster, Resource

G5 = Machine(instance_type="g5.xlarge", architecture="amd64", cores=4, memory_mib=16384, gpus=1, max_pods=58)
GROUP = "aws:eks/nodeGroup:NodeGroup"


@pytest.mark.parametrize(("cores", "reserved"), [(1, 60), (2, 70), (4, 80), (8, 90), (48, 190), (96, 310)])
def test_reserved_cpu_follows_the_steps_of_eks(cores: int, reserved: int) -> None:
    assert reserved_cpu_millicores(cores) == reserved


def test_reserved_memory_grows_with_the_pod_limit() -> None:
    assert reserved_memory_mib(58) == 255 + 11 * 58


def test_a_gpu_is_offered_only_where_a_device_plugin_reports_it() -> None:
    assert capacity(G5, 20, device_plugin=True)["nvidia.com/gpu"] == "1"
    assert "nvidia.com/gpu" not in allocatable(G5, 20, device_plugin=False)


def test_what_pods_may_use_is_less_than_what_the_machine_has() -> None:
    offered = allocatable(G5, 100, device_plugin=True)
    assert offered["cpu"] == "3920m"
    memory = int(16384 * 0.925) - (255 + 11 * 58) - 100
    assert offered["memory"] == f"{memory * 1024}Ki"
    assert offered["pods"] == "58"


def _trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Statement": [statement]})


def _role(engine: Engine, name: str, service: str) -> str:
    answer = engine.aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=_trust(service))
    return str(answer["Role"]["Arn"])


@pytest.fixture(scope="module")
def subnets(clients: Clients) -> list[str]:
    """Two subnets in two zones, made once."""
    ec2 = clients.client("ec2", "eu-west-1")
    network = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made = [
        ec2.create_subnet(VpcId=network, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=f"eu-west-1{zone}")
        for index, zone in enumerate("ab")
    ]
    return [answer["Subnet"]["SubnetId"] for answer in made]


def _cluster(engine: Engine, subnets: list[str]) -> dict[str, Any]:
    inputs = {"roleArn": _role(engine, "cluster", "eks.amazonaws.com"), "vpcConfig": {"subnetIds": subnets}}
    return {
        "clusterName": engine.create("aws:eks/cluster:Cluster", "cluster", inputs).id,
        "nodeRoleArn": _role(engine, "nodes", "ec2.amazonaws.com"),
        "subnetIds": subnets,
        "scalingConfig": {"minSize": 0, "desiredSize": 2, "maxSize": 4},
        "instanceTypes": ["g5.xlarge"],
        "amiType": "BOTTLEROCKET_x86_64_NVIDIA",
        "labels": {"slipway/pool": "gpu"},
        "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}],
    }


@pytest.fixture
def inputs(engine: Engine, subnets: list[str]) -> dict[str, Any]:
    return _cluster(engine, subnets)


@pytest.fixture
def pool(engine: Engine, inputs: dict[str, Any]) -> Resource:
    return engine.create(GROUP, "pool", inputs)


def _scaled(inputs: dict[str, Any], desired: int, **more: Any) -> dict[str, Any]:
    return {**inputs, "scalingConfig": {**inputs["scalingConfig"], "desiredSize": desired}, **more}


def test_nodes_look_like_those_of_eks(pool: Resource, cluster: FakeCluster) -> None:
    nodes = sorted(
        cluster.nodes.values(), key=lambda node: str(node["metadata"]["annotations"]["slipway.dev/slot"])
    )
    assert len(nodes) == 2
    first = nodes[0]
    labels = first["metadata"]["labels"]
    assert labels["eks.amazonaws.com/nodegroup"] == pool.state["nodeGroupName"]
    assert labels["eks.amazonaws.com/capacityType"] == "ON_DEMAND"
    assert labels["node.kubernetes.io/instance-type"] == "g5.xlarge"
    assert labels["kubernetes.io/arch"] == "amd64"
    assert labels["slipway/pool"] == "gpu"
    assert [node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes] == [
        "eu-west-1a",
        "eu-west-1b",
    ]
    assert first["metadata"]["name"].startswith("ip-10-0-0-")
    assert first["metadata"]["name"].endswith(".eu-west-1.compute.internal")
    assert first["metadata"]["annotations"]["kwok.x-k8s.io/node"] == "fake"
    assert first["spec"]["providerID"].startswith("aws:///eu-west-1a/i-")
    assert first["spec"]["taints"] == [{"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}]
    assert first["status"]["allocatable"]["nvidia.com/gpu"] == "1"
    assert {c["type"]: c["status"] for c in first["status"]["conditions"]}["Ready"] == "True"


def test_scaling_in_removes_nodes_and_their_pods(
    engine: Engine, inputs: dict[str, Any], pool: Resource, cluster: FakeCluster
) -> None:
    for number, node in enumerate(sorted(cluster.nodes)):
        path = f"/api/v1/namespaces/serving/pods/pod-{number}"
        metadata = {"name": f"pod-{number}", "namespace": "serving"}
        cluster.objects[path] = {"metadata": metadata, "spec": {"nodeName": node}}
    checked, _ = engine.plan(pool, _scaled(inputs, 1))
    engine.update(pool, checked)
    (left,) = cluster.nodes
    assert [o["spec"]["nodeName"] for p, o in cluster.objects.items() if "/pods/" in p] == [left]
    engine.delete(pool)
    assert cluster.objects == {}


def test_labels_and_taints_change_on_living_nodes_and_foreign_ones_stay(
    engine: Engine, inputs: dict[str, Any], pool: Resource, cluster: FakeCluster
) -> None:
    names = set(cluster.nodes)
    for node in cluster.nodes.values():
        node["spec"]["taints"].append({"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"})
        node["metadata"]["labels"]["by"] = "hand"
    changed = {**inputs, "labels": {"slipway/size": "big"}, "taints": []}
    checked, _ = engine.plan(pool, changed)
    engine.update(pool, checked)
    assert set(cluster.nodes) == names, "no node is made anew"
    for node in cluster.nodes.values():
        assert node["spec"]["taints"] == [{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]
        assert node["metadata"]["labels"]["slipway/size"] == "big"
        assert node["metadata"]["labels"]["by"] == "hand"
        assert "slipway/pool" not in node["metadata"]["labels"]


def test_a_node_deleted_by_hand_is_replaced_as_an_auto_scaling_group_does(
    engine: Engine, pool: Resource, cluster: FakeCluster
) -> None:
    del cluster.objects[f"/api/v1/nodes/{min(cluster.nodes)}"]
    assert engine.drift(pool) == []
    assert len(cluster.nodes) == 2
    assert ("status", "1 missing nodes were replaced, as an auto-scaling group does") in engine.log.lines


def test_a_group_scaled_behind_the_back_is_seen(engine: Engine, pool: Resource) -> None:
    engine.aws("eks").update_nodegroup_config(
        clusterName=pool.inputs["clusterName"],
        nodegroupName=pool.state["nodeGroupName"],
        scalingConfig={"desiredSize": 3},
    )
    assert engine.drift(pool) == ["scalingConfig.desiredSize"]


def test_an_ami_without_a_device_plugin_offers_no_gpu_and_says_so(
    engine: Engine, inputs: dict[str, Any], cluster: FakeCluster
) -> None:
    engine.create(GROUP, "plain", {**inputs, "amiType": "AL2023_x86_64_NVIDIA"})
    assert all("nvidia.com/gpu" not in node["status"]["capacity"] for node in cluster.nodes.values())
    assert any("brings no device plugin" in line for kind, line in engine.log.lines if kind == "warning")


def test_two_groups_never_share_a_node_name(
    engine: Engine, inputs: dict[str, Any], cluster: FakeCluster
) -> None:
    engine.create(GROUP, "one", _scaled(inputs, 4))
    engine.create(GROUP, "two", _scaled(inputs, 4))
    assert len(cluster.nodes) == 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clusterName": "missing"}, "ResourceNotFoundException"),
        ({"subnetIds": ["subnet-0a"]}, "InvalidSubnetID.NotFound"),
        ({"nodeRoleArn": "arn:aws:iam::123456789012:role/missing"}, "NoSuchEntity"),
        ({"amiType": "BOTTLEROCKET_ARM_64_NVIDIA"}, "not a valid instance type for requested amiType"),
        ({"instanceTypes": ["g5.tiny"]}, "InvalidInstanceType"),
    ],
)
def test_what_eks_would_refuse_is_refused(
    engine: Engine, inputs: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ProviderError, match=message):
        engine.create(GROUP, "pool", {**inputs, **change})


def test_a_cluster_needs_two_zones(engine: Engine, inputs: dict[str, Any]) -> None:
    subnet = engine.aws("ec2").describe_subnets(SubnetIds=inputs["subnetIds"][:1])["Subnets"][0]
    third = {
        "vpcId": subnet["VpcId"],
        "cidrBlock": "10.0.7.0/24",
        "availabilityZone": subnet["AvailabilityZone"],
    }
    one_zone = [subnet["SubnetId"], engine.create("aws:ec2/subnet:Subnet", "third", third).id]
    role = _role(engine, "second", "eks.amazonaws.com")
    with pytest.raises(ProviderError, match="two different AZs"):
        engine.create(
            "aws:eks/cluster:Cluster", "two", {"roleArn": role, "vpcConfig": {"subnetIds": one_zone}}
        )


def test_a_cluster_needs_a_role_that_trusts_eks(engine: Engine, inputs: dict[str, Any]) -> None:
    network = {"subnetIds": inputs["subnetIds"]}
    with pytest.raises(ProviderError, match=r"trust policy does not name eks\.amazonaws\.com"):
        engine.create(
            "aws:eks/cluster:Cluster", "two", {"roleArn": inputs["nodeRoleArn"], "vpcConfig": network}
        )


def test_a_cluster_is_the_local_api_server(
    engine: Engine, inputs: dict[str, Any], cluster: FakeCluster
) -> None:
    (made,) = [resource for resource in engine.made if "eks/cluster" in resource.urn]
    assert made.state["endpoint"] == cluster.url
    assert made.state["certificateAuthority"] == {"data": ""}
    assert made.state["status"] == "ACTIVE"
    assert made.state["identities"][0]["oidcs"][0]["issuer"].startswith("https://")
    assert made.state["vpcConfig"]["vpcId"].startswith("vpc-")
    assert made.inputs["vpcConfig"]["subnetIds"] == inputs["subnetIds"]


def test_a_cluster_with_node_groups_is_not_deleted(engine: Engine, pool: Resource) -> None:
    (made,) = [resource for resource in engine.made if "eks/cluster" in resource.urn]
    with pytest.raises(ProviderError, match=r"ResourceInUseException.*nodegroups attached"):
        engine.delete(made)
    engine.delete(pool)
    engine.delete(made)


@pytest.mark.usefixtures("inputs")
def test_a_version_goes_up_one_minor_at_a_time(engine: Engine) -> None:
    (made,) = [resource for resource in engine.made if "eks/cluster" in resource.urn]
    program = {key: value for key, value in made.inputs.items() if key != "tagsAll"}
    checked, _ = engine.plan(made, {**program, "version": "1.31"})
    with pytest.raises(ProviderError, match="one minor at a time"):
        engine.update(made, checked)


def test_an_api_server_that_is_not_ready_fails_with_the_fix(
    engine: Engine, inputs: dict[str, Any], cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.ready = False
    monkeypatch.setattr("sandbox.aws.server_rules.READY_SECONDS", 0.0)
    role = _role(engine, "second", "eks.amazonaws.com")
    with pytest.raises(ProviderError, match="was not ready within 0 s; run `slipway sandbox start`"):
        engine.create(
            "aws:eks/cluster:Cluster",
            "two",
            {"roleArn": role, "vpcConfig": {"subnetIds": inputs["subnetIds"]}},
        )
