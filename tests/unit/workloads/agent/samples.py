"""Values that the agent's tests share: short names for keys, versions and what TorchServe shows."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from workloads.agent.configuration import Archive, Configuration, Key, Smoke, Version, Weights
from workloads.agent.state import ObservedModel, Registered

MODEL = "fr_reader"
GRACE = 60.0
STARTUP = 120.0


def digest(version: str) -> str:
    return f"sha256:{version.encode().hex():0>64}"


def key(version: str, model: str = MODEL, bytes_of: str | None = None) -> Key:
    return Key(model, version, digest(bytes_of or version))


def spec(version: str, *, default: bool = False, workers: int = 1, bytes_of: str | None = None) -> Version:
    archive = Archive(digest=digest(bytes_of or version), location=f"{version}.mar")
    return Version(
        archive=archive,
        default=default,
        min_workers=workers,
        max_workers=workers,
        smoke=Smoke(body='"hello"'),
        startup_timeout=timedelta(seconds=STARTUP),
    )


def weights(name: str) -> Weights:
    found = digest(f"weights {name}")
    return Weights(digest=found, location=f"artifacts/{found}")


def configuration(
    *versions: str,
    default: str,
    model: str = MODEL,
    workers: int = 1,
    with_weights: Mapping[str, str] | None = None,
) -> Configuration:
    """`with_weights`: version → the name of its weights."""
    named = with_weights or {}
    specs = {
        version: replace(
            spec(version, default=version == default, workers=workers),
            weights=weights(named[version]) if version in named else None,
        )
        for version in versions
    }
    return Configuration(models={model: specs}, drain_grace=timedelta(seconds=GRACE))


def registered(found: Key, *, ready: int = 1, workers: int | None = None, pending: int = 0) -> Registered:
    count = ready if workers is None else workers
    return Registered(
        key=found,
        ready=ready,
        workers=count,
        min_workers=count,
        max_workers=max(count, 1),
        batch_size=1,
        max_batch_delay_milliseconds=100,
        response_timeout_seconds=120,
        startup_timeout_seconds=120,
        pending_requests=pending,
    )


def model(default: str, *versions: Registered) -> ObservedModel:
    return ObservedModel(default=default, versions={version.key.version: version for version in versions})
