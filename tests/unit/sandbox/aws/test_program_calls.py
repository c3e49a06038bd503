"""Every AWS call that the program makes is valid, and every type and input that it declares has a table row."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from hardware import INSTANCE_TYPES
from infra import program
from infra.stack_files import read_stack_config
from model_catalog import Catalog, load_catalog
from model_catalog.entry import snake_case
from planning import Plan, gpu_nodes, make_plan, pool_name
from planning.capacity.gpu_shares import GpuShareError, mig_profiles, shared_name
from planning.capacity.placement import Lock, Placement
from planning.capacity.placement.placement import NodeGroup
from planning.pools import plan_pools
from plugin_server import ProviderError
from sandbox.aws.limits import policy_size
from sandbox.aws.table import KINDS
from tests.engine.many_models import many_models, release_text, torchserve
from tests.support.recording import Recording, record
from tests.unit.infra.test_program import STACKS, recorded
from tests.unit.sandbox.aws.conftest import check, provider_of

GENERATED = "generated"
INLINE_POLICIES = 10_240
LONG = "LongName" * 7 + "Long"
"""With three digits behind it a name has 63 characters, the most that the catalog allows: they become label values."""

TASK = f"{LONG}Sum"
MODELS = 100


def shares() -> Iterator[str]:
    """Every GPU type as `gpuNodes` may write it: whole, each MIG profile, the fewest and the most time slices."""
    for kind in INSTANCE_TYPES.values():
        if kind.gpu is None:
            continue
        yield kind.name
        for share in (
            *(f"mig-{profile.name}" for profile in mig_profiles(kind.gpu)),
            "time-sliced-2",
            "time-sliced-99",
        ):
            try:
                gpu_nodes(f"{kind.name}/{share}")
            except GpuShareError:
                continue
            yield f"{kind.name}/{share}"


def groups() -> Iterator[NodeGroup]:
    """A node group of every instance type, divided in every way."""
    names = [*shares(), *(kind.name for kind in INSTANCE_TYPES.values() if kind.gpu is None)]
    for name in names:
        nodes = gpu_nodes(name) if INSTANCE_TYPES[name.partition("/")[0]].gpu else None
        kind = INSTANCE_TYPES[name.partition("/")[0]]
        yield NodeGroup(
            name=pool_name("gpu" if nodes else "cpu", name),
            instance_type=kind.name,
            nodes=1,
            min_nodes=1,
            max_nodes=450,
            gpus=kind.gpu_count,
            price=None,
            share=nodes.share if nodes else None,
        )


def many_entries(folder: Path) -> Catalog:
    """A hundred models of the longest names; half of them are language models, with a server and a role each."""
    lines = {}
    small = next(model for model in many_models(0) if model.variant.startswith("TextGeneration/Small/"))
    for number in range(MODELS):
        name = f"{LONG}{number:03d}"
        if number % 2:
            model = replace(small, entry={**small.entry, "task": TASK, "model": name})
        else:
            model = torchserve(name, owner="ads", weights=100, task=TASK)
        path = folder / "entries" / snake_case(TASK) / f"{snake_case(name)}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(model.entry, sort_keys=False))
        lines[model.variant] = model.release
    (folder / "releases").mkdir()
    (folder / "releases" / "dev.yaml").write_text(release_text(lines))
    return load_catalog(folder)


@pytest.fixture(scope="module", name="generated")
def _generated(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """The program with a hundred models, and with nodes of every instance type in every division."""
    catalog = many_entries(tmp_path_factory.mktemp("catalog"))
    every = tuple(groups())
    allowed = {shared_name(group.instance_type, group.share): 450 for group in every}
    gpus = {name: most for name, most in allowed.items() if INSTANCE_TYPES[name.partition("/")[0]].gpu}
    nodes = {
        "slipway:gpuNodes": json.dumps({"g5.xlarge": 100}),
        "slipway:availabilityZones": json.dumps([f"eu-west-1{zone}" for zone in "abcdefgh"]),
        "slipway:natGateways": "per_zone",
        "slipway:vpcCidr": "10.60.0.0/20",
    }

    def plan(*arguments: Any) -> Plan:
        made = make_plan(*arguments)
        settings = replace(
            arguments[2], gpu_nodes=gpus, cpu_nodes={k: v for k, v in allowed.items() if k not in gpus}
        )
        placed = Placement(shared=(), whole=(), groups=every, assignments=(), moves=())
        pools = {pool.name: pool for pool in (*made.pools, *plan_pools(placed, settings))}
        return replace(made, pools=tuple(pools[name] for name in sorted(pools)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program, "load_catalog", lambda: catalog)
        patch.setattr(program, "read_lock", lambda *_: Lock())
        patch.setattr(program, "make_plan", plan)
        return record(program.run, stack_name="dev", config={**read_stack_config("dev"), **nodes})


@pytest.fixture(name="recording")
def _recording(request: pytest.FixtureRequest) -> Recording:
    stack = request.param
    return request.getfixturevalue("generated") if stack == GENERATED else recorded(stack)


every_stack = pytest.mark.parametrize("recording", [*STACKS, GENERATED], indirect=True)


def faults(recording: Recording, folder: Path) -> list[str]:
    """What AWS would refuse of the program's resources, and what the tables do not map."""
    (configured,) = recording.of_type("pulumi:providers:aws")
    provider = provider_of(folder, configured.inputs)
    found = []
    for resource in recording.resources:
        if resource.type.startswith("aws:"):
            try:
                failures = check(provider, resource.type, _as_of_aws(resource.inputs), resource.name).failures
            except ProviderError as error:
                found.append(f"{resource.urn}: {error}")
                continue
            found += [f"{resource.urn}: {failure.property}: {failure.reason}" for failure in failures]
    return found + list(_long_policies(recording))


