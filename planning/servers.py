"""Which servers an environment runs, and what each of them serves.

First cut: no two entries share a server or a GPU. What a server looks like is its engine's module to say.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise

from model_catalog import Catalog, Device, Environment, RunningVersion, TgiEntry, TorchServeEntry, VllmEntry
from planning.errors import PlanningError
from planning.text_generation_servers import TextGenerationPlan, plan_text_generation
from planning.torchserve_servers import TorchServePlan, plan_torchserve

Server = TextGenerationPlan | TorchServePlan
"""A server of any engine."""


def plan_servers(catalog: Catalog, environment: Environment, pools: dict[Device, str]) -> tuple[Server, ...]:
    """The environment's servers, sorted by name. `pools` says which pool takes which device.

    Raises PlanningError where two servers would have one name.
    """
    servers = [
        server
        for versions in _by_entry(catalog.running(environment))
        for server in _plan_entry(versions, environment, pools)
    ]
    servers.sort(key=lambda server: server.name)
    for one, other in pairwise(servers):
        if one.name == other.name:
            raise PlanningError(
                f"{one.models[0].selector} and {other.models[0].selector} would both be served by {one.name}; give one "
                "of them a version or model name that differs in more than case and punctuation"
            )
    return tuple(servers)


def _by_entry(running: Iterable[RunningVersion]) -> Iterable[tuple[RunningVersion, ...]]:
    for _, group in groupby(running, key=lambda version: (version.selector.task, version.selector.model)):
        yield tuple(group)


def _plan_entry(
    versions: tuple[RunningVersion, ...], environment: Environment, pools: dict[Device, str]
) -> Iterator[Server]:
    match versions[0].entry:
        case TorchServeEntry() as entry:
            yield plan_torchserve(entry, environment, versions, pools)
        case TgiEntry() | VllmEntry() as entry:
            for version in versions:
                yield plan_text_generation(entry, environment, version, pools)
