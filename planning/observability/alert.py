"""What an alert is, and what all of them say in the same words."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from planning.observability.pod_monitor import SERVER_LABEL
from planning.server import ServerPlan

START: Final = timedelta(minutes=10)
"""A start, and a rollout of the only replica, are no outage: as long as TGI's startup_timeout, and longer where a
server of many models may take longer. Chosen, not measured."""
_START_STEP: Final = timedelta(minutes=15)
"""By which it grows, so that not each added version changes the alert."""


SUSTAINED: Final = timedelta(minutes=10)
"""Long enough that it does not mend itself."""


class Severity(StrEnum):
    """What an alert asks of a person."""

    CRITICAL = "critical"
    """Users get no answer: somebody is woken."""
    WARNING = "warning"
    """Somebody looks within the working day."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One condition and what to do about it."""

    name: str
    expression: str
    """PromQL; a result means that the condition holds."""
    hold: timedelta
    """How long it must hold; whole seconds."""
    severity: Severity
    summary: str
    description: str
    run: str
    """Commands that show the cause."""
    of_models: bool = False
    """Whether a result says itself which task, model, language and owner it is about, and not the whole server."""


def patience(span: timedelta) -> timedelta:
    """How long an alert waits for what may take that long."""
    return START if span <= START else -(-span // _START_STEP) * _START_STEP


LABELLED: Final = "{{ $labels.task }}/{{ $labels.model }}/{{ $labels.language }}"
"""Of a result that says which model it is about."""

_LISTED: Final = 5
"""Entries that an alert names; the command that it prints shows all."""


def listed(server: ServerPlan) -> str:
    """Its entries, as far as a sentence takes."""
    names = [str(entry) for entry in server.entries]
    rest = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def named(server: ServerPlan) -> str:
    """By its entry where it holds one alone."""
    if len(server.entries) == 1:
        return f"{server.entries[0]} ({server.name})"
    return f"{server.name} ({len(server.entries)} entries)"


def samples_of(server: ServerPlan, namespace: str) -> str:
    """What selects the server's own series, as inside PromQL's braces."""
    return f'namespace="{namespace}",server="{server.name}"'


def commands(server: ServerPlan, namespace: str, *verbs: str) -> str:
    """`slipway show`, then kubectl's, each about the server's pods."""
    show = f"slipway show --server {server.name} --env {server.environment}"
    asked = [f"kubectl -n {namespace} {verb} -l {SERVER_LABEL}={server.name}" for verb in verbs]
    return "\n".join([show, *asked])
