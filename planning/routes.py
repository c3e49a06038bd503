"""The routes of an environment: which server answers a request for a variant or for one of its versions.

What a version that is not served would answer goes to the default. Without its default a variant has no route for
requests that name no version: another version would answer that nobody chose.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import groupby

from model_catalog import Selector
from planning.server import ModelPlan
from planning.servers import Server
from planning.versions import VersionPlan
from quantities import Percent

_ALL = Percent(Decimal(100))


@dataclass(frozen=True, kw_only=True)
class Destination:
    """A server and the path in it that reaches one version."""

    version: Selector
    server: str
    port: int
    path: str
    share: Percent
    """The part of the route's requests that goes here."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """The servers that answer requests for one variant."""

    variant: Selector
    destinations: tuple[Destination, ...]
    """For requests that name no version: the default first, then canaries. Their shares add up to 100%; () where the
    default is not served."""
    versions: tuple[Destination, ...]
    """For requests that name a version, each version alone, sorted."""
    refusal: str
    """The reason why requests that name no version are refused. Empty where they are answered."""


def plan_routes(versions: Iterable[VersionPlan], servers: Sequence[Server]) -> tuple[Route, ...]:
    """A route for each variant, sorted. `versions` are those of the same plan, sorted by selector."""
    places = {model.selector: (server, model) for server in servers for model in server.models}
    return tuple(
        _route(variant, tuple(group), places)
        for variant, group in groupby(versions, key=lambda version: version.selector.variant)
    )


def _route(
    variant: Selector,
    versions: Sequence[VersionPlan],
    places: Mapping[Selector, tuple[Server, ModelPlan]],
) -> Route:
    served = [version for version in versions if not version.not_served]
    default = next(version for version in versions if version.default)
    return Route(
        variant=variant,
        destinations=() if default.not_served else _unversioned(default, served, places),
        versions=tuple(_destination(version, places) for version in served),
        refusal=default.not_served,
    )


def _unversioned(
    default: VersionPlan, served: Sequence[VersionPlan], places: Mapping[Selector, tuple[Server, ModelPlan]]
) -> tuple[Destination, ...]:
    canaries = [
        replace(_destination(version, places), share=version.share)
        for version in served
        if version.share and not version.default
    ]
    rest = Percent(_ALL - sum((canary.share for canary in canaries), Decimal(0)))
    if not rest:
        return tuple(canaries)
    _, model = places[default.selector]
    return (replace(_destination(default, places), path=model.variant_path, share=rest), *canaries)


def _destination(version: VersionPlan, places: Mapping[Selector, tuple[Server, ModelPlan]]) -> Destination:
    server, model = places[version.selector]
    return Destination(
        version=version.selector, server=server.name, port=server.inference_port, path=model.path, share=_ALL
    )
