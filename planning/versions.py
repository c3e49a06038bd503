"""The versions that an environment runs, each with everything of its entry and release that acts on it.

Later rooms (the gateway's routes, alerts, scalers, the drift monitor) read this and not the catalog, so that `slipway
plan` shows all that they act on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from model_catalog import (
    Autoscaling,
    BucketArtifact,
    Drift,
    Engine,
    Handler,
    LanguageFrom,
    Quality,
    RunningVersion,
    Selector,
    ServiceLevel,
    TgiVersion,
    TorchServeVersion,
    Version,
    VllmVersion,
)
from planning.servers import Server
from preprocessing import Step
from quantities import Percent

_WHOLE: Final = Percent(Decimal(100))


@dataclass(frozen=True, kw_only=True)
class RequestLimits:
    """The bounds that an engine puts on the requests of one version. None: the engine's own default holds."""

    requests: int | None
    """Requests that one replica works on at the same time: TorchServe's workers times their batch."""
    response_timeout: timedelta | None
    """TorchServe answers 500 after it. Language models stream, and have none."""
    input_tokens: int | None
    """The longest prompt of a language model."""
    total_tokens: int | None
    """The longest prompt and answer of a language model together."""


@dataclass(frozen=True, kw_only=True)
class VersionPlan:
    """One version that the environment runs."""

    selector: Selector
    owner: str
    engine: Engine
    server: str
    """The name of the server that holds it."""
    default: bool
    """True if it answers requests that name the variant and no version, but for its canaries' share."""
    share: Percent
    """The part of those requests that it answers: 0% of a version that is neither default nor canary."""
    not_served: str
    """The reason why its server leaves it out, with the fix. Empty where it is served."""
    copies: tuple[BucketArtifact, ...]
    """The artifacts that are copied into the environment's bucket, each with a digest: the version's own, then those of
    its adapters by name. () where it is not served."""
    handler: Handler | None
    """The released handler that is packed around the weights. None: the archive or the engine has its own code."""
    scripts: tuple[str, ...]
    """ISO 15924 codes that its language is written in."""
    steps: tuple[Step, ...]
    """Steps before inference, in order."""
    language_from: LanguageFrom | None
    """Who says which language a request is in. None: the entry does not say."""
    limits: RequestLimits
    slo: ServiceLevel | None
    autoscaling: Autoscaling | None
    drift: Drift | None
    quality: Quality | None


def plan_versions(running: Sequence[RunningVersion], servers: Sequence[Server]) -> tuple[VersionPlan, ...]:
    """Every running version, sorted by selector. `servers` were made of the same."""
    held = {model.selector: (server, model) for server in servers for model in server.models}
    shares = _shares(running)
    return tuple(
        VersionPlan(
            selector=version.selector,
            owner=version.entry.owner,
            engine=version.entry.engine,
            server=held[version.selector][0].name,
            default=version.default,
            share=shares[version.selector],
            not_served=held[version.selector][1].not_served,
            copies=() if held[version.selector][1].not_served else _copies(version.version),
            handler=_handler(version.version),
            scripts=tuple(version.entry.languages[version.language].scripts),
            steps=version.entry.preprocessing,
            language_from=version.entry.language_from,
            limits=_limits(version.version),
            slo=version.entry.slo,
            autoscaling=version.entry.autoscaling,
            drift=version.entry.drift,
            quality=version.entry.quality,
        )
        for version in sorted(running, key=lambda version: version.selector.sort_key)
    )


def _copies(version: Version) -> tuple[BucketArtifact, ...]:
    adapters = {} if isinstance(version, TorchServeVersion) else version.adapters
    found = (version.artifact, *(adapters[name] for name in sorted(adapters)))
    return tuple(artifact for artifact in found if isinstance(artifact, BucketArtifact))


def _handler(version: Version) -> Handler | None:
    return version.handler if isinstance(version, TorchServeVersion) else None


def _shares(running: Sequence[RunningVersion]) -> Mapping[Selector, Percent]:
    """Canaries have what their release gives them, and the default has the rest."""
    canaries: dict[Selector, Decimal] = {}
    for version in running:
        variant = version.selector.variant
        canaries[variant] = canaries.get(variant, Decimal(0)) + (version.canary or Decimal(0))
    return {version.selector: _share(version, canaries) for version in running}


def _share(version: RunningVersion, canaries: Mapping[Selector, Decimal]) -> Percent:
    if version.default:
        return Percent(_WHOLE - canaries[version.selector.variant])
    return version.canary or Percent(Decimal(0))


def _limits(version: Version) -> RequestLimits:
    match version:
        case TorchServeVersion(serving=options):
            return RequestLimits(
                requests=options.worker_limit * options.batch_size,
                response_timeout=options.response_timeout,
                input_tokens=None,
                total_tokens=None,
            )
        case TgiVersion(serving=options):
            return RequestLimits(
                requests=options.max_concurrent_requests,
                response_timeout=None,
                input_tokens=options.max_input_tokens,
                total_tokens=options.max_total_tokens,
            )
        case VllmVersion(serving=options):
            return RequestLimits(
                requests=options.max_num_seqs,
                response_timeout=None,
                input_tokens=None,
                total_tokens=options.max_model_len,
            )
