"""When somebody is told about models inside a TorchServe server: on what its agent says (workloads/agent/metrics.py).

A model that does not come up neither restarts a pod nor makes it unready, so nothing else would tell.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from planning.observability.alert import (
    LABELLED,
    SUSTAINED,
    Alert,
    Severity,
    commands,
    named,
    patience,
    samples_of,
)
from planning.observability.pod_monitor import AGENT_PORT_NAME
from planning.torchserve_servers import TorchServePlan
from quantities import Bytes

STUCK: Final = timedelta(minutes=5)
"""Since the agent's loop last turned. It turns every second, whatever is being loaded."""
LEAST_DISK: Final = Bytes.mebibytes(1024)
"""Left on the models' volume, where models are small. Chosen, not measured."""

_TURNS: Final = "5m"
"""Ten scrapes, and 300 turns: a single error is out of it before the alert's hold is over."""
_PARTS: Final = (
    "configuration: changes take effect; plan: versions are loaded and removed; outcomes: steps are noted; disk: files "
    "are seen; journal: a restart goes on where it was"
)
"""The parts of a turn, by the metric's label, and what each does (workloads/agent/loop.py)."""

_MODEL: Final = "task, model, language, owner, model_name"
_BROKEN: Final = "conflict|failed|unhealthy"
_GUIDE: Final = "docs/operations.md, A version does not come up."


def agent_alerts(server: TorchServePlan, namespace: str) -> Iterator[Alert]:
    """The server's, for its models and for its agent. `namespace` is where its pods run."""
    yield from _of_models(server, namespace)
    yield from _of_agent(server, namespace)


def _of_models(server: TorchServePlan, namespace: str) -> Iterator[Alert]:
    samples = samples_of(server, namespace)
    loading = patience(max(model.options.startup_timeout for model in server.models))
    yield Alert(
        name="SlipwayModelNotServed",
        # Of a pod that is not ready, which gets no requests, SlipwayServerNotReady tells.
        expression=(
            f"min by ({_MODEL}) (slipway_agent_default_servable{{{samples}}} "
            f"and on (namespace, pod) slipway_agent_ready{{{samples}}} == 1) == 0"
        ),
        hold=loading,
        severity=Severity.CRITICAL,
        summary=f"{LABELLED} is not answered by {server.name}",
        description=(
            f"A ready replica of {server.name} has no version of {LABELLED} that answers requests without a version. "
            "Usual causes: files that are missing in the bucket or have another digest, a handler that fails while it "
            f"loads, no room on the GPU. {_GUIDE}"
        ),
        run=_model_commands(server, namespace),
        of_models=True,
    )
    yield Alert(
        name="SlipwayAnotherVersionAnswers",
        expression=(
            f"min by ({_MODEL}) (slipway_agent_default_as_wanted{{{samples}}}) == 0 "
            f"and min by ({_MODEL}) (slipway_agent_default_servable{{{samples}}}) == 1"
        ),
        hold=loading,
        severity=Severity.WARNING,
        summary=f"{LABELLED} is answered by another version than the release says",
        description=(
            f"A replica of {server.name} answers {LABELLED} with another version than its default in "
            f"model_catalog/releases/{server.environment}.yaml, because that one does not come up. Nobody goes without "
            f"an answer. {_GUIDE}"
        ),
        run=_model_commands(server, namespace),
        of_models=True,
    )
    yield Alert(
        name="SlipwayVersionFails",
        # While it is tried again its state is another one for a moment.
        expression=(
            f"max by ({_MODEL}, model_version) (sum by ({_MODEL}, model_version, pod) (avg_over_time("
            f'slipway_agent_version_state{{{samples},state=~"{_BROKEN}"}}[10m]))) > 0.5'
        ),
        hold=SUSTAINED,
        severity=Severity.WARNING,
        summary=f"version {{{{ $labels.model_version }}}} of {LABELLED} does not come up",
        description=(
            f"Version {{{{ $labels.model_version }}}} of {LABELLED} has failed on {server.name} for ten minutes. The "
            f"agent's log and /versions say why; it is tried again by itself, at most 5 minutes apart. {_GUIDE}"
        ),
        run=_model_commands(server, namespace),
        of_models=True,
    )


def _of_agent(server: TorchServePlan, namespace: str) -> Iterator[Alert]:
    samples = samples_of(server, namespace)
    what = named(server)
    room = max(LEAST_DISK, *(model.triple.memory.weights for model in server.models))
    logs = commands(server, namespace, f"logs -c {AGENT_PORT_NAME} --tail=50")
    yield Alert(
        name="SlipwayConfigurationRefused",
        expression=f"min(slipway_agent_configuration_valid{{{samples}}}) == 0",
        hold=STUCK,
        severity=Severity.WARNING,
        summary=f"{what} refuses its newest configuration",
        description=(
            f"The agent of {server.name} cannot read what the last update wrote, and serves what was there before: no "
            f"change of its models takes effect. /versions and its log say why. {_GUIDE}"
        ),
        run=logs,
    )
    yield Alert(
        name="SlipwayAgentDown",
        expression=(
            f'min(up{{{samples},endpoint="{AGENT_PORT_NAME}"}}) == 0 '
            f"or time() - min(slipway_agent_last_turn_seconds{{{samples}}}) > {STUCK // timedelta(seconds=1)}"
        ),
        hold=STUCK,
        severity=Severity.WARNING,
        summary=f"the agent of {what} does not answer or does not turn",
        description=(
            f"What {server.name} serves does not follow its configuration, and the alerts of its models are blind. "
            f"What is loaded goes on answering. {_GUIDE}"
        ),
        run=commands(server, namespace, "describe pods", f"logs -c {AGENT_PORT_NAME} --tail=50 --previous"),
    )
    yield Alert(
        name="SlipwayAgentFails",
        # The series begins with the first error, and one error alone is no reason to look: they go on.
        expression=f"sum by (part) (increase(slipway_agent_turn_errors_total{{{samples}}}[{_TURNS}])) > 0",
        hold=SUSTAINED,
        severity=Severity.WARNING,
        summary=f"the agent of {what} fails at {{{{ $labels.part }}}} on its turns",
        description=(
            f"A part of each turn of the agent of {server.name} ends in an error that nobody expected, and is left "
            f"out: what that part does ({_PARTS}) does not happen. What is loaded goes on answering. The agent's log "
            f"has the traceback once, where it began; it is a fault of the agent, or of what the volume holds. {_GUIDE}"
        ),
        run=commands(server, namespace, f"logs -c {AGENT_PORT_NAME} --tail=-1"),
    )
    yield Alert(
        name="SlipwayDiskNearlyFull",
        expression=f"min(slipway_agent_disk_free_bytes{{{samples}}}) < {int(room)}",
        hold=SUSTAINED,
        severity=Severity.WARNING,
        summary=f"the models' volume of {what} is nearly full",
        description=(
            f"Less than {room} is left for archives and weights of {server.name}: a new version of its largest model "
            "may not fit, and Kubernetes ends pods on a node whose disk is full. Retire versions, or give nodes a "
            f"larger disk. {_GUIDE}"
        ),
        run=logs,
    )


def _model_commands(server: TorchServePlan, namespace: str) -> str:
    """Why, what changed last, and the way back."""
    return "\n".join(
        [
            commands(server, namespace, f"logs -c {AGENT_PORT_NAME} --tail=50"),
            "git log -5 --oneline -- model_catalog/",
            f"slipway rollback {LABELLED} --env {server.environment}",
        ]
    )
