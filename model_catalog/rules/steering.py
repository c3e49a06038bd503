"""What people decide by hand in a release: other serving options, another kind of node."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pydantic import BaseModel, create_model

from engines import tgi, torchserve, vllm
from hardware import INSTANCE_TYPES, InstanceType
from model_catalog.catalog import RunningVersion, overridden
from model_catalog.entry import Device, Engine, Entry
from model_catalog.problem import Problem
from model_catalog.release import Environment, VariantRelease
from model_catalog.rules.rule import Context, Rule, suggest
from model_catalog.selector import Selector
from model_catalog.validation import validate
from model_catalog.version import TgiVersion, TorchServeVersion, Version, VllmVersion
from model_catalog.yaml_source import Location

_TUNABLE: Final[Mapping[Engine, frozenset[str]]] = {
    Engine.TGI: tgi.TUNABLE,
    Engine.TORCHSERVE: torchserve.TUNABLE,
    Engine.VLLM: vllm.TUNABLE,
}


def _override_possible(context: Context) -> Iterator[Problem]:
    for environment, release in context.catalog.releases.items():
        for variant, released in release.root.items():
            entry = context.catalog.entry(variant)
            if entry is None or variant.language not in entry.languages:
                continue
            for index in range(len(released.overrides)):
                place = _Override(
                    context=context, environment=environment, variant=variant, released=released, index=index
                )
                fixed = list(_fixed_options(entry, place))
                yield from fixed or _refused_options(entry, place)


@dataclass(frozen=True, kw_only=True)
class _Override:
    """One override, and where it stands."""

    context: Context
    environment: Environment
    variant: Selector
    released: VariantRelease
    index: int

    @property
    def serving(self) -> Mapping[str, Any]:
        return self.released.overrides[self.index].serving

    @property
    def versions(self) -> tuple[str, ...]:
        """Those it is for, as far as they run."""
        named = self.released.overrides[self.index].versions
        return tuple(version for version in self.released.running if not named or version in named)

    def problem(self, location: Location, *, message: str, fix: str, key: bool = False) -> Problem:
        return self.context.in_release(
            self.environment,
            (str(self.variant), "overrides", self.index, *location),
            rule="override-possible",
            message=message,
            fix=fix,
            key=key,
        )


def _fixed_options(entry: Entry, override: _Override) -> Iterator[Problem]:
    tunable = _TUNABLE[entry.engine]
    known = _serving_kind(entry).model_fields
    for option in sorted(set(override.serving) - tunable):
        if option in known:
            message = f"{option} may change answers, and so belongs to a version of {override.variant}"
            fix = f"Make a new version with it. An override may set {', '.join(sorted(tunable))}"
        else:
            message, fix = f"{option} is no serving option of {entry.engine}", suggest(option, tunable)
        yield override.problem(("serving", option), message=message, fix=fix, key=True)


def _refused_options(entry: Entry, override: _Override) -> Iterator[Problem]:
    """What the engine's own type says of the options that come out."""
    language = entry.languages[override.variant.language or ""]
    before = override.released.model_copy(update={"overrides": override.released.overrides[: override.index]})
    for version_id in override.versions:
        version = language.versions.get(version_id)
        if version is None:
            continue  # the rule version-exists reports it
        serving = overridden(version, version_id, before).serving
        said = {**serving.model_dump(exclude_unset=True), **override.serving}
        _, problems = validate(_Effective(override, said), _wrapped(type(serving)))
        yield from problems


class _Effective:
    """The options that come out, as something to validate; problems stand at the override."""

    def __init__(self, override: _Override, serving: Mapping[str, Any]) -> None:
        self._override = override
        self.value = {"serving": serving}

    def problem(self, location: Location, *, rule: str, message: str, fix: str, key: bool = False) -> Problem:
        """A finding in the release file, whatever the type's own rule was."""
        del rule
        option = str(location[-1])
        named = message if option in message else f"{option}: {message}"
        return self._override.problem(location, message=named, fix=fix, key=key)


def _serving_kind(entry: Entry) -> type[BaseModel]:
    match entry.engine:
        case Engine.TGI:
            return tgi.ServingOptions
        case Engine.TORCHSERVE:
            return torchserve.ServingOptions
        case Engine.VLLM:
            return vllm.ServingOptions


@cache
def _wrapped(serving: type[BaseModel]) -> type[BaseModel]:
    """So that a finding about all options together names the key that holds them."""
    fields: dict[str, Any] = {"serving": (serving, ...)}
    return create_model("Overridden", **fields)


def _pin_possible(context: Context) -> Iterator[Problem]:
    for environment, release in context.catalog.releases.items():
        by_variant: dict[Selector, list[RunningVersion]] = {}
        for running in context.running[environment]:
            by_variant.setdefault(running.selector.variant, []).append(running)
        for variant, released in release.root.items():
            if released.pin is None or variant not in by_variant:
                continue
            name = released.pin.instance_type
            for message, fix in _unfit(by_variant[variant], name):
                yield context.in_release(
                    environment,
                    (str(variant), "pin", "instance_type"),
                    rule="pin-possible",
                    message=message,
                    fix=fix,
                )


def _unfit(running: list[RunningVersion], name: str) -> Iterator[tuple[str, str]]:
    """Message and fix of each reason why these versions of a variant cannot run on a node of the type."""
    kind = INSTANCE_TYPES.get(name)
    if kind is None:
        yield f"{name} is not in the hardware table", suggest(name, INSTANCE_TYPES)
        return
    device = running[0].entry.device
    if device is Device.GPU and kind.gpu is None:
        yield (
            f"{running[0].selector.variant} needs a GPU, and {name} has none",
            "Pin it to a type with a GPU, as in g5.xlarge",
        )
    elif device is Device.CPU and kind.gpu is not None:
        yield (
            f"{running[0].selector.variant} runs on a CPU, and the {kind.gpu.model} of {name} would idle",
            "Pin it to a type without a GPU, as in m6i.xlarge",
        )
    else:
        for one in running:
            yield from _too_small(one, kind)


def _too_small(running: RunningVersion, kind: InstanceType) -> Iterator[tuple[str, str]]:
    asked = _asked(running.version)
    if asked is None or kind.gpu is None:
        return
    needed, gpus = asked
    has = kind.gpu.compute_capability
    if has < needed:
        message = (
            f"{running.selector} needs a GPU of compute capability {needed[0]}.{needed[1]}, and the {kind.gpu.model} "
            f"of {kind.name} has {has[0]}.{has[1]}"
        )
        yield message, "Pin it to a newer GPU, or make a version with another precision or quantization"
    if kind.gpu_count < gpus:
        yield (
            f"{running.selector} spreads over {gpus} GPUs, and {kind.name} has {kind.gpu_count}",
            "Pin it to a type with as many",
        )


def _asked(version: Version) -> tuple[tuple[int, int], int] | None:
    """Compute capability and number of the GPUs; None where the engine says nothing about either."""
    match version:
        case TgiVersion():
            needed = tgi.compute_capability(version.serving, version.precision, version.quantization)
            return needed, version.serving.num_shard
        case VllmVersion():
            needed = vllm.compute_capability(version.serving, version.precision, version.quantization)
            return needed, version.serving.tensor_parallel_size
        case TorchServeVersion():
            return None


RULES = (
    Rule(
        id="override-possible",
        demand="An override sets only options that change no answer, to values that the engine takes.",
        check=_override_possible,
    ),
    Rule(
        id="pin-possible",
        demand="A pin names a type of node that the hardware table has and that all its versions can run on.",
        check=_pin_possible,
    ),
)
