"""What becomes of each pending operation, on states as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from recovery import Candidate, Look, LookupFailedError, Question, Verdict, decide
from tests.unit.recovery.states import DEFAULT_TAGS, creating, deployment, resource, urn

ROLE, VPC, EIP = "aws:iam/role:Role", "aws:ec2/vpc:Vpc", "aws:ec2/eip:Eip"
NETWORK = {"cidrBlock": "10.0.0.0/16", "tags": {"Name": "network-vpc"}}


def answers(*ids: str) -> Look:
    return lambda question: [Candidate(id=id_, import_id=question.import_id.format(id=id_)) for id_ in ids]


def refuse(question: Question) -> Sequence[Candidate]:
    raise AssertionError(f"AWS is asked {question.command()}")


def verdicts(
    state: dict[str, Any], look: Look = refuse, given: Mapping[str, str] | None = None
) -> list[tuple[str, str]]:
    return [(decision.verdict.name, decision.id) for decision in decide(state, look, given)]


def test_a_create_whose_id_follows_from_its_inputs_is_adopted_and_nobody_is_asked() -> None:
    assert verdicts(deployment(creating(ROLE, "reader", {"name": "reader-1"}))) == [("ADOPT", "reader-1")]


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (("vpc-1",), ("ADOPT", "vpc-1")),
        ((), ("FORGET", "")),
        (("vpc-1", "vpc-2"), ("UNDECIDED", "")),
    ],
)
def test_an_id_that_aws_chose_needs_exactly_one_object(
    found: tuple[str, ...], verdict: tuple[str, str]
) -> None:
    assert verdicts(deployment(creating(VPC, "network", NETWORK)), answers(*found)) == [verdict]


def test_an_object_that_the_state_holds_is_no_candidate() -> None:
    sibling = resource(VPC, "other", NETWORK, id="vpc-1", outputs={"id": "vpc-1"})
    pending = creating(VPC, "network", NETWORK)
    assert verdicts(deployment(pending, has=(sibling,)), answers("vpc-1", "vpc-2")) == [("ADOPT", "vpc-2")]


def test_one_object_that_answers_for_two_siblings_is_nobody_s() -> None:
    state = deployment(creating(EIP, "a"), creating(EIP, "b"))
    assert verdicts(state, answers("eipalloc-1")) == [("UNDECIDED", "")] * 2


def test_a_question_has_the_provider_s_default_tags_and_region_and_the_object_s_own_tags() -> None:
    asked: list[Question] = []

    def look(question: Question) -> Sequence[Candidate]:
        asked.append(question)
        return ()

    decide(deployment(creating(VPC, "network", NETWORK)), look)
    assert [dict(question.tags) for question in asked] == [{**DEFAULT_TAGS, "Name": "network-vpc"}]
    assert [question.region for question in asked] == ["eu-west-1"]


def test_where_aws_does_not_answer_the_reason_and_the_command_are_said() -> None:
    def look(_: Question) -> Sequence[Candidate]:
        raise LookupFailedError("AWS refused ec2 describe_vpcs: UnauthorizedOperation")

    (decision,) = decide(deployment(creating(VPC, "network", NETWORK)), look)
    assert decision.verdict is Verdict.UNDECIDED
    assert "UnauthorizedOperation" in decision.why
    assert decision.commands[0].startswith("aws ec2 describe-vpcs --region eu-west-1 --filters")


@pytest.mark.parametrize("name", ["network", urn(VPC, "network")])
def test_a_person_s_id_decides(name: str) -> None:
    state = deployment(creating(VPC, "network", NETWORK))
    assert verdicts(state, answers("vpc-1", "vpc-2"), {name: "vpc-2"}) == [("ADOPT", "vpc-2")]


@pytest.mark.parametrize("kind", ["updating", "deleting", "reading", "importing"])
def test_what_is_no_create_is_left_to_the_engine(kind: str) -> None:
    operation = {"type": kind, "resource": resource(ROLE, "reader", {"name": "reader-1"}, id="reader-1")}
    assert verdicts(deployment(operation)) == [("ENGINE", "")]


def test_a_component_and_a_provider_made_nothing() -> None:
    component = creating("slipway:network:Network", "network", custom=False)
    assert verdicts(deployment(component, creating("pulumi:providers:aws", "aws"))) == [("FORGET", "")] * 2


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        (creating("aws:sqs/queue:Queue", "q"), "does not know the type"),
        (creating(ROLE, "reader", {"name": {"ciphertext": "v1:x"}}), "no plain text"),
        (
            creating(ROLE, "reader", {"name": "r"}, provider="urn:gone::id"),
            "its provider is in the state no more",
        ),
    ],
)
def test_what_cannot_be_known_is_undecided_and_never_guessed(operation: dict[str, Any], why: str) -> None:
    (decision,) = decide(deployment(operation), refuse)
    assert decision.verdict is Verdict.UNDECIDED
    assert why in decision.why


def test_beside_a_resource_that_the_state_has_the_new_object_goes() -> None:
    """Half of a replacement, or made again by an update in between: the one in use is never exchanged for it."""
    old = resource(ROLE, "reader", {"name": "reader-1"}, id="reader-1")
    pending = creating(ROLE, "reader", {"name": "reader-2"})
    assert verdicts(deployment(pending, has=(old,))) == [("REMOVE", "reader-2")]


@pytest.mark.parametrize(
    ("type_", "inputs", "id_"),
    [
        (ROLE, {"name": "reader-1"}, "reader-1"),
        # The state's id is another than the one to import it by.
        (
            "aws:ec2/route:Route",
            {"routeTableId": "rtb-1", "destinationCidrBlock": "0.0.0.0/0"},
            "r-rtb-11080289494",
        ),
    ],
)
def test_what_the_state_has_already_is_never_deleted(type_: str, inputs: dict[str, Any], id_: str) -> None:
    state = deployment(creating(type_, "one", inputs), has=(resource(type_, "one", inputs, id=id_),))
    assert verdicts(state) == [("FORGET", "")]


def test_an_association_that_the_state_has_is_known_by_its_own_id() -> None:
    inputs = {"subnetId": "subnet-1", "routeTableId": "rtb-1"}
    type_ = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    state = deployment(creating(type_, "a", inputs), has=(resource(type_, "a", inputs, id="rtbassoc-1"),))
    assert verdicts(state, answers("rtbassoc-1")) == [("FORGET", "")]


def test_what_was_deleted_to_be_made_anew_is_adopted() -> None:
    old = resource(ROLE, "reader", {"name": "reader"}, id="reader", pendingReplacement=True)
    assert verdicts(deployment(creating(ROLE, "reader", {"name": "reader"}), has=(old,))) == [
        ("ADOPT", "reader")
    ]


def test_of_two_updates_that_were_killed_the_last_one_s_object_is_kept() -> None:
    state = deployment(
        creating(ROLE, "reader", {"name": "second"}), creating(ROLE, "reader", {"name": "first"})
    )
    assert verdicts(state) == [("ADOPT", "second"), ("REMOVE", "first")]