def _as_of_aws(value: Any) -> Any:
    """Inputs with ARNs of AWS's form in the place of the mocks'."""
    if isinstance(value, dict):
        return {key: _as_of_aws(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_of_aws(item) for item in value]
    return value.replace("arn:mock:", "arn:aws:mock::123456789012:") if isinstance(value, str) else value


def _long_policies(recording: Recording) -> Iterator[str]:
    sizes: Counter[str] = Counter()
    for policy in recording.of_type("aws:iam/rolePolicy:RolePolicy"):
        sizes[policy.inputs["role"]] += policy_size(policy.inputs["policy"])
    for role, size in sizes.items():
        if size > INLINE_POLICIES:
            yield f"the inline policies of the role {role} have {size} characters together"


@every_stack
def test_every_aws_call_of_the_program_is_valid(recording: Recording, tmp_path: Path) -> None:
    assert faults(recording, tmp_path) == []


def test_the_generated_stack_holds_what_it_should(generated: Recording) -> None:
    pools = generated.of_type("aws:eks/nodeGroup:NodeGroup")
    types = {pool.inputs["instanceTypes"][0] for pool in pools}
    assert types == set(INSTANCE_TYPES)
    templates = generated.of_type("aws:ec2/launchTemplate:LaunchTemplate")
    assert len(templates) == len(pools)
    assert sum("userData" in one.inputs for one in templates) == sum("/" in name for name in shares())
    assert len(generated.of_type("aws:iam/rolePolicy:RolePolicy")) > MODELS // 2
    assert max(len(role.name) for role in generated.of_type("aws:iam/role:Role")) == 64 - len("-0123abc")


def _planted(recording: Recording, type_: str, **changes: Any) -> Recording:
    """The recording with other inputs of one resource."""
    first = recording.of_type(type_)[0]
    wrong = replace(first, inputs={**first.inputs, **changes})
    return Recording(resources=[wrong if one is first else one for one in recording.resources])


@pytest.mark.parametrize(
    ("type_", "changes", "says"),
    [
        ("aws:eks/nodeGroup:NodeGroup", {"capacityType": "SPOTTY"}, "Write one of ON_DEMAND, SPOT"),
        ("aws:eks/nodeGroup:NodeGroup", {"nodeGroupName": "n" * 64}, "1 to 63 letters"),
        ("aws:iam/role:Role", {"description": "roles"}, "its table row does not map"),
        ("aws:kms/key:Key", {"tags": {f"k{number}": "v" for number in range(50)}}, "52 tags"),
    ],
)
def test_a_planted_fault_is_found(type_: str, changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    (fault,) = faults(_planted(recorded("dev"), type_, **changes), tmp_path)
    assert says in fault


def test_a_planted_name_that_is_too_long_is_found(tmp_path: Path) -> None:
    whole = recorded("dev")
    first = whole.of_type("aws:iam/role:Role")[0]
    longer = replace(first, name="r" * 57)
    planted = Recording(resources=[longer if one is first else one for one in whole.resources])
    (fault,) = faults(planted, tmp_path)
    assert "longer than AWS's limit of 64" in fault


def test_a_planted_type_is_found(tmp_path: Path) -> None:
    whole = recorded("dev")
    queue = replace(whole.of_type("aws:kms/key:Key")[0], type="aws:sqs/queue:Queue")
    (fault,) = faults(Recording(resources=[*whole.resources, queue]), tmp_path)
    assert "no table row for the resource type aws:sqs/queue:Queue" in fault


def test_two_planted_policies_of_one_role_are_too_long_together(tmp_path: Path) -> None:
    whole = recorded("dev")
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "a" * 6000}
    inputs = {"role": "r", "policy": json.dumps({"Statement": [statement]})}
    first = whole.of_type("aws:kms/key:Key")[0]
    policies = [
        replace(first, type="aws:iam/rolePolicy:RolePolicy", name=name, inputs=inputs) for name in "ab"
    ]
    (fault,) = faults(Recording(resources=[*whole.resources, *policies]), tmp_path)
    assert "the inline policies of the role r have 12" in fault


def test_the_tables_map_what_the_program_declares_and_nothing_else(generated: Recording) -> None:
    declared: dict[str, set[str]] = defaultdict(set)
    for recording in (generated, *map(recorded, STACKS)):
        for resource in recording.resources:
            if resource.type.startswith("aws:"):
                declared[resource.type] |= resource.inputs.keys()
    assert set(KINDS) == set(declared)
    for token, kind in KINDS.items():
        own = {"tags", *([kind.autoname.property] if kind.autoname else [])}
        assert kind.inputs - own == declared[token] - own, token
