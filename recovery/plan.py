"""A recovery from export to import, whoever runs the engine: `slipway recover` and the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from recovery.decisions import Decision, Verdict, decide
from recovery.errors import RecoveryError
from recovery.operations import Deployment, resources, unread
from recovery.questions import Look
from recovery.state import recovered

State = dict[str, Any]
"""The JSON that `pulumi stack export` prints."""


def deployment_of(state: State) -> Deployment:
    """Return the deployment of an exported state; empty where the stack was never updated."""
    return state.get("deployment") or {}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The decisions that a recovery of one state would carry out."""

    state: State
    decisions: tuple[Decision, ...]

    @property
    def undecided(self) -> tuple[Decision, ...]:
        """The operations that a person has to look at."""
        return self._of(Verdict.UNDECIDED)

    @property
    def into_the_state(self) -> tuple[Decision, ...]:
        """The operations that become resources."""
        return self._of(Verdict.ADOPT, Verdict.REMOVE)

    @property
    def changes_the_state(self) -> bool:
        """True if a state has to be imported; operations left to the engine need its refresh alone."""
        return any(decision.verdict is not Verdict.ENGINE for decision in self.decisions)

    @cached_property
    def unread(self) -> list[str]:
        """URNs that an earlier recovery brought into the state, and that no refresh has read."""
        return unread(deployment_of(self.state))

    def _of(self, *verdicts: Verdict) -> tuple[Decision, ...]:
        return tuple(decision for decision in self.decisions if decision.verdict in verdicts)


def make_plan(state: State, look: Look, given: Mapping[str, str] | None = None) -> Plan:
    """Return what a recovery of the state would do.

    Args:
        state: as exported.
        look: asks AWS for objects whose id it chose.
        given: URN or logical name → the id that a person found.
    """
    return Plan(state=state, decisions=decide(deployment_of(state), look, given))


def carry_out(plan: Plan, export: Callable[[], State], import_: Callable[[State], None]) -> None:
    """Imports the recovered state; the caller refreshes next. Undecided operations are forgotten.

    `pulumi stack import` drops every pending operation, whatever the file says (pkg/cmd/pulumi/stack/io.go,
    SaveSnapshot), so that none can be kept: it is all of them or none. It takes the stack's lock, and refuses while an
    update holds it.

    Raises:
        RecoveryError: the state changed since the plan was made.
    """
    if export() != plan.state:
        raise RecoveryError("the state changed while this was decided; nothing was changed. Run it again")
    import_({**plan.state, "deployment": recovered(deployment_of(plan.state), plan.decisions)})


def was_made(plan: Plan, state: State) -> list[tuple[Decision, bool]]:
    """Return each recovered operation, and whether its object exists.

    Args:
        plan: the recovery that was carried out.
        state: as exported after the refresh, which drops what does not exist.
    """
    left = {(item["urn"], bool(item.get("delete"))) for item in resources(deployment_of(state))}
    return [
        (decision, (decision.operation.urn, decision.verdict is Verdict.REMOVE) in left)
        for decision in plan.into_the_state
    ]
