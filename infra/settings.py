"""The stack's configuration, read once into one frozen model, before any resource.

Defaults stand in Pulumi.yaml and nowhere else: the engine fills them in, and so does infra.stack_files where no
engine runs.
"""

import difflib
import ipaddress
import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PositiveInt,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from hardware import PurchaseOption, instance_type
from model_catalog import Environment
from planning import NatGateways, PoolSettings, gpu_nodes

PROJECT: Final = "slipway"
"""The namespace of every key, and the project's name."""

_STACK_NAME: Final = re.compile(r"[\w.-]+/[\w.-]+/[\w.-]+")
_MIRROR: Final = re.compile(r"(https?|oci)://[^\s/]\S*|[\w.-]+")


class SettingsError(Exception):
    """The stack's configuration is wrong. Each line names the key, the stack file and the fix."""


def _from_json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise ValueError(
            "is plain text; write a YAML list or mapping, as Pulumi.yaml describes it"
        ) from error


def _network(value: str) -> str:
    try:
        return str(ipaddress.IPv4Network(value))
    except ValueError as error:
        raise ValueError(f"{value!r} is not an IPv4 range; write one as in 10.60.0.0/16") from error


def _vpc_sized(value: str) -> str:
    if not 16 <= ipaddress.IPv4Network(value).prefixlen <= 20:
        raise ValueError(f"{value!r} is not between /16 and /20; take a /16, as in 10.60.0.0/16")
    return value


def _with_gpu(name: str) -> str:
    gpu_nodes(name)
    return name


def _without_gpu(name: str) -> str:
    if instance_type(name).gpu is not None:
        raise ValueError(f"{name!r} has a GPU; take one without, as in m6i.large")
    return name


def _stack_name(value: str) -> str:
    if value and not _STACK_NAME.fullmatch(value):
        raise ValueError(
            f"is {value!r}; write organization/project/stack, as in organization/{PROJECT}/sandbox-platform"
        )
    return value


def _mirror(value: str) -> str:
    if value and not _MIRROR.fullmatch(value):
        raise ValueError(
            f"is {value!r}; write a URL (https://… or oci://…), or the name that `helm repo add` gave a repository"
        )
    return value


Cidr = Annotated[str, AfterValidator(_network)]
FromJson = BeforeValidator(_from_json)


class Settings(BaseModel):
    """All that a stack decides. The keys are these names in camelCase, described in Pulumi.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    environment: Environment
    platform_stack: Annotated[str, AfterValidator(_stack_name)]
    """As organization/project/stack; empty where this stack holds the platform."""
    serving: bool
    """Whether servers run in this stack."""
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
    availability_zones: Annotated[tuple[str, ...], FromJson]
    vpc_cidr: Annotated[Cidr, AfterValidator(_vpc_sized)]
    nat_gateways: NatGateways
    kubernetes_version: Annotated[str, StringConstraints(pattern=r"^1\.\d{2}$")]
    public_access_cidrs: Annotated[tuple[Cidr, ...], FromJson]
    gpu_nodes: Annotated[dict[Annotated[str, AfterValidator(_with_gpu)], PositiveInt], FromJson]
    cpu_nodes: Annotated[dict[Annotated[str, AfterValidator(_without_gpu)], PositiveInt], FromJson]
    node_autoscaler: bool
    node_purchase_option: Literal["on_demand", "spot"]
    system_instance_type: Annotated[str, AfterValidator(_without_gpu)]
    system_nodes: PositiveInt
    chart_mirror: Annotated[str, AfterValidator(_mirror)]
    """The Helm repository of every chart; empty where each comes from its own."""
    model_retention_days: PositiveInt
    force_destroy: bool
    protect: bool

    @property
    def holds_platform(self) -> bool:
        """Whether network, cluster and bucket are this stack's."""
        return not self.platform_stack

    @property
    def pools(self) -> PoolSettings:
        """The nodes that the stack allows."""
        return PoolSettings(
            region=self.region,
            gpu_nodes=self.gpu_nodes,
            cpu_nodes=self.cpu_nodes,
            autoscaled=self.node_autoscaler,
            purchase_option=PurchaseOption(self.node_purchase_option),
            system_instance_type=self.system_instance_type,
            system_nodes=self.system_nodes,
        )

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if self.platform_stack and not self.serving:
            raise ValueError(
                "slipway:platformStack is set and slipway:serving is false, which leaves nothing in this stack; "
                "remove one of them: platformStack for a stack that holds the platform, serving for one with servers"
            )
        return self

    @model_validator(mode="after")
    def _zones_of_region(self) -> Self:
        if not self.holds_platform:
            return self
        zones = self.availability_zones
        if not 2 <= len(zones) <= 8 or len(set(zones)) < len(zones):
            raise ValueError(
                f"slipway:availabilityZones lists {len(zones)} zones; name 2 to 8 different ones, since EKS needs two"
            )
        strangers = [zone for zone in zones if zone[:-1] != self.region]
        if strangers:
            raise ValueError(
                f"slipway:availabilityZones has {', '.join(strangers)}; zones of {self.region} are named "
                f"{self.region}a, {self.region}b and so on"
            )
        if self.force_destroy and self.protect:
            raise ValueError("slipway:forceDestroy and slipway:protect are both true; keep one of them")
        return self


KEYS: Final = MappingProxyType({to_camel(field): field for field in Settings.model_fields})
"""Key as a person writes it → field."""


def load_settings(stack: str, config: Mapping[str, str]) -> Settings:
    """Read the `slipway:` keys of a stack's whole configuration; other namespaces are left alone.

    Raises SettingsError with a line for each wrong key.
    """
    prefix = f"{PROJECT}:"
    own = {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)}
    wrong = [_unknown(key) for key in own if key not in KEYS]
    try:
        settings = Settings.model_validate({KEYS[key]: own[key] for key in own if key in KEYS})
        if settings.platform_stack.rpartition("/")[2] == stack:
            wrong.append(
                f"{PROJECT}:platformStack names this very stack. Name the one that holds the platform"
            )
        if not wrong:
            return settings
    except ValidationError as error:
        wrong += [_describe(detail) for detail in error.errors()]
    raise SettingsError("\n".join(f"Pulumi.{stack}.yaml: {line}" for line in sorted(wrong)))


def _unknown(key: str) -> str:
    near = difflib.get_close_matches(key, KEYS, n=1)
    fix = f"Did you mean {PROJECT}:{near[0]}?" if near else f"Settings: {', '.join(sorted(KEYS))}"
    return f"{PROJECT}:{key} is not a setting. {fix}"


def _describe(detail: ErrorDetails) -> str:
    location = detail["loc"]
    key = " ".join((f"{PROJECT}:{to_camel(str(location[0]))}", *map(str, location[1:]))) if location else ""
    key = key.removesuffix(f" {location[-2]} [key]") if location[-1:] == ("[key]",) else key
    match detail["type"]:
        case "missing":
            return f"{key} is missing. Add it, as Pulumi.yaml describes it"
        case "dict_type":
            return f"{key} is {detail['input']!r}. Write a mapping of instance types to their most nodes"
        case "value_error":
            message, _, fix = str(detail["ctx"]["error"]).partition("; ")
            return f"{key} {message}. {fix[:1].upper()}{fix[1:]}".strip()
        case "string_pattern_mismatch":
            return f"{key} is {detail['input']!r}. It must match {detail['ctx']['pattern']}"
        case _:
            return f"{key} is {detail['input']!r}. {detail['msg']}"
