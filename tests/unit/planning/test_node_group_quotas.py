"""More nodes than a node group takes are refused, more groups than a cluster takes by default are warned of."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from model_catalog import Catalog, Environment, load_catalog
from planning import (
    Plan,
    PlanningError,
    PoolPlan,
    PoolSettings,
    make_plan,
    make_repacked_plan,
    too_many_groups,
)
from planning.node_group_quotas import refuse_large_groups
from planning.report import RiskKind, make_report
from tests.support.pools import POOLS

PAGE = "https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html"


def planned(settings: PoolSettings = POOLS) -> Plan:
    return make_plan(load_catalog(), Environment.DEV, settings)


def groups(number: int) -> tuple[PoolPlan, ...]:
    (one, *_) = planned().pools
    return tuple(replace(one, name=f"{one.name}-{index}") for index in range(number))


def test_a_group_of_450_nodes_is_planned_and_one_of_451_is_refused_with_its_name_and_the_source() -> None:
    fits, large, larger = (
        replace(pool, name=name, max_nodes=most)
        for pool, name, most in zip(groups(3), ("fits", "large", "larger"), (450, 451, 9000), strict=True)
    )
    refuse_large_groups([fits])
    with pytest.raises(
        PlanningError, match=rf"at most 450 nodes \({PAGE}\).*: large 451, larger 9000\. Lower"
    ):
        refuse_large_groups([fits, large, larger])


@pytest.mark.parametrize("make", [make_plan, make_repacked_plan])
@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (replace(POOLS, autoscaled=True, gpu_nodes={"g4dn.xlarge": 451}), "gpu-g4dn-xlarge 451"),
        (replace(POOLS, autoscaled=True, cpu_nodes={"m6i.2xlarge": 500}), "cpu-m6i-2xlarge 500"),
        (replace(POOLS, system_nodes=450), "system-m6i-large 451"),
    ],
)
def test_no_plan_is_made_with_a_group_that_eks_refuses(
    make: Callable[[Catalog, Environment, PoolSettings], Plan], settings: PoolSettings, named: str
) -> None:
    with pytest.raises(PlanningError, match=named):
        make(load_catalog(), Environment.DEV, settings)


def test_the_most_that_eks_takes_is_planned() -> None:
    settings = replace(POOLS, autoscaled=True, gpu_nodes={"g4dn.xlarge": 450}, system_nodes=449)
    assert max(pool.max_nodes for pool in planned(settings).pools) == 450


def test_thirty_groups_are_nothing_to_say_and_one_more_is() -> None:
    assert too_many_groups(groups(30)) == ""
    said = too_many_groups(groups(31))
    assert said.startswith(
        f"the plan has 31 node groups, and EKS takes 30 a cluster unless AWS raised the quota ({PAGE})"
    )


@pytest.mark.parametrize(("number", "kinds"), [(30, set()), (31, {RiskKind.NODE_GROUP_QUOTA})])
def test_a_report_says_it_of_the_whole_environment(number: int, kinds: set[RiskKind]) -> None:
    report = make_report(replace(planned(), pools=groups(number)), "eu-west-1")
    quota = [risk for risk in report.risks if risk.kind is RiskKind.NODE_GROUP_QUOTA]
    assert {risk.kind for risk in quota} == kinds
    assert {(risk.pool, risk.server) for risk in quota} <= {("", "")}
