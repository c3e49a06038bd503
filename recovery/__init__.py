"""The way out after an update that was killed: pending creates of a stack's state become resources with their ids.

State JSON in, decisions and state JSON out. `recovery.aws` asks AWS; the engine is run by whoever calls.
"""

from recovery.decisions import Decision, Verdict, decide
from recovery.errors import LookupFailedError, MissingInputError, RecoveryError
from recovery.identities import IDENTITIES, FromAws, FromInputs, Nothing, identity_of
from recovery.operations import CREATING, Deployment, Operation, pending, resources, type_of, unread
from recovery.orphans import Holding, Orphan, orphans, stack_tags
from recovery.plan import Plan, State, carry_out, deployment_of, make_plan, was_made
from recovery.questions import Candidate, Detail, Look, Question
from recovery.state import recovered

__all__ = [
    "CREATING",
    "Candidate",
    "Decision",
    "Deployment",
    "Detail",
    "FromAws",
    "FromInputs",
    "Holding",
    "IDENTITIES",
    "Look",
    "LookupFailedError",
    "MissingInputError",
    "Nothing",
    "Operation",
    "Orphan",
    "Plan",
    "Question",
    "RecoveryError",
    "State",
    "Verdict",
    "carry_out",
    "decide",
    "deployment_of",
    "identity_of",
    "make_plan",
    "orphans",
    "pending",
    "recovered",
    "resources",
    "stack_tags",
    "type_of",
    "unread",
    "was_made",
]
