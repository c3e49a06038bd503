"""A plan's report: what is on each GPU, who pays, and what to mind."""

from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from hardware import PRICES, PurchaseOption
from model_catalog import Budget, Catalog, Engine, EntryFile, Environment, Release, Selector
from planning import Plan, PoolSettings, make_plan
from planning.capacity import Use, total_cost
from planning.capacity.cost import Prices
from planning.capacity.memory import PartName
from planning.report import Report, RiskKind, make_report
from tests.unit.planning.entries import VLLM_ENTRY

SETTINGS = PoolSettings(
    region="us-east-1",
    gpu_nodes={"g4dn.xlarge": 8},
    cpu_nodes={"m6i.2xlarge": 4},
    system_instance_type="m6i.large",
    system_nodes=2,
)
DIGEST = f"sha256:{'a' * 64}"
READER: dict[str, Any] = {
    "task": "QuestionAnswering",
    "model": "Reader",
    "description": "As in tests.",
    "owner": "search",
    "engine": "torchserve",
    "languages": {
        language: {
            "scripts": ["Latn"],
            "versions": {
                "1": {
                    "artifact": {"bucket": "research-models", "path": "a/b.mar", "digest": DIGEST},
                    "license": "LicenseRef-internal",
                    "memory": {"weights": weights, "per_request": "12MiB"},
                }
            },
        }
        for language, weights in (("en", "400MiB"), ("fr", "1200MiB"))
    },
}
SYSTEM_COST = Decimal("0.192")
GPU_COST = Decimal("0.526")


def plan(*entries: dict[str, Any], settings: PoolSettings = SETTINGS, llm: bool = False) -> Plan:
    read = [EntryFile.model_validate(entry).root for entry in entries] + ([VLLM_ENTRY] if llm else [])
    release = {
        f"{entry.task}/{entry.model}/{language}": {"default": "1"}
        for entry in read
        for language in entry.languages
    }
    catalog = Catalog(entries=tuple(read), releases={Environment.DEV: Release.model_validate(release)})
    return make_plan(catalog, Environment.DEV, settings)


def report(
    *entries: dict[str, Any],
    settings: PoolSettings = SETTINGS,
    region: str = "us-east-1",
    prices: Prices = PRICES,
    llm: bool = False,
) -> Report:
    return make_report(plan(*entries, settings=settings, llm=llm), region, prices)


def test_an_environment_that_serves_nothing_has_its_system_pool_and_pays_for_it() -> None:
    (pool,) = (made := report()).pools
    assert (pool.use, pool.nodes, pool.cost.usd_per_hour) == (Use.SYSTEM, 2, SYSTEM_COST)
    assert made.total == pool.cost
    assert (made.alternatives, made.risks) == ((), ())


@pytest.mark.parametrize(
    "made",
    [
        report(),
        report(READER),
        report({**READER, "device": "cpu", "replicas": 3}),
        report({**READER, "replicas": 3}, llm=True),
        report(READER, settings=replace(SETTINGS, gpu_nodes={"g4dn.12xlarge": 2}), llm=True),
        report(READER, region="eu-west-1"),
        report(READER, prices={}),
    ],
    ids=["empty", "GPU", "CPU", "replicas and an LLM", "four GPUs a node", "stand-ins", "no prices"],
)
def test_charges_add_up_to_the_pools_and_bars_to_the_gpus(made: Report) -> None:
    assert total_cost(one.cost for one in made.charges) == total_cost(pool.cost for pool in made.pools)
    for pool in made.pools:
        assert sum(bar.count for bar in pool.bars) == pool.gpus
        charged = total_cost(one.cost for one in made.charges if one.pool == pool.name)
        assert charged == pool.cost


def test_versions_of_a_server_pay_by_the_gpu_memory_they_need() -> None:
    made = report(READER)
    charges = [one for one in made.charges if one.use is Use.MODEL]
    (server,) = next(pool for pool in made.pools if pool.gpus).servers
    english, french = (version.memory for version in server.versions)
    assert english
    assert french
    assert total_cost(one.cost for one in charges).usd_per_hour == GPU_COST == server.cost.usd_per_hour
    assert [one.cost.usd_per_hour for one in charges] == [
        pytest.approx(GPU_COST * memory / (english + french)) for memory in (english, french)
    ]


