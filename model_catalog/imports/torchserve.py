"""TorchServe's configuration of models: name → version → marName, defaultVersion, workers, batching, timeouts.

It is what `model_snapshot` holds under `models` (docs/facts/torchserve.md §3).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from pydantic import ValidationError

from engines import UNRESOLVED
from engines.torchserve import ServingOptions, archive_name, model_name
from model_catalog.catalog import Catalog, RunningVersion
from model_catalog.entry import TorchServeEntry
from model_catalog.ids import ARCHIVE_PATTERN, PATTERN_HINTS
from model_catalog.imports.arrival import Arrival
from model_catalog.imports.json_file import JsonFile
from model_catalog.problem import CatalogError, Problem
from model_catalog.release import Environment
from model_catalog.selector import Selector
from model_catalog.version import TorchServeVersion
from quantities import Bytes

_COUNTS: Final = {"minWorkers": "min_workers", "maxWorkers": "max_workers", "batchSize": "batch_size"}
_SPANS: Final = {
    "maxBatchDelay": ("max_batch_delay", "ms", timedelta(milliseconds=1)),
    "responseTimeout": ("response_timeout", "s", timedelta(seconds=1)),
    "startupTimeout": ("startup_timeout", "s", timedelta(seconds=1)),
}
_KEYS: Final = frozenset({"marName", "defaultVersion", *_COUNTS, *_SPANS})


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A .mar that was at hand."""

    digest: str
    """sha256: and 64 hex digits."""
    size: Bytes


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One file that was read: its models by the name they are served under."""

    file: JsonFile
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Naming:
    """What a served name stands for, and where its archives lie."""

    variant: Selector
    bucket: str | None = None
    archives: Mapping[str, Archive] = field(default_factory=dict)
    """By file name."""


def read(text: str, file: str) -> Configuration:
    """Raises CatalogError for what is no such file, with every key that would be lost."""
    source = JsonFile(text, file)
    problems: list[Problem] = []
    names = tuple(source.mapping(()))
    for name in names:
        for version in source.mapping((name,)):
            try:
                source.mapping((name, version), _KEYS)
            except CatalogError as error:
                problems.extend(error.problems)
    if problems:
        raise CatalogError(problems)
    return Configuration(file=source, names=names)


def arrivals(configuration: Configuration, name: str, naming: Naming) -> tuple[Arrival, ...]:
    """The versions of one name. Raises CatalogError where values are wrong or no default can be told."""
    source = configuration.file
    versions = source.mapping((name,))
    default = _default(source, name)
    return tuple(_arrival(source, name, version, naming, default) for version in versions)


def _default(source: JsonFile, name: str) -> str:
    versions = list(source.mapping((name,)))
    named = [
        version
        for version in versions
        if "defaultVersion" in source.mapping((name, version))
        and source.flag((name, version, "defaultVersion"))
    ]
    if len(versions) == 1:
        return versions[0]
    if len(named) != 1:
        source.refuse(
            (name,),
            f"names {len(named)} default versions among {', '.join(versions)}",
            "Write defaultVersion true for the one that answers where a caller names none",
        )
    return named[0]


def _arrival(source: JsonFile, name: str, version: str, naming: Naming, default: str) -> Arrival:
    location = (name, version)
    said = source.mapping(location)
    variant = naming.variant
    selector = _selector(source, location, f"{variant}@{version}")
    archive = (
        source.text((*location, "marName"), ARCHIVE_PATTERN, PATTERN_HINTS[ARCHIVE_PATTERN])
        if "marName" in said
        else None
    )
    path = archive or _assumed_archive(selector)
    at_hand = naming.archives.get(path)
    says: dict[str, Any] = {
        "artifact": {
            "bucket": naming.bucket or UNRESOLVED,
            "path": path,
            "digest": at_hand.digest if at_hand else UNRESOLVED,
        }
    }
    if archive:
        says["archive"] = archive
    serving = _serving(source, location)
    if serving:
        says["serving"] = serving
    overruled = default == version and "defaultVersion" in said and not said["defaultVersion"]
    if overruled:
        says["imported_from"] = {"format": "torchserve", "default_version": False}
    lacking = (
        *(() if naming.bucket else ("bucket",)),
        *(() if archive else ("path",)),
        *(() if at_hand else ("digest",)),
    )
    return Arrival(
        selector=selector,
        says=says,
        default=version == default,
        assumed={"artifact": ", ".join(lacking)} if lacking else {},
        archive_size=at_hand.size if at_hand else None,
        file=source,
        location=location,
    )


def _selector(source: JsonFile, location: tuple[str, str], text: str) -> Selector:
    try:
        return Selector.parse(text)
    except ValueError as error:
        source.refuse(location, f"cannot be a version: {error}", "Rename it", key=True)


def _assumed_archive(selector: Selector) -> str:
    return archive_name(model_name(selector.language or "", selector.model or ""), selector.version or "")


def _serving(source: JsonFile, location: tuple[str, str]) -> dict[str, Any]:
    serving: dict[str, Any] = {}
    for key in source.mapping(location):
        if key in _COUNTS:
            serving[_COUNTS[key]] = source.count((*location, key))
        elif key in _SPANS:
            option, unit, _ = _SPANS[key]
            serving[option] = f"{source.count((*location, key))}{unit}"
    try:
        ServingOptions.model_validate(serving)
    except ValidationError as error:
        message, _, fix = str(error.errors()[0]["ctx"]["error"]).partition("; ")
        source.refuse(location, f"is impossible: {message}", f"{fix[:1].upper()}{fix[1:]}", key=True)
    return serving


def exported(catalog: Catalog, environment: Environment, wanted: Selector | None = None) -> dict[str, Any]:
    """What an environment's TorchServe servers run, as such a file: name → version → keys that somebody set."""
    models: dict[str, dict[str, Any]] = {}
    running = [
        one
        for one in catalog.running(environment)
        if isinstance(one.entry, TorchServeEntry) and (wanted is None or wanted.matches(one.selector))
    ]
    variants = [one.selector.variant for one in catalog.running(environment)]
    for one in running:
        assert isinstance(one.entry, TorchServeEntry)  # noqa: S101 - filtered above
        name = one.entry.server_model_name(one.language)
        alone = variants.count(one.selector.variant) == 1
        models.setdefault(name, {})[one.version_id] = _keys(one.entry, one, alone=alone)
    return models


def _keys(entry: TorchServeEntry, running: RunningVersion, *, alone: bool) -> dict[str, Any]:
    assert isinstance(running.version, TorchServeVersion)  # noqa: S101 - the entry's type says so
    version = running.version
    said = version.imported_from.default_version if version.imported_from else None
    keys: dict[str, Any] = {
        "marName": entry.archive(running.language, running.version_id),
        "defaultVersion": said if alone and said is not None else running.default,
    }
    options = version.serving.model_fields_set
    for key, option in _COUNTS.items():
        if option in options and getattr(version.serving, option) is not None:
            keys[key] = getattr(version.serving, option)
    for key, (option, _, unit) in _SPANS.items():
        if option in options:
            keys[key] = getattr(version.serving, option) // unit
    return keys
