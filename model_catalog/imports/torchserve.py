"""TorchServe's configuration of models: name → version → marName, defaultVersion, workers, batching, timeouts.

torchserve_file.py reads it out of the files that TorchServe has; here it becomes versions of the catalog, and they
become it again.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from pydantic import ValidationError

from engines import UNRESOLVED
from engines.torchserve import ServingOptions, archive_name, model_name
from model_catalog.catalog import Catalog, RunningVersion
from model_catalog.entry import TorchServeEntry
from model_catalog.ids import ARCHIVE_PATTERN, PATTERN_HINTS, SERVED_NAME_PATTERN
from model_catalog.imports.arrival import Arrival
from model_catalog.imports.json_file import JsonFile
from model_catalog.imports.torchserve_file import Configuration, has_no_effect, read
from model_catalog.release import Environment
from model_catalog.selector import Selector
from model_catalog.version import TorchServeVersion
from model_catalog.yaml_source import Location
from quantities import Bytes

__all__ = ["Archive", "Configuration", "Naming", "arrivals", "exported", "read"]

_COUNTS: Final = {"minWorkers": "min_workers", "maxWorkers": "max_workers", "batchSize": "batch_size"}
_SPANS: Final = {
    "maxBatchDelay": ("max_batch_delay", "ms", timedelta(milliseconds=1)),
    "responseTimeout": ("response_timeout", "s", timedelta(seconds=1)),
    "startupTimeout": ("startup_timeout", "s", timedelta(seconds=1)),
}


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A .mar that was at hand."""

    digest: str
    """sha256: and 64 hex digits."""
    size: Bytes


@dataclass(frozen=True, kw_only=True)
class Naming:
    """What a served name stands for, and where its archives lie."""

    variant: Selector
    served_name: str | None = None
    """The name, where the entry has to say it: it is not the one that language and model make."""
    bucket: str | None = None
    archives: Mapping[str, Archive] = field(default_factory=dict)
    """By file name."""


def arrivals(configuration: Configuration, name: str, naming: Naming) -> tuple[Arrival, ...]:
    """The versions of one name. Raises CatalogError where values are wrong or no default is known."""
    default = _default(configuration, name)
    return tuple(
        _arrival(configuration, name, version, naming, default) for version in configuration.versions(name)
    )


def _default(configuration: Configuration, name: str) -> str:
    source, versions = configuration.file, configuration.versions(name)
    named = [
        version
        for version in versions
        if "defaultVersion" in configuration.said(name, version)
        and source.flag(configuration.at(name, version, "defaultVersion"))
    ]
    if len(versions) == 1:
        return versions[0]
    # With `models=` TorchServe ignores defaultVersion and takes what load_models names first.
    archives = {configuration.said(name, version).get("marName"): version for version in versions}
    loaded = [archives[archive] for archive in configuration.loads if archive in archives]
    if loaded:
        return loaded[0]
    if len(named) != 1:
        source.refuse(
            configuration.at(name),
            f"names {len(named)} default versions among {', '.join(versions)}",
            "Write defaultVersion true for the one that answers where a caller names none",
        )
    return named[0]


def _arrival(configuration: Configuration, name: str, version: str, naming: Naming, default: str) -> Arrival:
    source, location = configuration.file, configuration.at(name, version)
    said = configuration.said(name, version)
    variant = naming.variant
    selector = _selector(source, location, f"{variant}@{version}")
    _refuse_name(configuration, name, naming)
    archive = (
        source.text((*location, "marName"), ARCHIVE_PATTERN, PATTERN_HINTS[ARCHIVE_PATTERN])
        if "marName" in said
        else None
    )
    path = archive or _assumed_archive(selector, naming.served_name)
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
    serving = _serving(configuration, location)
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
        served_name=naming.served_name,
        says=says,
        default=version == default,
        assumed={"artifact": ", ".join(lacking)} if lacking else {},
        archive_size=at_hand.size if at_hand else None,
        file=source,
        location=location,
    )


def _selector(source: JsonFile, location: Location, text: str) -> Selector:
    try:
        return Selector.parse(text)
    except ValueError as error:
        source.refuse(location, f"cannot be a version: {error}", "Rename it", key=True)


def _refuse_name(configuration: Configuration, name: str, naming: Naming) -> None:
    if naming.served_name is not None and not re.fullmatch(SERVED_NAME_PATTERN, naming.served_name):
        configuration.file.refuse(
            configuration.at(name),
            "cannot be kept as a name",
            f"{PATTERN_HINTS[SERVED_NAME_PATTERN]}; else accept another name with --rename",
            key=True,
        )


def _assumed_archive(selector: Selector, served_name: str | None) -> str:
    name = served_name or model_name(selector.language or "", selector.model or "")
    return archive_name(name, selector.version or "")


def _serving(configuration: Configuration, location: Location) -> dict[str, Any]:
    source = configuration.file
    serving: dict[str, Any] = {}
    for key, amount in _amounts(configuration, location):
        if key in _COUNTS:
            serving[_COUNTS[key]] = amount
        else:
            option, unit, _ = _SPANS[key]
            serving[option] = f"{amount}{unit}"
    try:
        ServingOptions.model_validate(serving)
    except ValidationError as error:
        message, _, fix = str(error.errors()[0]["ctx"]["error"]).partition("; ")
        source.refuse(location, f"is impossible: {message}", f"{fix[:1].upper()}{fix[1:]}", key=True)
    return serving


def _amounts(configuration: Configuration, location: Location) -> Iterator[tuple[str, int]]:
    """Workers, batch and times that have an effect: what the version says, then what the file says of all versions."""
    source = configuration.file
    said = source.mapping(location)
    given = [key for key in said if (key in _COUNTS or key in _SPANS) and not has_no_effect(key, said[key])]
    for key in given:
        yield key, source.count((*location, key), least=0 if key == "maxBatchDelay" else 1)
    for key, amount in configuration.defaults.items():
        if key not in given:
            yield key, amount


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
