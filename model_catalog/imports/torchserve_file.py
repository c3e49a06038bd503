"""The files that TorchServe reads and writes, down to its models: name → version → marName, workers, batches, times.

| file | what it is |
|---|---|
| JSON, name → version | what `models` holds |
| JSON with `modelCount` and `models` | the value of `model_snapshot` |
| config.properties, or a snapshot's .cfg | Java properties with `models=` or `model_snapshot=` |

docs/facts/torchserve.md §3 says what TorchServe makes of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from model_catalog.imports.json_file import JsonFile, json_path
from model_catalog.imports.properties import Property, read_properties
from model_catalog.problem import CatalogError, Problem
from model_catalog.yaml_source import Location

_ZEROS: Final = {
    "minWorkers": "a version that is released has one worker at least",
    "maxWorkers": "it counts as minWorkers",
    "batchSize": "TorchServe takes 1",
}
"""Keys whose 0 has no effect here → why."""
_SPANS: Final = frozenset({"maxBatchDelay", "responseTimeout", "startupTimeout"})
_KEYS: Final = (
    frozenset({"marName", "defaultVersion", "parallelLevel", "runtimeType"}) | _ZEROS.keys() | _SPANS
)
_SNAPSHOT: Final = frozenset({"created", "modelCount", "models", "name"})
_TAKEN: Final = frozenset({"load_models", "model_snapshot", "model_store", "models", "version"})
_DEFAULTS: Final = {
    "default_workers_per_model": "minWorkers",
    "default_response_timeout": "responseTimeout",
    "default_startup_timeout": "startupTimeout",
}
"""Keys of config.properties that decide what an entry of `models=` leaves out. A snapshot leaves nothing out."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One file that was read: its models by the name they are served under."""

    file: JsonFile
    root: Location
    """Where the names stand in the file's JSON."""
    names: tuple[str, ...]
    loads: tuple[str, ...] = ()
    """Archives that load_models names, in its order: of `models=`, the first of a model is its default version."""
    defaults: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Key of a version → what it is where the version leaves it out."""
    dropped: tuple[str, ...] = ()
    """What has no effect in the catalog, and why, for people."""

    def said(self, name: str, version: str) -> Mapping[str, Any]:
        """What the file says of one version."""
        return self.file.mapping(self.at(name, version))

    def versions(self, name: str) -> tuple[str, ...]:
        """In the file's order."""
        return tuple(self.file.mapping(self.at(name)))

    def at(self, *steps: str) -> Location:
        """The location of a name, a version of it, or a key of that."""
        return (*self.root, *steps)


def read(text: str, file: str) -> Configuration:
    """Return the models of a file. Raises CatalogError for what is no such file, and for keys that would be lost."""
    if text.lstrip()[:1] in ("{", "["):
        source = JsonFile(text, file)
        root: Location = ("models",) if _is_snapshot(source.value) else ()
        return _checked(source, root)
    properties = read_properties(text)
    by_key = {one.key: one for one in properties}
    held = by_key.get("model_snapshot") or by_key.get("models")
    if held is None:
        raise CatalogError([_no_models(file)])
    _refuse_repeated(properties, held.key, file)
    source = JsonFile(held.value, file, held.places)
    others = sorted(by_key.keys() - _TAKEN - _DEFAULTS.keys())
    remarks = (
        [f"not taken from {file}, since servers here have their own: {', '.join(others)}"] if others else []
    )
    if held.key == "model_snapshot":
        return _checked(source, ("models",), remarks=remarks)
    listed = by_key["load_models"].value.split(",") if "load_models" in by_key else []
    loads = tuple(part.rpartition("=")[2].strip() for part in listed)
    return _checked(source, (), loads=loads, defaults=_defaults(by_key), remarks=remarks)


def _is_snapshot(value: Any) -> bool:
    """Whether `models` is the key of a snapshot, and no model of that name: then versions hold plain values."""
    if not isinstance(value, dict) or not isinstance(value.get("models"), dict) or value.keys() - _SNAPSHOT:
        return False
    if "modelCount" in value:
        return True
    models = (model for model in value["models"].values() if isinstance(model, dict))
    return any(isinstance(version, dict) for model in models for version in model.values())


def _no_models(file: str) -> Problem:
    return Problem(
        file=file,
        line=1,
        column=1,
        rule="import-format",
        message="it is neither JSON nor a properties file with models= or model_snapshot=",
        fix=(
            "Name a config.properties that holds one of them, a snapshot (logs/config/*.cfg), or the JSON alone; where "
            "models are registered by calls, the newest snapshot has them"
        ),
    )


def _refuse_repeated(properties: tuple[Property, ...], key: str, file: str) -> None:
    lines = [one.line for one in properties if one.key == key]
    if len(lines) > 1:
        raise CatalogError(
            [
                Problem(
                    file=file,
                    line=lines[-1],
                    column=1,
                    rule="duplicate-key",
                    message=f"{key} is given twice, and was already on line {lines[0]}: TorchServe takes the last one",
                    fix="Keep one of them",
                )
            ]
        )


def _defaults(by_key: Mapping[str, Property]) -> Mapping[str, int]:
    return {
        key: int(by_key[name].value)
        for name, key in _DEFAULTS.items()
        if name in by_key and by_key[name].value.isdecimal() and int(by_key[name].value) > 0
    }


def _checked(
    source: JsonFile,
    root: Location,
    *,
    loads: tuple[str, ...] = (),
    defaults: Mapping[str, int] | None = None,
    remarks: list[str] | None = None,
) -> Configuration:
    if root:
        source.mapping((), _SNAPSHOT)
    problems: list[Problem] = []
    dropped = list(remarks or ())
    names = tuple(source.mapping(root))
    for name in names:
        for version in source.mapping((*root, name)):
            try:
                dropped += _without_effect(source, (*root, name, version))
            except CatalogError as error:
                problems.extend(error.problems)
    if problems:
        raise CatalogError(problems)
    return Configuration(
        file=source,
        root=root,
        names=names,
        loads=loads,
        defaults=MappingProxyType(dict(defaults or {})),
        dropped=tuple(dropped),
    )


def has_no_effect(key: str, value: Any) -> bool:
    """Whether a version says 0 where TorchServe takes its own default, or starts no worker at all."""
    return key in _ZEROS and value == 0 and not isinstance(value, bool)


def _without_effect(source: JsonFile, location: Location) -> list[str]:
    """Return in words the keys that are left out. Raises CatalogError for those that would be lost."""
    said = source.mapping(location, _KEYS)
    found = [f"{_path(location, key)} is 0: {_ZEROS[key]}" for key in said if has_no_effect(key, said[key])]
    if "runtimeType" in said:
        if said["runtimeType"] != "python":
            source.refuse(
                (*location, "runtimeType"), "is not python", "Only workers in Python can be imported"
            )
        found.append(f"{_path(location, 'runtimeType')} is left out: every version runs in Python")
    if "parallelLevel" in said:
        if source.count((*location, "parallelLevel"), least=0) > 1:
            source.refuse(
                (*location, "parallelLevel"),
                f"is {said['parallelLevel']}: a worker would spread over several GPUs",
                "Serve such a model with vLLM or TGI",
            )
        found.append(f"{_path(location, 'parallelLevel')} is left out: each worker has one GPU")
    return found


def _path(location: Location, key: str) -> str:
    return json_path((*location, key))
