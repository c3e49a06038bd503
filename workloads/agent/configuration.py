"""What TorchServe is to serve: the document the agent reads, and the types whoever writes it imports.

The shape is the one people know from TorchServe's own snapshots (name → version → minWorkers, batchSize, …, in
TorchServe's units: maxBatchDelay in milliseconds, timeouts in seconds), with the archive named by its digest.
Standard library only, and Python 3.9: TorchServe's published image has no newer one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from workloads.agent.fields import ConfigurationError, JsonObject, objects, require
from workloads.agent.limits import (
    LONGEST_BATCH_DELAY_MILLISECONDS,
    LONGEST_CONFIGURATION,
    LONGEST_GRACE_SECONDS,
    LONGEST_TIMEOUT_SECONDS,
    MOST_BATCHED,
    MOST_VERSIONS,
    MOST_WORKERS,
)
from workloads.agent.texts import check_body, check_digest, check_header, check_location, check_name
from workloads.artifacts.bounded import UnreadableError, parse_json
from workloads.artifacts.limits import LARGEST_NUMBER

FORMAT = 1
"""Raised when a document stops being readable by the agents that run; an agent refuses a format it does not know."""

_MILLISECOND = timedelta(milliseconds=1)
_SECOND = timedelta(seconds=1)


class Key(NamedTuple):
    """One archive under one version of one model. The same version with other bytes is another key."""

    model: str
    version: str
    digest: str


@dataclass(frozen=True)
class Smoke:
    """A request that a version must answer with 200 before it takes traffic."""

    body: str
    content_type: str = "application/json"


@dataclass(frozen=True)
class Archive:
    """A .mar: `sha256:` and 64 hexadecimal digits, and where the source finds it."""

    digest: str
    location: str


@dataclass(frozen=True)
class Weights:
    """The files of an artifact, beside a thin archive: the artifact's digest, and the prefix below which the source
    has `manifest.json` and `files/<name>`."""

    digest: str
    location: str


@dataclass(frozen=True)
class Version:
    """One version to serve."""

    archive: Archive
    default: bool = False
    min_workers: int = 1
    max_workers: int = 1
    batch_size: int = 1
    max_batch_delay: timedelta = timedelta(milliseconds=100)
    response_timeout: timedelta = timedelta(seconds=120)
    startup_timeout: timedelta = timedelta(seconds=120)
    smoke: Smoke | None = None
    weights: Weights | None = None
    """None where the archive brings its own."""
    gpu_memory_fraction: float | None = None
    """Share of its GPU's memory that each worker may take; None leaves it to the framework."""


@dataclass(frozen=True)
class Configuration:
    """All that one server serves."""

    models: Mapping[str, Mapping[str, Version]]
    drain_grace: timedelta = timedelta(seconds=60)
    """How long a version that was taken out goes on answering. Longer than the slowest request: what is still
    being answered at the end is cut."""

    def __post_init__(self) -> None:
        grace = self.drain_grace
        require(grace >= timedelta(0), "drainGraceSeconds", grace, "is not negative")
        _at_most("drainGraceSeconds", grace, timedelta(seconds=LONGEST_GRACE_SECONDS))
        _at_most("versions", sum(map(len, self.models.values())), MOST_VERSIONS)
        for name, versions in self.models.items():
            check_name(f"models.{name}", name)
            require(bool(versions), f"models.{name}", "{}", "has at least one version")
            defaults = sorted(version for version, spec in versions.items() if spec.default)
            require(len(defaults) == 1, f"models.{name}", defaults or "none", "has one defaultVersion")
            for version, spec in versions.items():
                check_name(f"models.{name}.{version}", version)
                _check_version(f"models.{name}.{version}", spec)

    def versions(self) -> dict[Key, Version]:
        """Every version under its key."""
        return {
            Key(name, version, spec.archive.digest): spec
            for name, versions in self.models.items()
            for version, spec in versions.items()
        }

    def default_key(self, model: str) -> Key | None:
        """The version that requests without a version shall reach; None for a model that is not here."""
        for version, spec in self.models.get(model, {}).items():
            if spec.default:
                return Key(model, version, spec.archive.digest)
        return None


def configuration_json(configuration: Configuration) -> str:
    """The document: sorted, equal for equal input."""
    document = {
        "format": FORMAT,
        "drainGraceSeconds": configuration.drain_grace // _SECOND,
        "models": {
            name: {version: version_document(spec) for version, spec in versions.items()}
            for name, versions in configuration.models.items()
        },
    }
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read_configuration(text: str) -> Configuration:
    """The inverse of configuration_json. Raises ConfigurationError on anything else."""
    try:
        document = parse_json(text.encode("utf-8"), LONGEST_CONFIGURATION)
    except UnicodeEncodeError:
        raise ConfigurationError("the configuration is refused: it is no UTF-8") from None
    except UnreadableError as error:
        raise ConfigurationError(f"the configuration is refused: {error}") from None
    body = JsonObject(document, "the configuration", ("format", "drainGraceSeconds", "models"))
    written = body.integer("format", 1, LARGEST_NUMBER)
    require(written == FORMAT, "format", written, f"is {FORMAT}; this agent reads no other")
    models = {
        name: {version: read_version(spec, f"models.{name}.{version}") for version, spec in versions.items()}
        for name, versions in objects(body.value("models"), "models").items()
    }
    grace = timedelta(seconds=body.integer("drainGraceSeconds", 0, LONGEST_GRACE_SECONDS, default=60))
    return Configuration(models=models, drain_grace=grace)


