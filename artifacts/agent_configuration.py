"""The configuration of a server's agent: the document in its ConfigMap, from a plan and the files that serve it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from artifacts.errors import RefusedError
from artifacts.served import ServedFiles
from model_catalog import Selector
from planning import DRAIN, TorchServeModelPlan, TorchServePlan
from quantities import Bytes
from workloads.agent import (
    Configuration,
    ConfigurationError,
    Smoke,
    Version,
    configuration_json,
    read_configuration,
)

AGENT_RULE: Final = "agent-accepts"
SIZE_RULE: Final = "configmap-size"

MODELS_LIMIT: Final = Bytes(900 * 1024)
"""A ConfigMap holds 1 MiB (https://kubernetes.io/docs/concepts/configuration/configmap/), and its names and the record
of its last change share it."""
LEAST_GRACE: Final = timedelta(seconds=60)
"""The agent's own default."""


class RefusedConfigurationError(RefusedError):
    """The configuration of a server is one that its ConfigMap cannot hold, or that its agent refuses."""

    def __init__(self, server: TorchServePlan, *, rule: str, reason: str, fix: str) -> None:
        self.server, self.rule, self.reason, self.fix = server, rule, reason, fix
        super().__init__(f"{server.name}: {rule}: {reason}. Fix: {fix}")


def models_document(server: TorchServePlan, files: Mapping[Selector, ServedFiles]) -> str:
    """The agent's configuration: every version that has files. A variant has them for its default, or for none.

    Raises:
        RefusedConfigurationError: it is more than a ConfigMap holds, or the agent's own reader refuses it.
    """
    try:
        text = configuration_json(_configuration(server, files))
        size = Bytes(len(text.encode()))
        if size > MODELS_LIMIT:
            raise RefusedConfigurationError(
                server,
                rule=SIZE_RULE,
                reason=(
                    f"the configuration of the {len(server.models)} versions of {server.name} takes {size}, and a "
                    f"ConfigMap holds {MODELS_LIMIT} of it"
                ),
                fix=(
                    "shorten their smoke inputs, retire versions, or set sharing.max_models in an entry, so that they "
                    "get more than one server"
                ),
            )
        read_configuration(text)
    except ConfigurationError as error:
        raise RefusedConfigurationError(
            server,
            rule=AGENT_RULE,
            reason=f"the agent would refuse the configuration of {server.name}: {error}",
            fix=(
                "keep within what it takes (docs/agent.md), or set sharing.max_models in an entry, so that the models "
                "get more than one server"
            ),
        ) from error
    return text


def _configuration(server: TorchServePlan, files: Mapping[Selector, ServedFiles]) -> Configuration:
    models: dict[str, dict[str, Version]] = {}
    for model in server.models:
        if model.selector in files:
            models.setdefault(model.name, {})[model.version] = _version(model, files[model.selector])
    return Configuration(models=models, drain_grace=_grace(server))


def _grace(server: TorchServePlan) -> timedelta:
    """Longer than the slowest request of any version takes, counted from when gateways know of the switch."""
    slowest = max((model.options.response_timeout for model in server.models), default=timedelta(0))
    return max(LEAST_GRACE, slowest + DRAIN)


def _version(model: TorchServeModelPlan, files: ServedFiles) -> Version:
    options, smoke = model.options, model.smoke
    return Version(
        archive=files.archive,
        default=model.default,
        min_workers=options.min_workers,
        max_workers=options.worker_limit,
        batch_size=options.batch_size,
        max_batch_delay=options.max_batch_delay,
        response_timeout=options.response_timeout,
        startup_timeout=options.startup_timeout,
        smoke=None if smoke is None else Smoke(body=smoke.body, content_type=smoke.content_type),
        weights=files.weights,
        gpu_memory_fraction=model.gpu_memory_fraction,
    )
