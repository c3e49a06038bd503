"""Reports for tests of what is shown: dev's own, and made ones in which many teams share GPUs.

Made from dev's by `replace`, so that only what a test is about is named here.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import replace

from cli import plans
from hardware import PRICES
from model_catalog import Environment, Selector, load_catalog
from planning import Plan
from planning.capacity import Charge
from planning.capacity.cost import Prices, total_cost
from planning.report import GpuBar, PoolReport, Report, ServerReport, make_report

TASKS = ("Classification", "EntityRecognition", "QuestionAnswering", "Reranking", "SentenceEmbedding")
LANGUAGES = ("ar", "de", "en", "fr", "ja")
TEAMS = 12


@functools.cache
def planned(environment: Environment) -> Plan:
    return plans.plan_of(load_catalog(), environment)


def report_of(
    environment: Environment = Environment.DEV, region: str = "eu-west-1", prices: Prices = PRICES
) -> Report:
    """Of the catalog in the repository."""
    return make_report(planned(environment), region, prices)


def shared(models: int, *, on_a_gpu: int = 10) -> Report:
    """As many versions of many teams, `on_a_gpu` of them in two servers on each GPU; dev's other pools stay."""
    made = report_of()
    pool = next(one for one in made.pools if one.gpus)
    groups = [range(first, min(first + on_a_gpu, models)) for first in range(0, models, on_a_gpu)]
    parts = [_on_gpu(pool, number, group) for number, group in enumerate(groups)]
    charge = next(one for one in made.charges if one.pool == pool.name and one.selector)
    wide = replace(
        pool,
        nodes=len(groups),
        max_nodes=len(groups),
        gpus=len(groups),
        gpus_taken=len(groups),
        cost=pool.price.times(len(groups)),
        servers=tuple(server for servers, _ in parts for server in servers),
        bars=tuple(bar for _, bar in parts),
    )
    others = total_cost(one.cost for one in made.pools if one is not pool)
    return replace(
        made,
        pools=tuple(wide if one is pool else one for one in made.pools),
        planned=replace(made.planned, gpu_nodes=len(groups), gpus=len(groups), cost=others + wide.cost),
        alternatives=(
            replace(
                made.alternatives[-1], gpu_nodes=models, gpus=models, cost=others + pool.price.times(models)
            ),
        ),
        risks=tuple(risk for risk in made.risks if risk.pool != pool.name or not risk.server),
        charges=(
            *(one for one in made.charges if one.pool != pool.name),
            *(
                replace(charged, cost=replace(charge.cost, usd_per_hour=wide.cost.usd_per_hour / models))
                for server in wide.servers
                for charged in _charges(charge, server)
            ),
        ),
    )


def selector(number: int) -> Selector:
    """Of the version with a number."""
    return Selector(
        task=TASKS[number % len(TASKS)],
        model=f"Model{number:04}",
        language=LANGUAGES[number // 2 % len(LANGUAGES)],
        version="1",
    )


def owner(number: int) -> str:
    """Who pays for it: the first teams have the most."""
    return f"team-{min(number % TEAMS, number % 7):02}"


def _charges(charge: Charge, server: ServerReport) -> Iterator[Charge]:
    for version in server.versions:
        number = int((version.selector.model or "")[-4:])
        yield replace(charge, server=server.name, owner=owner(number), selector=version.selector)


def _on_gpu(pool: PoolReport, number: int, models: Iterable[int]) -> tuple[tuple[ServerReport, ...], GpuBar]:
    """Two servers, each with half of the models, whose owners the charges name."""
    server, bar = pool.servers[0], pool.bars[0]
    version, like = server.versions[0], bar.segments[0].selector
    template = [segment for segment in bar.segments if segment.selector == like]
    found = list(models)
    halves = (found[: (len(found) + 1) // 2], found[(len(found) + 1) // 2 :])
    servers = tuple(
        replace(
            server,
            name=f"shared-{number}-{side}",
            versions=tuple(replace(version, selector=selector(model)) for model in half),
        )
        for side, half in zip("ab", halves, strict=True)
        if half
    )
    segments = tuple(
        replace(segment, server=one.name, selector=held.selector)
        for one in servers
        for held in one.versions
        for segment in template
    )
    return servers, replace(bar, servers=tuple(one.name for one in servers), segments=segments)
