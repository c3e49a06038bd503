"""Which servers an environment runs, and what each of them serves: the placement, with everything a server needs.

What a server looks like is its engine's module to say.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from hardware import instance_type
from model_catalog import Environment, RunningVersion, TgiEntry, TorchServeEntry, VllmEntry
from planning.capacity.errors import PlanningError
from planning.capacity.granted_memory import as_granted
from planning.capacity.placement import Placement, WholeServer
from planning.capacity.resources import Resources
from planning.even_parts import even_parts
from planning.text_generation_servers import TextGenerationPlan, plan_text_generation
from planning.torchserve_servers import TorchServePlan, plan_torchserve

Server = TextGenerationPlan | TorchServePlan
"""A server of any engine."""


def plan_servers(
    running: Sequence[RunningVersion], environment: Environment, placement: Placement
) -> tuple[Server, ...]:
    """The environment's servers, sorted by name. `placement` was made of the demands of `running`.

    Raises PlanningError where two servers would have one name.
    """
    found = tuple(_servers(running, environment, placement))
    parts = even_parts(placement, found)
    servers = sorted((_with_part(server, parts) for server in found), key=lambda server: server.name)
    for one, other in pairwise(servers):
        if one.name == other.name:
            raise PlanningError(
                f"{one.models[0].selector} and {other.models[0].selector} would both be served by {one.name}; give one "
                "of them a version or model name that differs in more than case and punctuation"
            )
    return tuple(servers)


def _servers(
    running: Sequence[RunningVersion], environment: Environment, placement: Placement
) -> Iterator[Server]:
    variants: dict[str, list[RunningVersion]] = {}
    whole = {server.selector: server for server in placement.whole}
    for version in running:
        match version.entry:
            case TorchServeEntry():
                variants.setdefault(str(version.selector.variant), []).append(version)
            case TgiEntry() | VllmEntry() as entry:
                placed = whole[str(version.selector)]
                told = _told(version, placed)
                yield plan_text_generation(entry, environment, told, placed.place.pool, placed.share)
    for shared in placement.shared:
        held = [version for variant in shared.variants for version in variants[variant]]
        held.sort(key=lambda version: version.selector.sort_key)
        yield plan_torchserve(shared, environment, held)


def _with_part(server: Server, parts: Mapping[str, Resources]) -> Server:
    """A language model's server has one model as long as it lives, and requests what that needs."""
    if isinstance(server, TorchServePlan) and server.pool in parts:
        return replace(server, resources=parts[server.pool])
    return server


def _told(running: RunningVersion, placed: WholeServer) -> RunningVersion:
    """With what its engine must be told of the share that it was given."""
    kind = instance_type(placed.instance_type)
    return replace(running, version=as_granted(running.version, kind, placed.share))
