"""What TorchServe is to serve: the document the agent reads, and the types whoever writes it imports.

The shape is the one people know from TorchServe's own snapshots (name → version → minWorkers, batchSize, …, in
TorchServe's units: maxBatchDelay in milliseconds, timeouts in seconds), with the archive named by its digest.
Standard library only, and Python 3.9: TorchServe's published image has no newer one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

FORMAT = 1
"""Raised when a document stops being readable by the agents that run; an agent refuses a format it does not know."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
"""Begins with no dot, so that it is neither . nor .., and leaves room for .json and .part in a file's name."""
_MILLISECOND = timedelta(milliseconds=1)
_SECOND = timedelta(seconds=1)


class ConfigurationError(ValueError):
    """The document cannot be served as it is; the message names the place, the value and the rule."""


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
        _require(self.drain_grace >= timedelta(0), "drainGraceSeconds", self.drain_grace, "is not negative")
        for name, versions in self.models.items():
            _check_name(f"models.{name}", name)
            _require(bool(versions), f"models.{name}", "{}", "has at least one version")
            defaults = sorted(version for version, spec in versions.items() if spec.default)
            _require(len(defaults) == 1, f"models.{name}", defaults or "none", "has one defaultVersion")
            for version, spec in versions.items():
                _check_name(f"models.{name}.{version}", version)
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
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"the configuration is no JSON: {error}") from None
    body = _Object(document, "the configuration", ("format", "drainGraceSeconds", "models"))
    written = body.integer("format", at_least=1)
    _require(written == FORMAT, "format", written, f"is {FORMAT}; this agent reads no other")
    models = {
        name: {version: read_version(spec, f"models.{name}.{version}") for version, spec in versions.items()}
        for name, versions in _objects(body.value("models"), "models").items()
    }
    grace = timedelta(seconds=body.integer("drainGraceSeconds", at_least=0, default=60))
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
    spec = _Object(document, place, _VERSION_KEYS)
    archive = _Object(spec.value("archive"), f"{place}.archive", ("digest", "location"))
    workers = spec.integer("minWorkers", at_least=1, default=1)
    return Version(
        archive=Archive(digest=archive.text("digest"), location=archive.text("location")),
        default=spec.boolean("defaultVersion", default=False),
        min_workers=workers,
        max_workers=spec.integer("maxWorkers", at_least=1, default=workers),
        batch_size=spec.integer("batchSize", at_least=1, default=1),
        max_batch_delay=timedelta(milliseconds=spec.integer("maxBatchDelay", at_least=0, default=100)),
        response_timeout=timedelta(seconds=spec.integer("responseTimeout", at_least=1, default=120)),
        startup_timeout=timedelta(seconds=spec.integer("startupTimeout", at_least=1, default=120)),
        smoke=_read_smoke(spec.optional("smoke"), f"{place}.smoke"),
        weights=_read_weights(spec.optional("weights"), f"{place}.weights"),
        gpu_memory_fraction=spec.number("gpuMemoryFraction"),
    )


def _read_smoke(document: Any, place: str) -> Smoke | None:
    if document is None:
        return None
    smoke = _Object(document, place, ("body", "contentType"))
    return Smoke(body=smoke.text("body"), content_type=smoke.text("contentType", default="application/json"))


def _read_weights(document: Any, place: str) -> Weights | None:
    if document is None:
        return None
    weights = _Object(document, place, ("digest", "location"))
    return Weights(digest=weights.text("digest"), location=weights.text("location"))


def _check_name(place: str, name: str) -> None:
    rule = (
        "holds letters, digits, '_', '.' and '-' only, at most 200, and begins with neither of the last two: it "
        "becomes part of URLs and of file names"
    )
    _require(_NAME.fullmatch(name) is not None, place, repr(name), rule)


def _check_version(place: str, spec: Version) -> None:
    _check_digest(f"{place}.archive.digest", spec.archive.digest)
    _require(bool(spec.archive.location), f"{place}.archive.location", "''", "is not empty")
    if spec.weights is not None:
        _check_digest(f"{place}.weights.digest", spec.weights.digest)
        prefix = spec.weights.location
        fits = bool(prefix) and not prefix.endswith("/")
        _require(fits, f"{place}.weights.location", repr(prefix), "is a prefix without a slash at its end")
    fraction = spec.gpu_memory_fraction
    if fraction is not None:
        _require(0 < fraction <= 1, f"{place}.gpuMemoryFraction", fraction, "is above 0 and at most 1")
    fits = spec.max_workers >= spec.min_workers >= 1
    _require(
        fits,
        f"{place}.maxWorkers",
        spec.max_workers,
        f"is at least minWorkers {spec.min_workers}, and that 1",
    )
    _require(spec.batch_size >= 1, f"{place}.batchSize", spec.batch_size, "is at least 1")
    delay, whole = spec.max_batch_delay, "is a whole number of milliseconds"
    _require(not delay % _MILLISECOND, f"{place}.maxBatchDelay", delay, whole)
    for name, timeout in (
        ("responseTimeout", spec.response_timeout),
        ("startupTimeout", spec.startup_timeout),
    ):
        whole_seconds = timeout >= _SECOND and not timeout % _SECOND
        _require(whole_seconds, f"{place}.{name}", timeout, "is a whole number of seconds, at least 1")


def _check_digest(place: str, digest: str) -> None:
    _require(bool(_DIGEST.fullmatch(digest)), place, repr(digest), "is sha256: and 64 digits")


def _require(holds: bool, place: str, value: object, rule: str) -> None:
    if not holds:
        raise ConfigurationError(f"{place}: {value}; the rule: it {rule}")


def _objects(value: Any, place: str) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{place}: {value!r} is no object")
    for name, inner in value.items():
        if not isinstance(inner, dict):
            raise ConfigurationError(f"{place}.{name}: {inner!r} is no object")
    return value


class _Object:
    """A JSON object at a place; what is unknown, missing or of another kind is an error that names the place."""

    def __init__(self, document: Any, place: str, known: tuple[str, ...]) -> None:
        if not isinstance(document, dict):
            raise ConfigurationError(f"{place}: {document!r} is no object")
        unknown: list[str] = sorted(document.keys() - set(known))
        if unknown:
            raise ConfigurationError(
                f"{place}: unknown key {', '.join(unknown)}; known are {', '.join(known)}"
            )
        self._document = document
        self._place = place

    def optional(self, key: str) -> Any:
        return self._document.get(key)

    def value(self, key: str) -> Any:
        if key not in self._document:
            raise ConfigurationError(f"{self._place}.{key} is missing")
        return self._document[key]

    def text(self, key: str, default: str | None = None) -> str:
        value = self.value(key) if default is None else self._document.get(key, default)
        if not isinstance(value, str):
            raise ConfigurationError(f"{self._place}.{key}: {value!r} is no text")
        return value

    def boolean(self, key: str, *, default: bool) -> bool:
        value = self._document.get(key, default)
        if not isinstance(value, bool):
            raise ConfigurationError(f"{self._place}.{key}: {value!r} is neither true nor false")
        return value

    def integer(self, key: str, *, at_least: int, default: int | None = None) -> int:
        value = self.value(key) if default is None else self._document.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
            raise ConfigurationError(
                f"{self._place}.{key}: {value!r} is no whole number of at least {at_least}"
            )
        return value

    def number(self, key: str) -> float | None:
        value = self._document.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigurationError(f"{self._place}.{key}: {value!r} is no number")
        try:
            return float(value)
        except OverflowError:
            raise ConfigurationError(f"{self._place}.{key} is no number of a sensible size") from None
