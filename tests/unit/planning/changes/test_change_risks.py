"""What a reviewer is warned of, and what not: only what the change brings."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engines import FETCH_IMAGE
from hardware import PurchaseOption
from model_catalog import Budget, Entry
from planning import Plan, PoolSettings
from planning.changes import ChangeRiskKind, PlanChanges
from planning.changes.spare import has_spare_room
from tests.unit.planning.changes.cases import (
    CHAT,
    LLM,
    SETTINGS,
    SHARED,
    changes,
    entry,
    overriding,
    plan,
    written,
)

TUNED = overriding("Reader/fr", batch_size=2)
"""What a running server cannot take."""
LANGUAGES = ("ar", "de", "el", "en", "es", "fr", "he", "hi", "it", "ja", "ru", "th")


def kinds(found: PlanChanges) -> list[tuple[str, str]]:
    return [(one.kind.value, one.server) for one in found.risks]


def message(found: PlanChanges, kind: ChangeRiskKind) -> str:
    (one,) = (risk for risk in found.risks if risk.kind is kind)
    return one.message


def test_a_lone_replica_that_restarts_needs_a_spare_gpu_and_there_is_none() -> None:
    before = plan(entry("Reader", "fr"))
    found = changes(before, written(before, entry("Reader", "fr"), releases=TUNED))
    assert kinds(found) == [("no_spare", SHARED)]
    assert "needs a spare GPU to surge: there is none in gpu-g4dn-xlarge" in found.risks[0].message


def test_two_replicas_restart_without_a_risk() -> None:
    before = plan(entry("Reader", "fr", replicas=2))
    assert changes(before, written(before, entry("Reader", "fr", replicas=2), releases=TUNED)).risks == ()


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (SETTINGS, "no_spare"),
        # Three of the node's four GPUs are free.
        (replace(SETTINGS, gpu_nodes={"g4dn.12xlarge": 4}), "outage_at_rollout"),
        # The pool may grow, and something makes it grow.
        (replace(SETTINGS, autoscaled=True), "outage_at_rollout"),
        (replace(SETTINGS, autoscaled=True, gpu_nodes={"g4dn.xlarge": 1}), "no_spare"),
    ],
)
def test_room_that_nobody_adds_is_no_spare_gpu(settings: PoolSettings, kind: str) -> None:
    before = plan(entry("Reader", "fr"), settings=settings)
    found = changes(before, written(before, entry("Reader", "fr"), releases=TUNED, settings=settings))
    assert [risk.kind.value for risk in found.risks] == [kind]


@pytest.mark.parametrize(
    ("type_name", "nodes", "gpus", "taken", "spare"),
    [
        ("g4dn.xlarge", 2, 1, 2, False),
        ("g4dn.xlarge", 2, 1, 1, True),
        ("g4dn.12xlarge", 1, 4, 0, True),
        ("g4dn.12xlarge", 1, 4, 1, False),
        # Four of eight GPUs are free, and perhaps two on each node.
        ("g4dn.12xlarge", 2, 4, 4, False),
        ("g4dn.12xlarge", 2, 2, 4, True),
        ("m6i.2xlarge", 2, 0, 2, False),
        ("m6i.2xlarge", 2, 0, 1, True),
    ],
)
def test_free_gpus_are_room_only_where_they_are_on_one_node_for_sure(
    type_name: str, nodes: int, gpus: int, taken: int, spare: bool
) -> None:
    settings = replace(
        SETTINGS, gpu_nodes={}, cpu_nodes={}, system_instance_type=type_name, system_nodes=nodes
    )
    (pool,) = plan(settings=settings).pools
    assert has_spare_room(pool, gpus=gpus, taken=taken) is spare


def test_fewer_replicas_and_the_way_there_are_told() -> None:
    before = plan(entry("Reader", "fr", replicas=2))
    found = changes(before, written(before, entry("Reader", "fr")))
    assert kinds(found) == [("replicas_lowered", SHARED)]
    assert message(found, ChangeRiskKind.REPLICAS_LOWERED) == f"{SHARED} has 1 of 2 replicas left"


def test_a_new_server_with_one_replica_is_told_and_one_with_two_is_not() -> None:
    before = plan()
    assert kinds(changes(before, written(before, llm=CHAT))) == [("single_replica", LLM)]
    assert changes(before, written(before, entry("Reader", "fr", replicas=2))).risks == ()


def test_a_crowd_that_grows_is_told_with_its_size() -> None:
    before = plan(entry("Reader", *LANGUAGES[:10], weights="100MiB", device="cpu"))
    more = plan(entry("Reader", *LANGUAGES[:11], weights="100MiB", device="cpu"), lock=before.placement.lock)
    assert "has 11 models in one process, 10 before" in message(
        changes(before, more), ChangeRiskKind.FAILURE_DOMAIN
    )
    assert ChangeRiskKind.FAILURE_DOMAIN not in {risk.kind for risk in changes(more, before).risks}


def test_a_gpu_with_hardly_anything_left_is_told_once() -> None:
    tight = entry("Reader", "fr", weights="10500MiB")
    settings = replace(SETTINGS, gpu_nodes={"g4dn.2xlarge": 4})
    before = plan(settings=settings)
    found = changes(before, written(before, tight, settings=settings))
    assert "under 5 %" in message(found, ChangeRiskKind.GPU_TIGHT)
    same = written(before, tight, settings=settings)
    tuned = {**tight, "owner": "other"}
    again = changes(same, written(same, tuned, settings=settings))
    assert again.servers
    assert again.risks == ()


def test_a_pool_that_reaches_what_the_stack_allows_is_told() -> None:
    before = plan(entry("Reader", "fr", replicas=3))
    found = changes(before, written(before, entry("Reader", "fr", replicas=4)))
    assert kinds(found) == [("pool_at_max", "")]
    assert "has all 4 nodes of g4dn.xlarge that the stack file allows" in found.risks[0].message


def test_another_instance_type_is_told_as_a_replaced_pool() -> None:
    before = plan(entry("Reader", "en", "fr"))
    settings = replace(SETTINGS, gpu_nodes={"g5.xlarge": 4})
    found = changes(before, written(before, entry("Reader", "en", "fr"), settings=settings))
    said = message(found, ChangeRiskKind.POOL_REPLACED)
    assert "gpu-g4dn-xlarge (g4dn.xlarge) goes, and all of its servers with it" in said
    assert "2 placements of it now on gpu-g5-xlarge (g5.xlarge)" in said


def test_a_model_that_leaves_a_server_that_stays_may_have_nobody_to_answer() -> None:
    before = plan(entry("Finder", "es"), entry("Reader", "fr"))
    apart = entry("Reader", "fr", owner="b", sharing={"keep_apart_from": ["search"]})
    found = changes(before, written(before, entry("Finder", "es"), apart))
    said = message(found, ChangeRiskKind.MOVED)
    assert (
        f"QuestionAnswering/Reader/fr: {SHARED} lets go when its drain grace is over, or at once where it restarts"
        in said
    )
    assert "gpu-g4dn-xlarge-torchserve-2 answers once it has loaded" in said


def test_a_server_that_goes_answers_until_its_models_are_elsewhere() -> None:
    before = plan(entry("Reader", "en", "fr"))
    settings = replace(SETTINGS, gpu_nodes={"g5.xlarge": 4})
    found = changes(before, written(before, entry("Reader", "en", "fr"), settings=settings))
    assert ChangeRiskKind.MOVED not in {risk.kind for risk in found.risks}


@pytest.mark.parametrize(
    ("after", "told"),
    [(lambda before: written(before, entry("Reader", "fr"), llm=CHAT), True), (lambda before: before, False)],
)
def test_an_unknown_price_is_told_where_nodes_are_bought(after: Callable[[Plan], Plan], told: bool) -> None:
    before = plan(entry("Reader", "fr"))
    found = changes(before, after(before), prices={})
    assert (ChangeRiskKind.PRICE_UNKNOWN in {risk.kind for risk in found.risks}) is told


def test_a_change_that_goes_over_the_budget_is_told_and_one_that_spends_less_is_not() -> None:
    budget = Budget.model_validate({"usd_per_month": 600, "reason": "As in tests.", "by": "lead"})
    one = plan(entry("Reader", "fr"))
    small, large = (
        replace(each, budget=budget) for each in (one, written(one, entry("Reader", "fr"), llm=CHAT))
    )
    said = message(changes(small, large), ChangeRiskKind.BUDGET)
    assert said.endswith("a month above the budget of $600.00: `slipway validate` refuses it")
    assert ChangeRiskKind.BUDGET not in {risk.kind for risk in changes(large, small).risks}


def test_another_region_is_everything_anew() -> None:
    before = plan(entry("Reader", "fr"))
    found = changes(before, before, regions=("us-east-1", "eu-west-1"))
    assert kinds(found)[0] == ("region", "")
    assert found.cost
    assert found.cost.total.usd_per_hour == Decimal(0)


def test_a_pool_that_shrinks_may_take_a_node_from_a_server_that_stays() -> None:
    before = plan(entry("Reader", "fr"), llm=CHAT)
    found = changes(before, written(before, entry("Reader", "fr")))
    assert kinds(found) == [("pool_shrinks", "")]
    assert message(found, ChangeRiskKind.POOL_SHRINKS) == (
        f"gpu-g4dn-xlarge goes from 2 to 1 node before {LLM} is deleted: {SHARED} may lose its node, and is away until "
        "what left is deleted"
    )


def test_a_pool_that_shrinks_under_a_server_that_restarts_may_fail_the_update() -> None:
    before = plan(entry("Reader", "fr"), llm=CHAT)
    found = changes(before, written(before, entry("Reader", "fr"), releases=TUNED))
    assert "may wait for a node until its deadline" in message(found, ChangeRiskKind.POOL_SHRINKS)
    assert "apply what changes it first" in message(found, ChangeRiskKind.POOL_SHRINKS)


def test_an_autoscaler_takes_no_node_that_somebody_needs() -> None:
    scaled = replace(SETTINGS, autoscaled=True)
    before = plan(entry("Reader", "fr"), settings=scaled, llm=CHAT)
    assert changes(before, written(before, entry("Reader", "fr"), settings=scaled)).risks == ()


def test_nodes_that_are_paid_for_in_another_way_are_replaced() -> None:
    spot = replace(SETTINGS, purchase_option=PurchaseOption.SPOT)
    before = plan(entry("Reader", "fr"))
    found = changes(before, written(before, entry("Reader", "fr"), settings=spot))
    assert kinds(found) == [("purchase_option", "")]
    assert (
        "gpu-g4dn-xlarge is spot instead of on_demand: all its nodes are replaced" in found.risks[0].message
    )
    assert not found.empty


@pytest.mark.parametrize(
    ("device", "weights", "before", "after", "told"),
    [
        # A g4dn.xlarge's GPU holds one version of 9 GiB, and not two.
        ("gpu", "9000MiB", {"default": "1"}, {"default": "2"}, "of its GPU: what comes may fail to load"),
        ("gpu", "2000MiB", {"default": "1"}, {"default": "2"}, ""),
        # Nothing leaves: the plan counts both.
        ("gpu", "3000MiB", {"default": "1"}, {"default": "1", "versions": ["1", "2"]}, ""),
        # Nothing comes.
        ("gpu", "3000MiB", {"default": "1", "versions": ["1", "2"]}, {"default": "1"}, ""),
        # An m6i.2xlarge has 32 GiB.
        ("cpu", "12000MiB", {"default": "1"}, {"default": "2"}, "of its pod: it may be killed for memory"),
        ("cpu", "4000MiB", {"default": "1"}, {"default": "2"}, ""),
    ],
)
def test_old_and_new_that_do_not_fit_together_are_told(
    device: str, weights: str, before: dict[str, Any], after: dict[str, Any], told: str
) -> None:
    variant = "QuestionAnswering/Reader/fr"
    reader = entry("Reader", "fr", weights=weights, device=device)
    old = plan(reader, releases={variant: before})
    found = changes(old, written(old, reader, releases={variant: after}))
    said = [risk.message for risk in found.risks if risk.kind is ChangeRiskKind.SWITCH_NEEDS_ROOM]
    assert (found.restarts, len(said)) == ((), 1 if told else 0)
    for one in said:
        assert f"{variant}@1 (leaving) beside {variant}@2 (coming)" in one
        assert told in one
        assert f"Add {variant}@2 in one change and retire {variant}@1 in the next" in one


def test_a_switch_that_comes_with_new_pods_needs_no_room_for_both() -> None:
    variant = "QuestionAnswering/Reader/fr"
    reader = entry("Reader", "fr", weights="9000MiB")
    old = plan(reader, releases={variant: {"default": "1"}})
    new = written(old, reader, releases={variant: {"default": "2"}})
    pods = replace(new, servers=tuple(replace(one, image=FETCH_IMAGE) for one in new.servers))
    assert ChangeRiskKind.SWITCH_NEEDS_ROOM in {risk.kind for risk in changes(old, new).risks}
    assert kinds(changes(old, pods)) == [("no_spare", SHARED)]


def unpinned(*versions: str) -> Entry:
    """The language model, of whose versions nobody has pinned these."""
    language = CHAT.languages["mul"]
    artifact = language.versions["1"].artifact.model_copy(update={"digest": "unresolved"})
    changed = {name: language.versions[name].model_copy(update={"artifact": artifact}) for name in versions}
    return CHAT.model_copy(
        update={
            "languages": {"mul": language.model_copy(update={"versions": {**language.versions, **changed}})}
        }
    )


def test_a_language_model_that_cannot_be_served_any_more_is_told_as_nobody_answering_and_restarts_nothing() -> (
    None
):
    served = plan(llm=CHAT)
    found = changes(served, plan(llm=unpinned("1", "2")))
    assert kinds(found) == [("not_served", LLM)]
    assert found.risks[0].message.endswith("; nobody answers TextGeneration/Chat/mul any more")
    (server,) = found.servers
    assert (server.before.running, server.after.running, server.restart) == (1, 0, None)


def test_a_language_model_that_begins_to_be_served_is_no_risk_and_keeps_nobody_waiting() -> None:
    served = plan(llm=CHAT)
    found = changes(plan(llm=unpinned("1", "2")), served)
    assert (found.risks, found.restarts) == ((), ())
    (server,) = found.servers
    assert (server.before.running, server.after.running) == (0, 1)


def test_a_new_language_model_that_cannot_be_served_is_told_as_that_and_not_as_a_lone_replica() -> None:
    assert kinds(changes(plan(), plan(llm=unpinned("1", "2")))) == [("not_served", LLM)]


def test_the_other_version_of_a_language_model_does_not_answer_for_its_default() -> None:
    running = {"TextGeneration/Chat/mul": {"default": "1", "versions": ["1", "2"]}}
    served = plan(llm=CHAT, releases=running)
    without_default = plan(llm=unpinned("1"), releases=running)
    assert "nobody answers TextGeneration/Chat/mul any more" in message(
        changes(served, without_default), ChangeRiskKind.NOT_SERVED
    )
    without_other = plan(llm=unpinned("2"), releases=running)
    assert "nobody answers" not in message(changes(served, without_other), ChangeRiskKind.NOT_SERVED)
