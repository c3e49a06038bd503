"""remote_models.json: task → model → language → version, description, and where its files are copied from and to."""

import re
from collections.abc import Mapping
from typing import Any, Final

from engines import UNRESOLVED
from model_catalog.artifact import BucketArtifact
from model_catalog.catalog import Catalog, RunningVersion
from model_catalog.ids import BUCKET_PATTERN, PATH_PATTERN, PATTERN_HINTS
from model_catalog.imports.arrival import Arrival
from model_catalog.imports.json_file import JsonFile
from model_catalog.release import Environment
from model_catalog.selector import Selector
from model_catalog.yaml_source import Location

_KEYS: Final = frozenset({"version", "description", "model_config"})
_WHERE: Final = frozenset({"source_bucket_name", "source_path", "target_bucket_name", "target_path"})
_NUMBER: Final = re.compile(r"0|[1-9][0-9]*")


def read(text: str, file: str) -> tuple[Arrival, ...]:
    """The versions of a file. Raises CatalogError for what is wrong, and for keys that would be lost."""
    source = JsonFile(text, file)
    return tuple(
        _arrival(source, (task, model, language))
        for task in source.mapping(())
        for model in source.mapping((task,))
        for language in source.mapping((task, model))
    )


def _arrival(source: JsonFile, location: tuple[str, str, str]) -> Arrival:
    said = source.mapping(location, _KEYS)
    where = (*location, "model_config")
    places = source.mapping(where, _WHERE)
    version = _version(source, (*location, "version"))
    task, model, language = location
    try:
        selector = Selector.parse(f"{task}/{model}/{language}@{version}")
    except ValueError as error:
        source.refuse(location, f"cannot be a version: {error}", "Rename it", key=True)
    kept: dict[str, Any] = {"format": "remote-models"}
    if "description" in said:
        kept["description"] = source.text((*location, "description"), "", "Write text")
    if "target_bucket_name" in places:
        kept["target_bucket"] = _bucket(source, (*where, "target_bucket_name"))
    if "target_path" in places:
        kept["target_path"] = _path(source, (*where, "target_path"))
    return Arrival(
        selector=selector,
        says={
            "artifact": {
                "bucket": _bucket(source, (*where, "source_bucket_name")),
                "path": _path(source, (*where, "source_path")),
                "digest": UNRESOLVED,
            },
            "imported_from": kept,
        },
        default=True,
        assumed={"artifact": "digest"},
        file=source,
        location=location,
    )


def _version(source: JsonFile, location: Location) -> str:
    value = source.mapping(location[:-1]).get("version")
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    version = source.text(location, ".", "Write the version")
    if _NUMBER.fullmatch(version):
        # An export could not tell it from a number.
        source.refuse(location, f'is text, "{version}"', "Write it as a number, without quotes")
    return version


def _bucket(source: JsonFile, location: Location) -> str:
    return source.text(location, BUCKET_PATTERN, PATTERN_HINTS[BUCKET_PATTERN])


def _path(source: JsonFile, location: Location) -> str:
    return source.text(location, PATH_PATTERN, PATTERN_HINTS[PATH_PATTERN])


def exported(
    catalog: Catalog,
    environment: Environment,
    wanted: Selector | None = None,
    *,
    target_bucket: str | None = None,
) -> dict[str, Any]:
    """The environment's default versions as such a file; `target_bucket` over the one that an import kept.

    Versions whose weights lie on the Hub are left out: the format knows buckets alone.
    """
    tasks: dict[str, dict[str, dict[str, Any]]] = {}
    for one in catalog.running(environment):
        artifact = one.version.artifact
        if (
            one.default
            and isinstance(artifact, BucketArtifact)
            and (not wanted or wanted.matches(one.selector))
        ):
            models = tasks.setdefault(one.entry.task, {})
            models.setdefault(one.entry.model, {})[one.language] = _keys(one, artifact, target_bucket)
    return tasks


def _keys(running: RunningVersion, artifact: BucketArtifact, target_bucket: str | None) -> Mapping[str, Any]:
    kept = running.version.imported_from
    keys: dict[str, Any] = {
        "version": int(running.version_id) if _NUMBER.fullmatch(running.version_id) else running.version_id
    }
    description = kept.description if kept else running.version.notes
    if description is not None:
        keys["description"] = description
    where = {"source_bucket_name": artifact.bucket, "source_path": artifact.path}
    bucket = target_bucket or (kept.target_bucket if kept else None)
    if bucket:
        where["target_bucket_name"] = bucket
    if kept and kept.target_path:
        where["target_path"] = kept.target_path
    elif bucket and not kept:
        where["target_path"] = default_target_path(running.selector)
    keys["model_config"] = where
    return keys


def default_target_path(selector: Selector) -> str:
    """Where files of this format have artifacts copied to: Deployments/RemoteModels/<lang>/<task>/<model>/."""
    return f"Deployments/RemoteModels/{selector.language}/{selector.task}/{selector.model}/"
