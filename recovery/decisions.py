"""Decides which pending operations of a state become resources, and with which id. Pure: a function asks AWS.

An object whose create answer was lost is a leaf: the engine makes a resource only after those that it depends on have
answered. So removing one breaks nothing, and it never takes the place of a resource that the state has.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from recovery.errors import LookupFailedError, MissingInputError
from recovery.identities import FromInputs, Nothing, identity_of
from recovery.operations import CREATING, Deployment, Operation, pending, resources
from recovery.questions import Candidate, Look, Question


class Verdict(StrEnum):
    """The outcome for a pending operation."""

    ADOPT = "adopt"
    """It becomes the resource of its URN; the refresh drops it where the object was never made."""
    REMOVE = "remove"
    """It becomes a resource to delete, beside the one that the state has; the next update deletes what exists of it."""
    FORGET = "forget"
    """There is nothing to recover."""
    ENGINE = "left to the engine"
    """The refresh reads the object, and the next update repeats the call."""
    UNDECIDED = "undecided"
    """A person has to look."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The verdict on one pending operation, with its reason."""

    operation: Operation
    verdict: Verdict
    id: str = ""
    """The id of the object, for ADOPT and REMOVE."""
    why: str
    commands: tuple[str, ...] = ()
    """The commands that show a person the object, for UNDECIDED."""


@dataclass(frozen=True)
class _Known:
    """The state's resources, with the lookups that a decision needs."""

    deployment: Deployment

    def current(self, urn: str) -> Mapping[str, Any] | None:
        """Return the resource of a URN that is not to be deleted."""
        found = (item for item in resources(self.deployment) if item["urn"] == urn and not item.get("delete"))
        return next(found, None)

    def provider(self, reference: str) -> Mapping[str, Any] | None:
        """Return the provider that a resource's `provider` names: its URN, `::`, and its id."""
        urn, _, id_ = reference.rpartition("::")
        found = (item for item in resources(self.deployment) if (item["urn"], item.get("id")) == (urn, id_))
        return next(found, None)

    def holds(self, candidate: Candidate, type_: str) -> bool:
        """Return whether a resource of the type is the object, by its id or by what its inputs say."""
        ids = {candidate.id, candidate.import_id}
        same_type = (item for item in resources(self.deployment) if item["type"] == type_)
        return any(item.get("id") in ids or _import_id(item) in ids for item in same_type)


def decide(
    deployment: Deployment, look: Look, given: Mapping[str, str] | None = None
) -> tuple[Decision, ...]:
    """Return a decision for each pending operation, in their order.

    Args:
        deployment: the state.
        look: asks AWS for objects whose id it chose.
        given: URN or logical name → the id that a person found.
    """
    known, given = _Known(deployment), given or {}
    found = [_decide(operation, known, look, given) for operation in pending(deployment)]
    return tuple(_settled(found, known))


def _import_id(resource: Mapping[str, Any]) -> str | None:
    """Return the import id of a resource that the state has, where it follows from its inputs."""
    identity = identity_of(resource["type"])
    if not isinstance(identity, FromInputs):
        return None
    try:
        return identity.id(resource.get("inputs") or {})
    except MissingInputError:
        return None


def _decide(operation: Operation, known: _Known, look: Look, given: Mapping[str, str]) -> Decision:
    if operation.kind != CREATING:
        return Decision(operation=operation, verdict=Verdict.ENGINE, why="the same call is made again")
    identity = identity_of(operation.type)
    if not operation.custom or isinstance(identity, Nothing):
        return Decision(operation=operation, verdict=Verdict.FORGET, why="nothing exists outside the state")
    provider = known.provider(operation.resource.get("provider") or "")
    if provider is None:
        return _undecided(operation, "its provider is in the state no more; delete the object by hand")
    by_hand = given.get(operation.urn) or given.get(operation.name)
    if by_hand:
        return Decision(operation=operation, verdict=Verdict.ADOPT, id=by_hand, why="a person gave the id")
    if identity is None:
        return _undecided(operation, "the table in recovery/identities.py does not know the type")
    try:
        if isinstance(identity, FromInputs):
            id_ = identity.id(operation.inputs)
            return Decision(operation=operation, verdict=Verdict.ADOPT, id=id_, why="follows from the inputs")
        question = identity.question(operation.inputs, tags_of(operation, provider))
    except MissingInputError as error:
        return _undecided(operation, str(error))
    return _asked(operation, replace(question, region=_region(operation, provider)), known, look)


