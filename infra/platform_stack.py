"""The platform through a stack's outputs: what the stack that holds it exports, and what another makes of that.

Whatever does not fit is found before the first server is touched, and reaches the user as one message that names the
file, the key and the command.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import pulumi
from pydantic.alias_generators import to_camel

from infra.platform import Platform
from infra.settings import PROJECT, Settings
from planning import Plan

OUTPUT: Final = "platform"
"""Name of the stack output that holds every field but one."""
KUBECONFIG_OUTPUT: Final = "kubeconfig"
"""An output of its own: it is long, and people want it by itself."""

_ENVIRONMENT, _POOLS, _REGION = "environment", "pools", "region"
_KEYS: Final = {field.name: to_camel(field.name) for field in fields(Platform)}
"""Field of Platform → key."""


class PlatformError(pulumi.RunError):
    """The platform stack and this one do not fit. The text is meant for the user."""


def platform_outputs(platform: Platform, plan: Plan) -> dict[str, Any]:
    """What the stack exports: each field of the platform, and what it must have in common with who uses it."""
    parts = {key: getattr(platform, field) for field, key in _KEYS.items()}
    kubeconfig = parts.pop(_KEYS["kubeconfig"])
    common = {_ENVIRONMENT: plan.environment.value, _POOLS: [pool.name for pool in plan.pools]}
    return {OUTPUT: {**common, **parts}, KUBECONFIG_OUTPUT: kubeconfig}


def platform_of_stack(settings: Settings, plan: Plan, stack: str) -> Platform:
    """The platform that `settings.platform_stack` holds; `stack` is the one that is being run.

    Its outputs raise PlatformError where that stack holds no platform, an incomplete one, or one that does not fit.
    """
    reference = pulumi.StackReference("platform", stack_name=settings.platform_stack)
    needs = PlatformNeeds(
        stack=stack,
        platform_stack=settings.platform_stack,
        environment=settings.environment.value,
        region=settings.region,
        pools=tuple(sorted({server.pool for server in plan.servers})),
    )
    outputs = pulumi.Output.all(reference.get_output(OUTPUT), reference.get_output(KUBECONFIG_OUTPUT))
    known = outputs.apply(lambda both: needs.checked(both[0], both[1]))

    def part(field: str) -> pulumi.Output[str]:
        key = _KEYS[field]
        return known.apply(lambda values: str(values[key]))

    return Platform(
        # Plain, since preview must be whole: `checked` has made sure that it is the platform's.
        region=settings.region,
        bucket_name=part("bucket_name"),
        bucket_arn=part("bucket_arn"),
        key_arn=part("key_arn"),
        cluster_name=part("cluster_name"),
        kubeconfig=part("kubeconfig"),
    )


@dataclass(frozen=True, kw_only=True)
class PlatformNeeds:
    """What this stack takes for granted of the other."""

    stack: str
    platform_stack: str
    environment: str
    region: str
    pools: Sequence[str]

    def checked(self, parts: Any, kubeconfig: Any) -> Mapping[str, Any]:
        """The platform's values by key. Raises PlatformError."""
        if not isinstance(parts, Mapping):
            raise self._error(f"{self.platform_stack} holds no platform", self._update)
        output = {**parts, _KEYS["kubeconfig"]: kubeconfig}
        missing = sorted(
            key for key in {_ENVIRONMENT, _POOLS, *_KEYS.values()} if output.get(key) in (None, "")
        )
        if missing:
            raise self._error(
                f"the platform of {self.platform_stack} lacks {', '.join(missing)}", self._update
            )
        for key, own in ((_ENVIRONMENT, self.environment), (_REGION, self.region)):
            if output[key] != own:
                raise self._error(
                    f"{PROJECT}:{key} is {own}, and the platform of {self.platform_stack} is in {output[key]}",
                    f"Set {PROJECT}:{key} to {output[key]}, or name another platform",
                )
        absent = [pool for pool in self.pools if pool not in output[_POOLS]]
        if absent:
            raise self._error(
                f"servers need pool {', '.join(absent)}, and {self.platform_stack} has {', '.join(output[_POOLS])}",
                f"{self._update}, with the pool settings of this file",
            )
        return output

    @property
    def _update(self) -> str:
        return f"First run: pulumi up --stack {self.platform_stack}"

    def _error(self, what: str, fix: str) -> PlatformError:
        return PlatformError(f"Pulumi.{self.stack}.yaml: {PROJECT}:platformStack: {what}. {fix}")
