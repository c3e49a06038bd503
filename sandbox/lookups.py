"""The lookups of a recovery on the sandbox: AWS's own questions, asked of moto, and of the emulation's records where
moto 5.2.5 has no such objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import boto3

from recovery import Candidate, Look, Question
from recovery.aws import AwsLookups
from sandbox.aws.recorded import Records
from sandbox.lifecycle import REGION, Sandbox

_RECORDED: Final = {
    "list_pod_identity_associations": "aws:eks/podIdentityAssociation:PodIdentityAssociation",
}
"""Operation that moto lacks → the type whose records answer it."""


def sandbox_lookups(sandbox: Sandbox) -> Look:
    """Return a function that asks the emulated account of a sandbox that runs."""
    url, records = sandbox.endpoints().aws_url, Records(sandbox.paths.root / "recorded")

    def client(service: str, region: str | None) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]  # one of many literal overloads, chosen by a plain string
            endpoint_url=url,
            region_name=region or REGION,
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",  # noqa: S106 (the emulated account takes any)
        )

    ask = AwsLookups(client, account=None)

    def look(question: Question) -> tuple[Candidate, ...]:
        token = _RECORDED.get(question.operation)
        return tuple(_recorded(records, token, question)) if token else ask(question)

    return look


def _recorded(records: Records, token: str, question: Question) -> Iterator[Candidate]:
    """Yield the records whose inputs are the question's parameters."""
    for record in records.all(token):
        said = {**record, **record.get("inputs", {})}
        if question.parameters.items() <= said.items():
            id_ = said.get(question.id, record["id"])
            yield Candidate(id=id_, import_id=question.import_id.format(id=id_))
