"""Node groups with a launch template: what its user data makes of a node's GPUs, and what EKS refuses."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from planning import gpu_nodes
from planning.node_settings import node_settings
from plugin_server.provider import ProviderError
from sandbox.aws.bottlerocket import gpu_resources, parse
from sandbox.aws.capacity import Machine
from tests.engine.sandbox.aws.cases import node_group

if TYPE_CHECKING:
    from tests.engine.sandbox.aws.conftest import Engine, FakeCluster, Resource

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
GROUP = "aws:eks/nodeGroup:NodeGroup"
GPU = "nvidia.com/gpu"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def settings_of(name: str) -> str:
    """As the program writes them."""
    found = gpu_nodes(name)
    assert found.instance_type.gpu is not None
    assert found.share is not None
    return node_settings(found.instance_type.gpu, found.share)


def machine(engine: Engine, name: str) -> Machine:
    answer = engine.aws("ec2").describe_instance_types(InstanceTypes=[name])
    return Machine.of_description(answer["InstanceTypes"][0])


@pytest.mark.parametrize(
    ("name", "gpus"),
    [
        ("g5.2xlarge/time-sliced-2", "2"),
        ("g5.12xlarge/time-sliced-3", "12"),
        ("p4d.24xlarge/mig-1g.5gb", "56"),
        ("p4d.24xlarge/mig-3g.20gb", "16"),
        ("p4de.24xlarge/mig-1g.10gb", "56"),
        ("p5.48xlarge/mig-1g.20gb", "32"),
        ("p5en.48xlarge/mig-2g.35gb", "24"),
        ("p6-b200.48xlarge/mig-2g.45gb", "24"),
    ],
)
def test_a_node_offers_the_shares_that_the_plan_counts(engine: Engine, name: str, gpus: str) -> None:
    kind = gpu_nodes(name)
    assert kind.share is not None
    assert int(gpus) == kind.instance_type.gpu_count * kind.share.devices
    assert gpu_resources(parse(encoded(settings_of(name))), machine(engine, kind.instance_type.name)) == {
        GPU: gpus
    }


@pytest.mark.parametrize(
    ("settings", "offers"),
    [
        ("", {GPU: "8"}),
        (
            'device-sharing-strategy = "time-slicing"\ntime-slicing = {replicas = 4}',
            {GPU: "0", f"{GPU}.shared": "32"},
        ),
        ('device-partitioning-strategy = "mig"\nmig = {profile = {"a100.40gb" = "4g.20gb"}}', {GPU: "8"}),
        ('device-partitioning-strategy = "mig"\nmig = {profile = {"h100.80gb" = "1g.10gb"}}', {GPU: "8"}),
    ],
    ids=["none", "renamed", "a profile that Bottlerocket does not cut", "another card's profile"],
)
def test_settings_have_the_effect_that_they_have_on_a_node(
    engine: Engine, settings: str, offers: dict[str, str]
) -> None:
    text = f"[settings.kubelet-device-plugins.nvidia]\n{settings}"
    assert gpu_resources(parse(encoded(text)), machine(engine, "p4d.24xlarge")) == offers


def _inputs(engine: Engine, made: Resource) -> dict[str, Any]:
    reference = {"id": made.id, "version": str(made.state["latestVersion"])}
    return {**node_group(engine), "instanceTypes": ["g5.2xlarge"], "launchTemplate": reference}


def _template(engine: Engine, settings: str, disk: int = 100) -> Resource:
    volume = {"deviceName": "/dev/xvdb", "ebs": {"volumeSize": disk, "volumeType": "gp3"}}
    return engine.create(TEMPLATE, "nodes", {"userData": encoded(settings), "blockDeviceMappings": [volume]})


def test_nodes_register_with_shares_and_say_that_no_gpu_is_divided(
    engine: Engine, cluster: FakeCluster
) -> None:
    made = engine.create(
        GROUP, "pool", _inputs(engine, _template(engine, settings_of("g5.2xlarge/time-sliced-2")))
    )
    assert engine.drift(made) == []
    for node in cluster.nodes.values():
        assert node["status"]["capacity"][GPU] == node["status"]["allocatable"][GPU] == "2"
        assert node["status"]["capacity"]["ephemeral-storage"] == f"{100 * 1024 * 1024}Ki"
        assert "none is divided" in node["metadata"]["annotations"]["slipway.dev/emulated"]


def test_another_version_of_the_template_replaces_the_nodes(engine: Engine, cluster: FakeCluster) -> None:
    template = _template(engine, settings_of("g5.2xlarge/time-sliced-2"))
    group = engine.create(GROUP, "pool", _inputs(engine, template))
    inputs = {key: value for key, value in template.inputs.items() if key != "tagsAll"}
    finer = {**inputs, "userData": encoded(settings_of("g5.2xlarge/time-sliced-4"))}
    checked, _ = engine.plan(template, finer)
    engine.update(template, checked)
    assert template.state["latestVersion"] == 2
    newer = {**group.inputs, "launchTemplate": {"id": template.id, "version": "2"}}
    wanted = {key: value for key, value in newer.items() if key != "tagsAll"}
    checked, difference = engine.plan(group, wanted)
    assert not any(change.replaces for change in difference.changes)
    engine.update(group, checked)
    assert {node["status"]["capacity"][GPU] for node in cluster.nodes.values()} == {"4"}
    assert engine.drift(group) == []


def test_another_template_is_another_group(engine: Engine) -> None:
    group = engine.create(GROUP, "pool", _inputs(engine, _template(engine, "")))
    newer = {**group.inputs, "launchTemplate": {"id": "lt-0123", "version": "1"}}
    _, difference = engine.plan(group, {key: value for key, value in newer.items() if key != "tagsAll"})
    assert any(change.replaces for change in difference.changes)


@pytest.mark.parametrize("gains", [True, False])
def test_a_group_that_gains_or_loses_its_template_is_another_group(engine: Engine, gains: bool) -> None:
    templated = _inputs(engine, _template(engine, ""))
    plain = {key: value for key, value in templated.items() if key != "launchTemplate"}
    before, after = (plain, templated) if gains else (templated, plain)
    _, difference = engine.plan(engine.create(GROUP, "pool", before), after)
    assert [change.path for change in difference.changes if change.replaces] == [("launchTemplate",)]


def test_a_template_without_user_data_leaves_the_gpus_whole(engine: Engine, cluster: FakeCluster) -> None:
    volume = {"deviceName": "/dev/xvdb", "ebs": {"volumeSize": 100, "volumeType": "gp3"}}
    template = engine.create(TEMPLATE, "nodes", {"blockDeviceMappings": [volume]})
    made = engine.create(GROUP, "pool", _inputs(engine, template))
    assert engine.drift(made) == []
    for node in cluster.nodes.values():
        assert node["status"]["capacity"][GPU] == "1"
        assert "slipway.dev/emulated" not in node["metadata"]["annotations"]


def test_user_data_that_is_no_toml_is_refused_as_by_eks(engine: Engine) -> None:
    with pytest.raises(ProviderError, match="User data was not a TOML format that could be processed"):
        engine.create(GROUP, "pool", _inputs(engine, _template(engine, "#!/bin/bash\necho hello")))


def test_a_group_whose_template_somebody_deleted_is_still_read_and_keeps_its_nodes(
    engine: Engine, cluster: FakeCluster
) -> None:
    template = _template(engine, settings_of("g5.2xlarge/time-sliced-2"))
    group = engine.create(GROUP, "pool", _inputs(engine, template))
    names = sorted(cluster.nodes)
    engine.aws("ec2").delete_launch_template(LaunchTemplateId=template.id)
    assert engine.drift(group) == []
    assert sorted(cluster.nodes) == names
    said = [message for kind, message in engine.log.lines if kind == "warning"]
    assert said[-1].startswith("Ec2LaunchTemplateNotFound")
    assert engine.read(template) is None


def test_a_template_that_does_not_exist_is_refused(engine: Engine) -> None:
    inputs = _inputs(engine, _template(engine, ""))
    with pytest.raises(ProviderError, match=r"lt-0123|launch template"):
        engine.create(GROUP, "pool", {**inputs, "launchTemplate": {"id": "lt-0123", "version": "1"}})