def version_document(spec: Version) -> dict[str, Any]:
    """One version as plain data."""
    document: dict[str, Any] = {
        "archive": {"digest": spec.archive.digest, "location": spec.archive.location},
        "batchSize": spec.batch_size,
        "defaultVersion": spec.default,
        "maxBatchDelay": spec.max_batch_delay // _MILLISECOND,
        "maxWorkers": spec.max_workers,
        "minWorkers": spec.min_workers,
        "responseTimeout": spec.response_timeout // _SECOND,
        "startupTimeout": spec.startup_timeout // _SECOND,
    }
    if spec.smoke is not None:
        document["smoke"] = {"body": spec.smoke.body, "contentType": spec.smoke.content_type}
    if spec.weights is not None:
        document["weights"] = {"digest": spec.weights.digest, "location": spec.weights.location}
    if spec.gpu_memory_fraction is not None:
        document["gpuMemoryFraction"] = spec.gpu_memory_fraction
    return document


_VERSION_KEYS = (
    "archive", "batchSize", "defaultVersion", "gpuMemoryFraction", "maxBatchDelay", "maxWorkers", "minWorkers",
    "responseTimeout", "smoke", "startupTimeout", "weights",
)  # fmt: skip


def read_version(document: Any, place: str) -> Version:
    """The inverse of version_document. Raises ConfigurationError."""
    spec = JsonObject(document, place, _VERSION_KEYS)
    archive = JsonObject(spec.value("archive"), f"{place}.archive", ("digest", "location"))
    workers = spec.integer("minWorkers", 1, MOST_WORKERS, default=1)
    return Version(
        archive=Archive(digest=archive.text("digest"), location=archive.text("location")),
        default=spec.boolean("defaultVersion", default=False),
        min_workers=workers,
        max_workers=spec.integer("maxWorkers", 1, MOST_WORKERS, default=workers),
        batch_size=spec.integer("batchSize", 1, MOST_BATCHED, default=1),
        max_batch_delay=timedelta(
            milliseconds=spec.integer("maxBatchDelay", 0, LONGEST_BATCH_DELAY_MILLISECONDS, default=100)
        ),
        response_timeout=timedelta(
            seconds=spec.integer("responseTimeout", 1, LONGEST_TIMEOUT_SECONDS, default=120)
        ),
        startup_timeout=timedelta(
            seconds=spec.integer("startupTimeout", 1, LONGEST_TIMEOUT_SECONDS, default=120)
        ),
        smoke=_read_smoke(spec.optional("smoke"), f"{place}.smoke"),
        weights=_read_weights(spec.optional("weights"), f"{place}.weights"),
        gpu_memory_fraction=spec.number("gpuMemoryFraction"),
    )


def _read_smoke(document: Any, place: str) -> Smoke | None:
    if document is None:
        return None
    smoke = JsonObject(document, place, ("body", "contentType"))
    return Smoke(body=smoke.text("body"), content_type=smoke.text("contentType", default="application/json"))


def _read_weights(document: Any, place: str) -> Weights | None:
    if document is None:
        return None
    weights = JsonObject(document, place, ("digest", "location"))
    return Weights(digest=weights.text("digest"), location=weights.text("location"))


def _check_version(place: str, spec: Version) -> None:
    check_digest(f"{place}.archive.digest", spec.archive.digest)
    check_location(f"{place}.archive.location", spec.archive.location)
    if spec.weights is not None:
        check_digest(f"{place}.weights.digest", spec.weights.digest)
        prefix = spec.weights.location
        check_location(f"{place}.weights.location", prefix)
        fits = not prefix.endswith("/")
        require(fits, f"{place}.weights.location", repr(prefix), "is a prefix without a slash at its end")
    fraction = spec.gpu_memory_fraction
    if fraction is not None:
        require(0 < fraction <= 1, f"{place}.gpuMemoryFraction", fraction, "is above 0 and at most 1")
    fits = spec.max_workers >= spec.min_workers >= 1
    require(
        fits,
        f"{place}.maxWorkers",
        spec.max_workers,
        f"is at least minWorkers {spec.min_workers}, and that 1",
    )
    _at_most(f"{place}.maxWorkers", spec.max_workers, MOST_WORKERS)
    require(spec.batch_size >= 1, f"{place}.batchSize", spec.batch_size, "is at least 1")
    _at_most(f"{place}.batchSize", spec.batch_size, MOST_BATCHED)
    delay, whole = spec.max_batch_delay, "is a whole number of milliseconds"
    require(not delay % _MILLISECOND, f"{place}.maxBatchDelay", delay, whole)
    require(delay >= timedelta(0), f"{place}.maxBatchDelay", delay, "is not negative")
    _at_most(f"{place}.maxBatchDelay", delay, LONGEST_BATCH_DELAY_MILLISECONDS * _MILLISECOND)
    for name, timeout in (
        ("responseTimeout", spec.response_timeout),
        ("startupTimeout", spec.startup_timeout),
    ):
        whole_seconds = timeout >= _SECOND and not timeout % _SECOND
        require(whole_seconds, f"{place}.{name}", timeout, "is a whole number of seconds, at least 1")
        _at_most(f"{place}.{name}", timeout, LONGEST_TIMEOUT_SECONDS * _SECOND)
    if spec.smoke is not None:
        check_header(f"{place}.smoke.contentType", spec.smoke.content_type)
        check_body(f"{place}.smoke.body", spec.smoke.body)


def _at_most(place: str, value: Any, most: Any) -> None:
    require(value <= most, place, value, f"is at most {most}")