def test_a_bar_has_the_parts_of_all_versions_of_its_gpu_and_what_is_free() -> None:
    (pool,) = (pool for pool in report(READER).pools if pool.gpus)
    (bar,) = pool.bars
    assert bar.usable
    assert bar.free == bar.usable - sum(segment.memory for segment in bar.segments)
    assert bar.parts[PartName.WEIGHTS] == 1600 * 1024**2
    assert {segment.selector.language for segment in bar.segments} == {"en", "fr"}
    assert all(segment.source for segment in bar.segments)
    assert "by the driver (https://" in pool.usable_source


def test_gpus_that_hold_the_same_are_one_bar_and_spare_ones_another() -> None:
    made = report({**READER, "replicas": 2}, settings=replace(SETTINGS, gpu_nodes={"g4dn.12xlarge": 2}))
    (pool,) = (pool for pool in made.pools if pool.gpus)
    assert [(bar.count, bar.servers) for bar in pool.bars] == [
        (2, ("gpu-g4dn-12xlarge-set-1-torchserve-1",)),
        (6, ()),
    ]
    assert (pool.gpus_taken, pool.gpus_spare) == (2, 6)
    idle = [one for one in made.charges if one.use is Use.IDLE]
    assert [one.cost.usd_per_hour for one in idle] == [pool.cost.usd_per_hour * 3 / 4]


def test_a_language_model_claims_more_than_it_needs() -> None:
    (pool,) = (pool for pool in report(llm=True).pools if pool.gpus)
    (bar,), (server,) = pool.bars, pool.servers
    assert server.engine is Engine.VLLM
    assert bar.claimed
    assert bar.claimed > bar.taken


@pytest.mark.parametrize(
    ("fields", "kind", "said"),
    [
        ({}, "g4dn.xlarge", "has one replica, and no GPU is spare"),
        ({}, "g4dn.12xlarge", "has one replica: a rollout stops it"),
        ({"device": "cpu"}, "g4dn.xlarge", "has one replica: a rollout stops it"),
        ({"replicas": 2}, "g4dn.xlarge", None),
    ],
)
def test_a_server_with_one_replica_is_away_while_it_rolls_out(
    fields: dict[str, Any], kind: str, said: str | None
) -> None:
    made = report({**READER, **fields}, settings=replace(SETTINGS, gpu_nodes={kind: 4}))
    found = [risk for risk in made.risks if risk.kind is RiskKind.OUTAGE_AT_ROLLOUT]
    assert [said in risk.message and "for up to 3m" in risk.message for risk in found if said] == (
        [True] if said else []
    )
    assert bool(found) == bool(said)


def test_a_version_without_a_digest_is_placed_and_told_as_not_served() -> None:
    said = deepcopy(READER)
    said["languages"]["fr"]["versions"]["1"]["artifact"]["digest"] = "unresolved"
    made = report({**said, "replicas": 2})
    (server,) = (server for pool in made.pools for server in pool.servers)
    why = (
        "not served: its artifact's digest is unresolved; "
        "`slipway artifacts digest s3://research-models/a/b.mar` prints it"
    )
    assert [version.not_served for version in server.versions] == ["", why]
    (risk,) = made.risks
    assert (risk.kind, risk.server) == (RiskKind.NOT_SERVED, server.name)
    assert risk.message == (
        f"{server.name} serves 1 of its 2 versions. QuestionAnswering/Reader/fr@1 is {why}"
    )


@pytest.mark.parametrize(
    ("region", "prices", "kinds"),
    [
        ("us-east-1", PRICES, []),
        ("eu-west-1", PRICES, [RiskKind.PRICE_STAND_IN] * 2),
        ("us-east-1", {}, [RiskKind.PRICE_UNKNOWN] * 2),
    ],
)
def test_each_pool_without_a_price_of_its_region_is_named(
    region: str, prices: Prices, kinds: list[RiskKind]
) -> None:
    made = report({**READER, "replicas": 2}, region=region, prices=prices)
    assert [risk.kind for risk in made.risks] == kinds
    assert made.total.unknown == (not prices)