def _asked(operation: Operation, question: Question, known: _Known, look: Look) -> Decision:
    try:
        candidates = [found for found in look(question) if not known.holds(found, operation.type)]
    except LookupFailedError as error:
        return _undecided(operation, str(error), question)
    if not candidates:
        return Decision(
            operation=operation, verdict=Verdict.FORGET, why="AWS has none that the state does not know"
        )
    if len(candidates) > 1:
        ids = ", ".join(sorted(candidate.id for candidate in candidates))
        return _undecided(operation, f"{len(candidates)} objects answer: {ids}", question)
    return Decision(
        operation=operation,
        verdict=Verdict.ADOPT,
        id=candidates[0].import_id,
        why="the only one of its kind in AWS that no state holds",
        commands=(question.command(),),
    )


def _settled(decisions: list[Decision], known: _Known) -> list[Decision]:
    """Return the decisions with their conflicts settled: two claims to one object, and URNs that the state has."""
    claims = Counter(
        (decision.operation.type, decision.id)
        for decision in decisions
        if decision.verdict is Verdict.ADOPT and decision.commands
    )
    settled: list[Decision] = []
    taken: set[str] = set()
    for decision in decisions:
        claim = (decision.operation.type, decision.id)
        if decision.verdict is not Verdict.ADOPT:
            settled.append(decision)
        elif claims[claim] > 1:
            why = f"{decision.id} answers for {claims[claim]} pending operations"
            settled.append(replace(decision, verdict=Verdict.UNDECIDED, id="", why=why))
        else:
            settled.append(_beside(replace(decision, commands=()), known, taken))
            taken.add(decision.operation.urn)
    return settled


def _beside(decision: Decision, known: _Known, taken: set[str]) -> Decision:
    """Return the decision as it is where the URN is free; the object goes where the state has another one.

    Such a create is half of a replacement, or was repeated by a later update: the state does not say which. The one
    that the state has may hold everything else, and this one holds nothing.
    """
    operation = decision.operation
    current = known.current(operation.urn)
    if current is not None and not current.get("pendingReplacement"):
        if known.holds(Candidate(id=decision.id, import_id=decision.id), operation.type):
            return replace(decision, verdict=Verdict.FORGET, id="", why="the state has this object already")
        why = "the state has another object for this resource; a replacement is begun anew"
        return replace(decision, verdict=Verdict.REMOVE, why=why)
    if operation.urn in taken:
        return replace(decision, verdict=Verdict.REMOVE, why="a later update made another one")
    return decision


def _undecided(operation: Operation, why: str, question: Question | None = None) -> Decision:
    commands = (question.command(),) if question else ()
    return Decision(operation=operation, verdict=Verdict.UNDECIDED, why=why, commands=commands)


def tags_of(operation: Operation, provider: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags that the object has if it was made: the provider's default tags, and its own."""
    inputs = operation.inputs
    return {
        **default_tags(provider),
        **_plain(inputs.get("tags")),
        **_plain(inputs.get("tagsAll")),
    }


def _region(operation: Operation, provider: Mapping[str, Any]) -> str | None:
    for inputs in (operation.inputs, provider.get("inputs") or {}):
        if isinstance(inputs.get("region"), str):
            return str(inputs["region"])
    return None


def default_tags(provider: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags that an AWS provider of the state puts on everything; the engine keeps them as JSON text."""
    value = (provider.get("inputs") or {}).get("defaultTags")
    value = json.loads(value) if isinstance(value, str) and value else value
    return _plain(value.get("tags")) if isinstance(value, Mapping) else {}


def _plain(tags: Any) -> dict[str, str]:
    pairs = tags.items() if isinstance(tags, Mapping) else ()
    return {key: value for key, value in pairs if isinstance(value, str) and not key.startswith("__")}
