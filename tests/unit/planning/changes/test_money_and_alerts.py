"""What a change makes of nodes, GPUs, the bill and alerts."""

from dataclasses import replace
from decimal import Decimal

from model_catalog.changes import Change
from planning.capacity import Use
from tests.unit.planning.changes.cases import CHAT, LLM, SETTINGS, SHARED, changes, entry, plan, written

GPU = Decimal("0.526")
"""A g4dn.xlarge an hour in us-east-1."""


def test_a_node_more_is_paid_by_whom_it_serves() -> None:
    before = plan(entry("Reader", "fr"))
    found = changes(before, written(before, entry("Reader", "fr"), llm=CHAT))
    (pool,) = found.pools
    assert (pool.name, pool.before, pool.after, pool.gpus) == ("gpu-g4dn-xlarge", 1, 2, (1, 2))
    assert pool.cost.usd_per_hour == GPU
    assert (found.gpus, found.gpus_bought) == ((1, 2), (1, 2))
    assert found.cost
    assert (found.cost.total.usd_per_hour, found.cost.total.usd_per_month) == (GPU, GPU * 730)
    assert [(one.owner, one.use, one.cost.usd_per_hour) for one in found.cost.by_owner] == [
        ("team", Use.MODEL, GPU)
    ]


def test_a_model_that_fits_beside_another_moves_cost_between_owners_and_adds_none() -> None:
    before = plan(entry("Reader", "fr"))
    found = changes(before, written(before, entry("Reader", "fr"), entry("Finder", "es", owner="other")))
    assert found.cost
    assert found.cost.total.usd_per_hour == 0
    assert [(one.owner, one.cost.usd_per_hour) for one in found.cost.by_owner] == [
        ("other", GPU / 2),
        ("search", -GPU / 2),
    ]
    assert found.pools == ()


def test_a_price_that_is_unknown_is_named_and_not_counted() -> None:
    before = plan(entry("Reader", "fr"))
    found = changes(before, written(before, entry("Reader", "fr"), llm=CHAT), prices={})
    assert found.cost
    assert found.cost.total.usd_per_hour == 0
    assert "no price of g4dn.xlarge is known" in found.cost.total.missing


def test_another_region_s_price_is_named() -> None:
    before = plan(entry("Reader", "fr"))
    found = changes(before, before, regions=("eu-west-1", "eu-west-1"))
    assert found.cost
    assert found.cost.total.stand_ins == ("us-east-1's price: eu-west-1's is unknown",)


def test_gpus_that_are_bought_are_told_from_those_that_are_asked_for() -> None:
    settings = replace(SETTINGS, gpu_nodes={"g4dn.12xlarge": 4})
    before = plan(entry("Reader", "fr"), settings=settings)
    found = changes(before, written(before, entry("Reader", "fr", replicas=1), llm=CHAT, settings=settings))
    assert found.gpus == (1, 2)
    assert found.gpus_bought == (4, 4)


def test_a_server_s_alerts_come_and_go_with_it() -> None:
    before = plan(entry("Reader", "fr"))
    after = written(before, entry("Reader", "fr"), llm=CHAT)
    added, removed = changes(before, after).alerts, changes(after, before).alerts
    assert {one.change for one in added} == {Change.ADDED}
    assert {one.change for one in removed} == {Change.REMOVED}
    assert [(one.name, one.server) for one in added] == [(one.name, one.server) for one in removed]
    assert {one.server for one in added} == {LLM}
    assert "SlipwayServerNotReady" in {one.name for one in added}


def test_another_threshold_is_a_changed_alert_and_another_text_is_none() -> None:
    before = plan(entry("Reader", "fr"))
    slower = entry("Reader", "fr", serving={"max_batch_delay": "2s"})
    (alert,) = changes(before, written(before, slower)).alerts
    assert (alert.name, alert.server, alert.change) == ("SlipwayQueueWait", SHARED, Change.CHANGED)
    (expression,) = alert.settings
    assert expression.name == "expression"
    assert expression.old.endswith("> 1100000")
    assert expression.new.endswith("> 3000000")
    assert changes(before, written(before, entry("Reader", "fr"), entry("Finder", "es"))).alerts == ()
