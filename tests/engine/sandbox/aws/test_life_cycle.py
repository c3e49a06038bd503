"""Every emulated type goes through the same life: made, read, changed, replaced, deleted, deleted again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from plugin_server.provider import Read
from sandbox.aws import schema
from sandbox.aws.table import KINDS
from tests.engine.sandbox.aws.cases import CASES, Case, node_group
from tests.engine.sandbox.aws.conftest import Resource

if TYPE_CHECKING:
    from tests.engine.sandbox.aws.conftest import Engine, FakeCluster

NOT_READ = {"resolveConflictsOnCreate", "resolveConflictsOnUpdate"}
"""Inputs of a call that AWS forgets."""


def test_every_emulated_type_has_a_case() -> None:
    assert {case.token for case in CASES} == set(KINDS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_resource_lives_from_create_to_a_second_delete(engine: Engine, case: Case) -> None:
    kind = KINDS[case.token]
    inputs = case.base(engine)

    preview = engine.create(case.token, "subject", inputs, preview=True)
    assert {key: preview.state[key] for key in preview.inputs} == preview.inputs
    assert kind.computed <= preview.state.keys(), "what AWS decides is unknown in a preview, not absent"
    assert set(preview.state) <= schema.outputs_of(case.token) | {"tagsAll"}
    made = engine.create(case.token, "subject", inputs)
    assert set(made.state) <= schema.outputs_of(case.token), "outputs have the SDK's names"
    promised = {key for key in preview.state if key not in made.state}
    assert promised <= kind.computed, f"{promised} were shown in the preview and never came"
    assert engine.drift(made) == [], "a refresh straight after a create shows nothing"
    _, again = engine.plan(made, inputs)
    assert again.changes == ()
    imported = engine.provider.read(Read(urn=made.urn, id=case.import_id(made), inputs={}, state={}))
    assert imported is not None, "an object is found by the id that the real provider documents"
    assert imported.id == made.id
    described = engine.checked(case.token, "subject", imported.inputs, imported.inputs)
    left_out = made.inputs.keys() - described.keys() - NOT_READ
    assert not left_out, f"an import finds all inputs, and not {left_out}"
    found = Resource(made.urn, imported.id, imported.inputs, imported.state)
    assert engine.diff(found, described).changes == (), "what an import finds is a program without a change"

    if case.change:
        wanted = {**inputs, **case.change}
        checked, difference = engine.plan(made, wanted)
        assert {str(change.path[0]) for change in difference.changes} - {"tagsAll"} == set(case.change)
        assert not any(change.replaces for change in difference.changes)
        engine.update(made, checked, preview=True)
        engine.update(made, checked)
        assert engine.drift(made) == [], "a refresh straight after an update shows nothing"
        assert set(made.state) <= schema.outputs_of(case.token)

    if case.replace:
        _, difference = engine.plan(made, {**inputs, **case.change, **case.replace})
        assert any(change.replaces for change in difference.changes)

    engine.delete(made)
    if not case.stays:
        assert engine.read(made) is None, "a deleted resource is gone"
    engine.delete(made)


def test_what_an_account_that_was_started_anew_no_longer_has_is_deleted_without_a_fault(
    engine: Engine, empty_account: Callable[[], None]
) -> None:
    made = []
    for case in CASES:
        engine.made.clear()
        engine.create(case.token, "subject", case.base(engine))
        made += engine.made
    empty_account()
    for resource in reversed(made):
        engine.delete(resource)
        assert engine.read(resource) is None


def test_everything_is_deleted_in_reverse_order_and_nothing_is_left(
    engine: Engine, cluster: FakeCluster
) -> None:
    group_inputs = node_group(engine)
    engine.create("aws:eks/nodeGroup:NodeGroup", "pool", group_inputs)
    for resource in reversed(list(engine.made)):
        engine.delete(resource)
    assert group_inputs["clusterName"] not in engine.aws("eks").list_clusters()["clusters"]
    names = [group["GroupName"] for group in engine.aws("ec2").describe_security_groups()["SecurityGroups"]]
    own = f"eks-cluster-sg-{group_inputs['clusterName']}"
    assert own not in names, "the security group that EKS makes goes with its cluster"
    assert cluster.nodes == {}