def test_a_total_with_one_unknown_price_is_a_lower_bound() -> None:
    made = report(READER, prices={key: price for key, price in PRICES.items() if key[0] != "g4dn.xlarge"})
    assert made.total.at_least
    assert made.total.usd_per_hour == SYSTEM_COST


def test_memory_of_a_gpu_that_nobody_read_is_unknown_and_said_to_be() -> None:
    known = plan(READER)
    pools = [
        replace(
            pool,
            instance_type=replace(pool.instance_type, gpu=replace(pool.instance_type.gpu, driver_total=None)),
        )
        for pool in known.pools
        if pool.instance_type.gpu
    ]
    made = make_report(replace(known, pools=tuple(pools)), "us-east-1")
    (pool,) = made.pools
    assert [(bar.usable, bar.free, bar.segments) for bar in pool.bars] == [(None, None, ())]
    assert [version.memory for version in pool.servers[0].versions] == [None, None]
    assert RiskKind.GPU_MEMORY_UNKNOWN in {risk.kind for risk in made.risks}
    assert total_cost(one.cost for one in made.charges) == pool.cost


def test_the_comparison_gives_each_model_a_server_and_a_gpu_of_its_own() -> None:
    made = report({**READER, "replicas": 2}, llm=True)
    assert [
        (one.gpu_nodes, one.gpus, one.cost.usd_per_hour) for one in (made.planned, *made.alternatives)
    ] == [
        (3, 3, SYSTEM_COST + 3 * GPU_COST),
        (5, 5, SYSTEM_COST + 5 * GPU_COST),
    ]


def test_models_apart_may_still_share_a_node_and_may_need_more_nodes_than_are_allowed() -> None:
    many = replace(SETTINGS, gpu_nodes={"g4dn.12xlarge": 2})
    made = report(READER, settings=many, llm=True)
    assert [(one.gpu_nodes, one.gpus) for one in (made.planned, *made.alternatives)] == [(1, 2), (1, 3)]
    few = replace(SETTINGS, gpu_nodes={"g4dn.xlarge": 1})
    made = report(READER, settings=few)
    assert [one.gpu_nodes for one in (made.planned, *made.alternatives)] == [1, 2]


@pytest.mark.parametrize(
    ("limit", "prices", "kept"),
    [("1000", PRICES, True), ("200", PRICES, False), ("1000", {}, None)],
    ids=["within", "above", "unknown"],
)
def test_a_budget_is_kept_or_not_or_nobody_knows(limit: str, prices: Prices, kept: bool | None) -> None:
    budget = Budget.model_validate({"usd_per_month": limit, "reason": "agreed", "by": "lead"})
    made = make_report(replace(plan(READER), budget=budget), "us-east-1", prices)
    assert made.spending
    assert made.spending.kept is kept
    if prices:
        assert made.spending.excess == made.total.usd_per_month - Decimal(limit)


def test_a_selector_leaves_the_matching_servers_their_pools_and_their_part_of_the_cost() -> None:
    whole = report(READER, llm=True)
    french = whole.only(Selector.parse("QuestionAnswering/Reader/fr"))
    assert [pool.name for pool in french.pools] == ["gpu-g4dn-xlarge"]
    assert [server.name for server in french.pools[0].servers] == ["gpu-g4dn-xlarge-torchserve-1"]
    assert {one.language for one in french.charges} == {"fr"}
    assert french.total.usd_per_hour < GPU_COST
    assert french.pools[0].gpus_taken == 2
    assert french.planned == whole.planned
    assert {risk.server for risk in french.risks} == {"gpu-g4dn-xlarge-torchserve-1"}


def test_equal_input_gives_an_equal_report() -> None:
    assert report(READER, llm=True) == report(READER, llm=True)


def test_spot_nodes_are_a_risk_and_the_system_has_none() -> None:
    made = report(READER, settings=replace(SETTINGS, purchase_option=PurchaseOption.SPOT))
    assert [risk.pool for risk in made.risks if risk.kind is RiskKind.SPOT_NODES] == ["gpu-g4dn-xlarge"]
    assert {pool.name: pool.purchase_option.value for pool in made.pools} == {
        "gpu-g4dn-xlarge": "spot",
        "system-m6i-large": "on_demand",
    }
