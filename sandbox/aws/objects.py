"""Makes, changes, removes and finds one object: plans its calls, applies AWS's own rules, sends the calls."""

from __future__ import annotations

from dataclasses import replace

from plugin_server.provider import ProviderError
from plugin_server.values import Properties
from sandbox.aws import planner, views
from sandbox.aws.account import Account, AwsError
from sandbox.aws.conversions import Context, search
from sandbox.aws.server_rules import AFTER, BEFORE, OBSERVED
from sandbox.aws.table import Kind


def make(kind: Kind, account: Account, context: Context) -> Context:
    """Create an object, and return the context with its id; :func:`complete` does what is left."""
    _before("create", kind, account, context)
    first = planner.creating(kind, context)[0]
    answer = account.send(kind, first, context)
    id_ = kind.id_of(context.inputs) or str(search(kind.id, answer))
    return replace(context, id=id_)


def complete(kind: Kind, account: Account, context: Context) -> None:
    """Send the calls of a create that need the id."""
    first, *others = planner.creating(kind, context)
    account.record(kind, first, context)
    for call in others:
        account.send(kind, call, context)
        account.record(kind, call, context)
    _after("create", kind, account, context)


def change(kind: Kind, account: Account, context: Context) -> None:
    """Bring an object from the old inputs to the new ones."""
    _before("update", kind, account, context)
    for call in planner.updating(kind, context):
        account.send(kind, call, context)
        account.record(kind, call, context)
    _after("update", kind, account, context)


def remove(kind: Kind, account: Account, context: Context) -> None:
    """Delete an object; one that is gone already is no error."""
    if look(kind, account, context) is not None:
        _before("delete", kind, account, context)
        for call in planner.deleting(kind, context):
            try:
                account.send(kind, call, context)
            except AwsError as error:
                if not error.is_absence:
                    raise
    _after("delete", kind, account, context)
    account.records.remove(kind.token, context.id)


def find(kind: Kind, account: Account, context: Context) -> Properties | None:
    """Return :func:`look`'s answers, after AWS's own work on an existing object: a node group replaces lost nodes."""
    found = look(kind, account, context)
    if found is not None and kind.token in OBSERVED:
        OBSERVED[kind.token](account, context, found)
    return found


def look(kind: Kind, account: Account, context: Context) -> Properties | None:
    """The answers that describe an object, by the names of the kind's looks; None when it does not exist."""
    found: Properties = {}
    for reading in planner.reading(kind, context):
        try:
            answer = account.send(kind, reading.call, context)
            found[reading.name] = search(reading.part, answer)
        except AwsError as error:
            if not error.is_absence:
                raise
            found[reading.name] = None
        if len(found) == 1 and found[reading.name] is None:
            return None
    return found | {
        "id": context.id,
        "given": context.inputs,
        "region": context.region,
        "account": account.number,
        "record": account.records.get(kind.token, context.id) or {},
    }


def required(kind: Kind, account: Account, context: Context) -> Properties:
    """The outputs of an object that must exist.

    Raises:
        ProviderError: it does not.
    """
    found = find(kind, account, context)
    if found is None:
        raise ProviderError(f"{kind.token} {context.id} is gone; run `pulumi refresh`, and it is made again")
    return views.outputs_of(kind, found)


def _before(moment: str, kind: Kind, account: Account, context: Context) -> None:
    """Refuse what AWS would refuse, and prepare."""
    for refusal in kind.refuse:
        if refusal.at == moment:
            reading = planner.looking(refusal.look, context)
            found = search(reading.part, account.send(kind, reading.call, context))
            if found:
                step = (kind.create if moment == "create" else kind.delete)[0]
                says = planner.filled(refusal.says, context, found=", ".join(sorted(found)))
                raise AwsError(step.service, step.operation, refusal.code, says)
    for rule in BEFORE.get((kind.token, moment), ()):
        rule(account, context)


def _after(moment: str, kind: Kind, account: Account, context: Context) -> None:
    for rule in AFTER.get((kind.token, moment), ()):
        rule(account, context)
