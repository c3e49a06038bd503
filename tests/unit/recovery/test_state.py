"""The state behind a recovery, as JSON."""

from collections.abc import Sequence
from typing import Any

import pytest

from recovery import Candidate, Question, RecoveryError, carry_out, decide, make_plan, recovered, was_made
from tests.unit.recovery.states import (
    PROVIDER,
    STACK,
    assert_whole,
    creating,
    deployment,
    resource,
    urn,
)

ROLE, POLICY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"


def look(_: Question) -> Sequence[Candidate]:
    return ()


def after(state: dict[str, Any]) -> dict[str, Any]:
    result = recovered(state, decide(state, look))
    assert_whole(result)
    assert "pending_operations" not in result
    return result


def of(state: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [item for item in state["resources"] if item["urn"] == urn(ROLE, name)]


def test_a_create_becomes_a_resource_with_its_inputs_and_without_outputs() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}
    inputs = {"name": "reader-1", "description": secret}
    (found,) = of(after(deployment(creating(ROLE, "reader", inputs, protect=True))), "reader")
    assert found == {
        **resource(ROLE, "reader", inputs),
        "id": "reader-1",
        "protect": True,
        "refreshBeforeUpdate": True,
    }


def test_a_new_object_beside_one_in_use_is_to_be_deleted() -> None:
    old = resource(ROLE, "reader", {"name": "reader-1"}, id="reader-1")
    user = resource(POLICY, "policy", id="reader-1:p", dependencies=[urn(ROLE, "reader")])
    found = of(after(deployment(creating(ROLE, "reader", {"name": "reader-2"}), has=(old, user))), "reader")
    assert [(item["id"], item.get("delete", False)) for item in found] == [
        ("reader-1", False),
        ("reader-2", True),
    ]


def test_what_was_deleted_to_be_made_anew_gives_its_place_to_the_new_one() -> None:
    old = resource(ROLE, "reader", id="reader-1", pendingReplacement=True)
    user = resource(POLICY, "policy", id="reader-1:p", dependencies=[urn(ROLE, "reader")])
    state = after(deployment(creating(ROLE, "reader", {"name": "reader-2"}), has=(old, user)))
    assert [(item["id"], "pendingReplacement" in item) for item in of(state, "reader")] == [
        ("reader-2", False)
    ]


def test_what_it_depended_on_and_left_the_state_since_is_left_out() -> None:
    gone = urn(ROLE, "gone")
    more = {"parent": gone, "dependencies": [gone, PROVIDER], "propertyDependencies": {"a": [gone]}}
    state = deployment(creating(ROLE, "reader", {"name": "r"}, **more, deletedWith=gone))
    (found,) = of(after(state), "reader")
    assert (found["parent"], found["dependencies"], found["propertyDependencies"]) == (
        STACK,
        [PROVIDER],
        {"a": []},
    )
    assert "deletedWith" not in found


def test_the_state_that_was_given_is_not_changed() -> None:
    state = deployment(creating(ROLE, "reader", {"name": "r"}))
    after(state)
    assert state == deployment(creating(ROLE, "reader", {"name": "r"}))


def test_a_state_that_changed_meanwhile_is_not_overwritten() -> None:
    state = {"version": 3, "deployment": deployment(creating(ROLE, "reader", {"name": "r"}))}
    imported: list[Any] = []
    plan = make_plan(state, look)
    with pytest.raises(RecoveryError, match="nothing was changed"):
        carry_out(plan, lambda: {**state, "deployment": deployment()}, imported.append)
    assert imported == []
    carry_out(plan, lambda: state, imported.append)
    assert [item["version"] for item in imported] == [3]


def test_a_second_recovery_has_nothing_to_do_but_to_read_what_was_not_read() -> None:
    state = {"version": 3, "deployment": deployment(creating(ROLE, "reader", {"name": "r"}))}
    imported: list[Any] = []
    carry_out(make_plan(state, look), lambda: state, imported.append)
    second = make_plan(imported[0], look)
    assert (second.decisions, second.unread) == ((), [urn(ROLE, "reader")])
    (read,) = of(imported[0]["deployment"], "reader")
    read |= {"outputs": {"name": "r"}}
    assert make_plan(imported[0], look).unread == []


def test_after_the_refresh_what_left_the_state_was_never_made() -> None:
    pending = (creating(ROLE, "a", {"name": "a"}), creating(ROLE, "b", {"name": "b"}))
    plan = make_plan({"deployment": deployment(*pending)}, look)
    refreshed = {"deployment": deployment(has=(resource(ROLE, "a", id="a"),))}
    assert [(decision.id, exists) for decision, exists in was_made(plan, refreshed)] == [
        ("a", True),
        ("b", False),
    ]


def test_a_stack_that_was_never_updated_has_nothing_to_recover() -> None:
    plan = make_plan({"version": 3, "deployment": None}, look)
    assert (plan.decisions, plan.unread, plan.changes_the_state) == ((), [], False)
