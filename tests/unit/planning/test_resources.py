"""What the plan calls fitting must be schedulable on the nodes that the sandbox emulates."""

import gzip
import json
from pathlib import Path
from typing import Any

import moto
import pytest

from hardware import INSTANCE_TYPES
from planning.capacity.resources import node_resources
from sandbox.aws.capacity import Machine, allocatable

DESCRIPTIONS: dict[str, Any] = json.loads(
    gzip.decompress((Path(moto.__file__).parent / "ec2/resources/instance_types.json.gz").read_bytes())
)


@pytest.mark.parametrize("kind", INSTANCE_TYPES.values(), ids=lambda kind: kind.name)
def test_a_node_offers_at_least_what_the_plan_counts_on(kind: Any) -> None:
    offered = allocatable(Machine.of_description(DESCRIPTIONS[kind.name]), 100, device_plugin=True)
    counted = node_resources(kind)
    assert counted.millicores <= int(offered["cpu"].removesuffix("m"))
    assert counted.memory <= int(offered["memory"].removesuffix("Ki")) * 1024
    assert counted.gpus == int(offered.get("nvidia.com/gpu", 0))


@pytest.mark.parametrize("kind", INSTANCE_TYPES.values(), ids=lambda kind: kind.name)
def test_a_type_s_row_says_what_ec2_describes(kind: Any) -> None:
    machine = Machine.of_description(DESCRIPTIONS[kind.name])
    assert (kind.vcpus, kind.memory, kind.gpu_count, kind.max_pods) == (
        machine.cores,
        machine.memory_mib * 1024**2,
        machine.gpus,
        machine.max_pods,
    )


@pytest.mark.parametrize("kind", INSTANCE_TYPES.values(), ids=lambda kind: kind.name)
def test_the_plan_leaves_no_more_than_a_fifth_of_a_node_unused(kind: Any) -> None:
    assert node_resources(kind).memory >= kind.memory * 8 // 10
